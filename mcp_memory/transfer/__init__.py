"""Export and import: a scope, or a whole store, as JSON Lines.

lines < exporting < target < {memories, sessions} < importing
"""

from mcp_memory.transfer.exporting import export_lines
from mcp_memory.transfer.importing import import_lines
from mcp_memory.transfer.target import BadLine, ImportReport

__all__ = ["BadLine", "ImportReport", "export_lines", "import_lines"]
