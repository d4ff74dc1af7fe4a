"""Run every benchmark, or write the page from the results there are.

python -m benchmarks [--locomo PATH] [--quick] [--only NAME ...]
python -m benchmarks --page
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.report import RESULTS, command

NAMES = ("tools_list", "start", "recall", "readable", "append", "remember", "retrieval")
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"

INTRODUCTION = """\
# Benchmarks

This page is written by `python -m benchmarks --page` from the last results; edit `benchmarks/__main__.py` instead.

Each benchmark is one command, brings its own temporary data folder, ends every process it started, prints a table
and writes JSON to `benchmarks/results/`. It waits for a quiet moment (`--wait` seconds at most) and says how quiet
it was: on a busy machine read the ratios, whose two sides are measured in turns in the same run, and not the
milliseconds. `--quick` only shows that it runs.

| command | measures | takes about |
| --- | --- | --- |
| `python -m benchmarks.tools_list` | bytes of the answer to `tools/list` | 2 s |
| `python -m benchmarks.start` | spawn to the reply to `initialize` against the bare SDK; memory | 3 min |
| `python -m benchmarks.recall` | `recall` over stdio at 1k, 10k, 100k memories in 1 and 100 scopes | 8 min |
| `python -m benchmarks.readable` | from acknowledged to found, by words and by meaning | 4 min |
| `python -m benchmarks.append` | appending to a session of 10 and of 5,000 messages | 3 min |
| `python -m benchmarks.remember` | 10,000 memories in batches of 100 until found by meaning | 3 min |
| `python -m benchmarks.retrieval PATH` | LoCoMo: how much of the evidence `recall` finds | 3 min |
| `python -m benchmarks --locomo PATH` | all of them, then this page | half an hour |

LoCoMo (snap-research/LoCoMo, CC BY-NC 4.0) is not part of this repository: `PATH` is a file of its conversations.
The development dependencies are needed (`uv sync`, or `pip install --group dev -e .`).
"""


def main() -> int:
    """Run what was asked for; how many of the benchmarks failed."""
    parser = command(__doc__)
    parser.add_argument("--locomo", type=Path, help="a LoCoMo file, for the retrieval benchmark")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="not all of them")
    parser.add_argument("--page", action="store_true", help="only write docs/benchmarks.md")
    options = parser.parse_args()
    failed = [] if options.page else [name for name in options.only if not _ran(name, options)]
    write_page()
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def _ran(name: str, options: argparse.Namespace) -> bool:
    """Run one in a process of its own: what one imports must not weigh on the next."""
    arguments = ["--wait", str(options.wait), *(["--quick"] if options.quick else [])]
    if name == "retrieval":
        if options.locomo is None:
            print("retrieval: left out, it needs --locomo PATH", file=sys.stderr)
            return True
        arguments.append(str(options.locomo))
    print(f"--- {name}", file=sys.stderr, flush=True)
    command_line = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command_line, check=False, cwd=ROOT, env=env).returncode == 0


def write_page() -> None:
    """docs/benchmarks.md from the results."""
    parts = [INTRODUCTION]
    for name in NAMES:
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text())
        where = result["machine"]
        measured = (
            f"Measured {result['at'][:10]}: {where['processors']} processors, {where['memory_gb']} GB, "
            f"{where['system']}, Python {where['python']}."
        )
        parts.append(f"{result['markdown']}\n\n{measured}\n")
    PAGE.write_text("\n".join(parts))
    print(PAGE)


if __name__ == "__main__":
    sys.exit(main())
