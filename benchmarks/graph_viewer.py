"""How fast the viewer of graphs is in headless Chromium: opening, drawing, panning and zooming. Plain figures.

    python benchmarks/graph_viewer.py

A frame is counted when the browser has drawn it. Chromium draws here without a graphics card, so a learner's machine is
faster. The targets of the project: 50 frames/s with 1,000 boxes in sight, 10,000 nodes open in under 2 s.
"""

import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import graph_documents  # noqa: E402
import viewer_page  # noqa: E402

FRAMES = 120
OPEN = """async (graph) => {
  const { start } = await import("/view.js");
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const began = performance.now();
  window.viewer = start(document.getElementById("viewer"), graph, null);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""
# Moves as a hand does, one event a frame; gives the milliseconds from frame to frame.
MOVE = """async ({ kind, frames }) => {
  const picture = document.querySelector("#viewer > div").shadowRoot.querySelector(".sheet");
  const { left, top, width, height } = picture.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + height / 2];
  const always = { bubbles: true, cancelable: true, pointerId: 1, button: 0 };
  const send = (Event, name, how) => picture.dispatchEvent(new Event(name, { ...always, ...how }));
  const pointer = (name, dx) => send(PointerEvent, name, { clientX: x + dx, clientY: y + dx / 2 });
  picture.setPointerCapture = () => {};
  if (kind === "pan") pointer("pointerdown", 0);
  const times = [];
  for (let i = 0; i <= frames; i++) {
    await new Promise(requestAnimationFrame);
    times.push(performance.now());
    if (kind === "pan") pointer("pointermove", 120 * Math.sin(i / 10));
    else send(WheelEvent, "wheel", { ctrlKey: true, deltaY: 40 * Math.cos(i / 10), clientX: x, clientY: y });
  }
  if (kind === "pan") pointer("pointerup", 0);
  return times.slice(1).map((time, i) => time - times[i]);
}"""


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no Chromium here: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = viewer_page.bare(browser.new_page(viewport={"width": 1400, "height": 900}))
        for nodes, size in ((1_000, 50), (10_000, 100), (10_000, 1_000)):
            document = graph_documents.blocks(nodes // size, size)
            page.goto(viewer_page.ADDRESS)
            taken = page.evaluate(OPEN, document)
            print(f"opening {nodes:6,} nodes, closed in groups of {size:5,}: {taken:7.0f} ms")
        page.goto(viewer_page.ADDRESS)
        taken = page.evaluate(OPEN, graph_documents.blocks(20, 50) | {"open": list(range(20))})
        boxes = page.locator(".box").count()
        print(f"opening {boxes:6,} boxes, all groups open: {taken:18.0f} ms")
        page.get_by_label("Fit the picture").click()
        for kind in ("pan", "zoom"):
            between = page.evaluate(MOVE, {"kind": kind, "frames": FRAMES})
            slow, rate = statistics.quantiles(between, n=20)[-1], 1000 / statistics.mean(between)
            print(f"{kind:4} with {boxes:,} boxes in sight: {rate:4.0f} frames/s, one in 20 takes over {slow:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
