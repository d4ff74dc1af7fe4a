"""The commands for people and scripts: everything `mcp-memory` does when it is given arguments.

Each command is a dataclass: its docstring is the help text, its fields are the options, its `run` does the work.

    console < command < {hosts, memories, files, processes, configure, checks < doctor, demo} < app
"""
