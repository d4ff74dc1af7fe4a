"""`python -m worker --home FOLDER`: the background worker of an embedded store."""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from mcp_memory.errors import MemoryServerError
from mcp_memory.settings import Settings
from worker.run import run


def main() -> None:
    """Serve the store of a data folder until nobody uses it."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the data folder")
    home: Path = parser.parse_args().home
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        # The host that starts it may name a Redis for other stores of the same environment.
        settings = replace(Settings.from_env(), home=home, redis_url=None, queue_redis_url=None)
        run(settings)
    except MemoryServerError as error:
        sys.exit(f"{error.code}: {error}")


if __name__ == "__main__":
    main()
