"""`python -m worker`: a worker for the store of this environment, or of a data folder."""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from mcp_memory.errors import MemoryServerError
from mcp_memory.settings import Settings
from worker.run import run


def main() -> None:
    """Serve a store: until a signal, until nobody uses it (embedded), or until there is nothing to do."""
    arguments = _arguments()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.from_env()
        if arguments.home is not None:
            # The host that starts it may name a Redis for other stores of the same environment.
            settings = replace(settings, home=arguments.home, redis_url=None, queue_redis_url=None)
        failed = run(settings, concurrency=arguments.concurrency, burst=arguments.burst)
    except MemoryServerError as error:
        sys.exit(f"{error.code}: {error}")
    sys.exit(1 if failed else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--home", type=Path, help="the data folder of an embedded store; default: the environment's")
    parser.add_argument("--concurrency", type=_positive, default=10, help="jobs at a time (default 10)")
    parser.add_argument("--burst", action="store_true", help="leave when there is nothing to do")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}; allowed: at least 1")
    return number


if __name__ == "__main__":
    main()
