"""The floor: a server of one tool on the bare SDK. `python -m benchmarks.echo_server`."""

from mcp.server import MCPServer

mcp = MCPServer("echo", version="1", log_level="WARNING")


@mcp.tool()
async def echo(text: str) -> str:
    """Say it again."""
    return text


if __name__ == "__main__":
    mcp.run("stdio")
