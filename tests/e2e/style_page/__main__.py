"""Serve the style page on a port of this machine."""

import uvicorn

from tests.e2e.style_page.app import create_app

if __name__ == "__main__":
    uvicorn.run(create_app(), port=8123)
