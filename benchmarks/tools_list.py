"""How many bytes the answer to `tools/list` has, as a host receives it."""

import argparse
import json

from benchmarks import homes, wire
from benchmarks.mcp_client import SERVER
from benchmarks.report import Report, Table, command, finish

MOST = 10_240


async def run(_: argparse.Namespace) -> Report:
    """Ask once: the answer is the same every time."""
    report = Report(name="tools_list", title="Size of tools/list")
    with homes.temporary_home() as home, wire.started(SERVER, homes.environment(home)) as server:
        server.request("initialize", wire.INITIALIZE)
        server.notify("notifications/initialized")
        line = server.request("tools/list", {})
    tools = json.loads(line)["result"]["tools"]
    sizes = {tool["name"]: len(json.dumps(tool, separators=(",", ":"), ensure_ascii=False).encode()) for tool in tools}
    report.data = {"bytes": len(line), "tools": sizes}
    report.tables = [
        Table(title="Bytes", columns=["tool", "bytes"], rows=[*sizes.items(), ("whole answer", len(line))])
    ]
    report.goal("answer", most=MOST, got=len(line), unit=" bytes")
    return report


if __name__ == "__main__":
    finish(run, command(__doc__).parse_args())
