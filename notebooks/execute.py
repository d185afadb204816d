"""Execute a notebook in this interpreter's environment and fail on any error.

The notebook in the repository stays without outputs; nothing is written back.
"""
import os
import sys

import nbclient
import nbformat

path = sys.argv[1]
with open(path, encoding="utf-8") as f:
    notebook = nbformat.read(f, as_version=4)
for cell in notebook.cells:
    if cell.cell_type == "code" and (cell.outputs or cell.execution_count):
        sys.exit(f"{path}: a cell has outputs; strip them before committing")
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
nbclient.NotebookClient(
    notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": os.path.dirname(path) or "."}}
).execute()
charts = sum("image/png" in o.get("data", {}) for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
if charts == 0:
    sys.exit(f"{path}: no chart was drawn")
print(f"{path}: {len(notebook.cells)} cells ran, {charts} chart(s) drawn")
