"""What happens to a test whose server is not to be had. Which servers there are is not here."""

import os
from typing import NoReturn

import pytest


def not_run(why: str) -> NoReturn:
    """Skip and say why; with INLOOP_REQUIRE_ALL=1 fail, so that nobody believes that a test ran which did not."""
    if os.environ.get("INLOOP_REQUIRE_ALL") == "1":
        pytest.fail(f"not run: {why}", pytrace=False)
    pytest.skip(f"not run: {why}")
