"""The MCP face: tools, resources, prompts, completions and change notices, on any transport.

`server.build` makes the server; `stdio.run_stdio` serves it to one host. Nothing is imported here, so that
the stdio process decides itself what it loads, and when.
"""
