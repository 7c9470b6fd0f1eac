"""Playwright's `expect`: it looks at the page again and again, for up to a minute, until it finds what a test says."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="drives the browser: pip install 'chainrule[test]'").expect
expect.set_options(timeout=60_000)
