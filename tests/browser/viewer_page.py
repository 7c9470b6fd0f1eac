"""A bare page in which the viewer's own modules run, as they are in engine/viz/js, and a stand-in for a kernel."""

from pathlib import Path

MODULES = Path(__file__).resolve().parents[2] / "engine" / "viz" / "js"
ADDRESS = "http://viewer.test/"  # reaches nothing: every request is answered by `bare`
HTML = '<!doctype html><html lang="en"><meta charset="utf-8"><title>viewer</title><body><div id="viewer"></div></body>'

# What links the viewer to a kernel (docs/graphs.md), in the page itself. `told` keeps what the viewer set, in order.
START = """async ([graph, traits]) => {
  const { start } = await import("/view.js");
  const heard = {};
  window.told = [];
  window.asked = [];
  window.kernel = traits && {
    get: (name) => traits[name],
    set(name, value) { window.told.push([name, value]); this.change(name, value); },
    change(name, value) { traits[name] = value; (heard[name] ?? []).forEach((callback) => callback(value)); },
    on(name, callback) { (heard[name] ??= []).push(callback); },
    ask(request) { return new Promise((resolve, reject) => window.asked.push({ request, resolve, reject })); },
  };
  window.viewer = start(document.getElementById("viewer"), graph, window.kernel);
}"""


def bare(page):
    """The page, whose requests for modules are answered from the repository and whose others are empty pages."""
    page.route("**/*", _answer)
    return page


def show(page, graph, traits=None):
    """Show a document; with `traits`, {"selected", "step", "open"}, linked to a stand-in for a kernel."""
    page.goto(ADDRESS)
    page.evaluate(START, [graph, traits])


def _answer(route):
    name = route.request.url.removeprefix(ADDRESS)
    if name.endswith(".js"):
        route.fulfill(body=(MODULES / name).read_text(encoding="utf-8"), content_type="text/javascript")
    else:
        route.fulfill(body=HTML, content_type="text/html")
