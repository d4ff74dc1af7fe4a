"""Export and import: a scope, or a whole store, as JSON Lines.

lines < exporting < importing
"""

from mcp_memory.transfer.exporting import export_lines
from mcp_memory.transfer.importing import BadLine, ImportReport, import_lines

__all__ = ["BadLine", "ImportReport", "export_lines", "import_lines"]
