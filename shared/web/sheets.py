"""A list as a CSV file that a spreadsheet may open without running anything in it. No page is made here."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

# What spreadsheets read as the start of a formula, full-width forms and leading blanks included.
FORMULA_START = re.compile(r"^[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")
BYTE_ORDER_MARK = "\ufeff"


def csv_response(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A download called `<name>.csv`. Texts that look like a formula get a leading apostrophe; numbers stay numbers."""
    text = write_csv(head, rows)
    # Spreadsheets read UTF-8 only when told; plain ASCII needs no mark, which programs would stumble over.
    body = text if text.isascii() else BYTE_ORDER_MARK + text
    ascii_name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "list"
    return Response(
        body.encode(),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{ascii_name}.csv"',
            "x-content-type-options": "nosniff",
            "cache-control": "private, no-cache",
        },
    )


def write_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The file's text (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([defuse(cell) for cell in row] for row in rows)
    return out.getvalue()


def defuse(cell: Any) -> Any:
    """The cell as a spreadsheet may see it: empty for None, never a formula."""
    if cell is None:
        return ""
    if isinstance(cell, (bool, int, float)):
        return cell
    text = str(cell)
    return f"'{text}" if FORMULA_START.match(text) else text
