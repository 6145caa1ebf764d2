"""Writes the parts of `docs/` that the code knows. `make docs` builds the site from it.

Which parts there are is in blocks.py; how a model becomes a table is in tables.py; what is said of fields that say
nothing of themselves in the code is in sentences.yaml. No page's own text is kept here.
"""
