"""`python -m deploy.docs`: writes every generated block of `docs/` anew, and names the pages that changed."""

import sys
from pathlib import Path

from deploy.docs.blocks import rewrite

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Write; the exit code is 0."""
    for page in sorted(DOCS.rglob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = rewrite(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.relative_to(DOCS.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
