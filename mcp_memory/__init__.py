"""Memory for AI agents: an MCP server on Redis."""

__version__ = "0.1.0"

__all__ = ["__version__"]
