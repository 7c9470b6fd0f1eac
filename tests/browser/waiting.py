"""How long the browser's tests wait, and Playwright's `expect`, which looks again and again until it finds something.

Two minutes cost nothing where a page keeps up, and JupyterLab may need one to come up on a machine that is busy.
"""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="drives the browser: pip install 'chainrule[test]'").expect
MILLISECONDS = 120_000
expect.set_options(timeout=MILLISECONDS)
