"""Make the README's picture of a computation graph that is stepped through: a saved page, in headless Chromium.

    python assets/make_graph_screenshot.py

Needs what the browser tests need (the extras course and test, and a Chromium).
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import engine as torch  # noqa: E402
from engine import nn, viz  # noqa: E402
from engine.nn import functional as F  # noqa: E402

PICTURE = Path(__file__).with_name("graph.png")
SIZE = {"width": 1080, "height": 620}
STEPS = 5


def captured():
    """A step of training a small network."""
    torch.manual_seed(1)
    x, y = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    with viz.capture() as graph:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
    return graph


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder, "graph.html")
        captured().save(path)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5)
        page.goto(path.as_uri())
        for _ in range(STEPS):
            page.get_by_role("button", name="Next step").click()
        page.wait_for_timeout(500)
        page.locator("section.viewer").screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)} is new.")


if __name__ == "__main__":
    main()
