import time

from mcp_memory.ids import ALPHABET, Ulids, new_id


def test_ids_ascend_even_within_a_millisecond() -> None:
    made = [new_id() for _ in range(5_000)]
    assert made == sorted(set(made))


def test_ids_ascend_when_the_clock_goes_back() -> None:
    clock = iter([1_000, 5, 5])
    source = Ulids(clock_ms=lambda: next(clock))
    first, second, third = source.next(), source.next(), source.next()
    assert first < second < third


def test_an_id_opens_with_its_time() -> None:
    value = 0
    for letter in new_id()[:10]:
        value = value * 32 + ALPHABET.index(letter)
    assert abs(value - time.time() * 1_000) < 10_000


def test_a_known_moment_has_the_known_spelling() -> None:
    assert Ulids(clock_ms=lambda: 1469918176385, random_bits=lambda _: 0).next() == "01ARYZ6S410000000000000000"
