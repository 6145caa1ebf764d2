"""A service that only shows every part of shared/web with sample content: looked at by people, checked by tests.

`python -m tests.e2e.style_page` serves it; `/style/` says what there is.
"""
