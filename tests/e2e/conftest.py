"""The browser for every test of this folder."""

from tests.e2e.browser import chromium, page

__all__ = ["chromium", "page"]
