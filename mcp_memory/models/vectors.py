"""What every model's answer becomes, and what every text becomes before a model sees it."""

import numpy as np
from numpy.typing import ArrayLike


def packed(vector: ArrayLike, dim: int) -> bytes:
    """The vector as the index stores it: float16[dim], little-endian, L2-normalised, `2 * dim` bytes.

    Raises:
        ValueError: it is not `dim` finite numbers, or all of them are zero; says which.
    """
    # float64, so that the squares of a provider's largest float32 do not overflow.
    row = np.asarray(vector, dtype=np.float64)
    if row.shape != (dim,):
        raise ValueError(f"{row.size} numbers instead of {dim}")
    norm = np.sqrt(row @ row)
    if not np.isfinite(norm):
        raise ValueError("numbers that are not finite")
    if norm == 0.0:
        raise ValueError("nothing but zeros")
    return (row / norm).astype("<f2").tobytes()


def well_formed(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD, so that it can be encoded; pairs become their character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
