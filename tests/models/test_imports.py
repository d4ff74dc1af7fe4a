"""What is imported when, and what that does. Each in a process of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "onnxruntime", "tokenizers", "litellm", "openai"}

NO_NETWORK = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"network: {event} {arguments}")
sys.addaudithook(refuse)
"""


def run(script: str, folder: Path) -> str:
    """What the script writes to stdout; it must succeed and write nothing to stderr."""
    script = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n" + script
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def imported(script: str, folder: Path) -> set[str]:
    """Which of the heavy packages the script imports."""
    return set(run(f"{script}\nprint(*sys.modules)", folder).split()) & HEAVY


def test_the_wall_itself_imports_no_model(tmp_path: Path) -> None:
    assert imported("import mcp_memory.models, mcp_memory.models.embed, mcp_memory.models.names", tmp_path) == set()


def test_the_local_model_does_not_need_litellm_or_the_network(tmp_path: Path) -> None:
    script = f"""{NO_NETWORK}
import asyncio
from mcp_memory.models.embed import open_embedder
from mcp_memory.models.names import LOCAL_MODEL
async def main():
    embedder = await open_embedder(LOCAL_MODEL)
    await embedder.embed(["tea"])
    await embedder.close()
asyncio.run(main())
"""
    assert imported(script, tmp_path) == {"numpy", "onnxruntime", "tokenizers"}


def test_litellm_is_imported_in_silence_without_network_and_without_a_stray_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STRAY=1\n")
    script = f"""{NO_NETWORK}
import asyncio, os
from mcp_memory.models.provider import import_litellm
asyncio.run(import_litellm())
print(os.environ.get("STRAY"))
"""
    assert run(script, tmp_path) == "None\n"
