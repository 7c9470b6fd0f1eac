"""A picture that can be pointed at: with the mouse, or with the arrow keys once it has the focus.

For labs in which a place in an image is chosen. It is an anywidget, made when one is wanted, so that without a kernel
a notebook shows the lab's still picture in its stead.
"""

import functools

SCRIPT = """
function render({ model, el }) {
  const frame = document.createElement("div");
  frame.tabIndex = 0;
  frame.setAttribute("role", "application");
  frame.style.display = "inline-block";
  frame.setAttribute("aria-label", model.get("label"));
  const show = () => {  // into the image that is there: a new one would flicker, and lose what points at it
    const next = document.createElement("template");
    next.innerHTML = model.get("picture");
    const image = frame.querySelector("img");
    const given = next.content.querySelector("img");
    if (!image || !given) return frame.replaceChildren(next.content);
    for (const { name, value } of given.attributes) image.setAttribute(name, value);
  };
  const say = (name, pair) => {
    model.set(name, [...pair, model.get(name)[2] + 1]);
    model.save_changes();
  };
  frame.addEventListener("click", (event) => {
    const image = frame.querySelector("img");
    if (!image) return;
    const box = image.getBoundingClientRect();
    say("pointed", [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    frame.focus();
  });
  const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  frame.addEventListener("keydown", (event) => {
    if (!(event.key in arrows)) return;
    event.preventDefault();
    event.stopPropagation();  // JupyterLab would go to another cell
    say("moved", arrows[event.key]);
  });
  model.on("change:picture", show);
  show();
  el.appendChild(frame);
}
export default { render };
"""


def clickable(label, point, move):
    """A widget whose `picture` is an <img> as text.

    label: what it is and how it is used, for those who cannot see it.
    point(x, y): called when it is clicked, with the place as shares of its width and height, from 0 to 1.
    move(down, right): called at an arrow key, with -1, 0 or 1 for each.
    Raises ModuleNotFoundError without anywidget.
    """
    widget = _widget_type()(label=label)
    widget.observe(lambda change: point(*change["new"][:2]), "pointed")
    widget.observe(lambda change: move(*change["new"][:2]), "moved")
    return widget


@functools.cache
def _widget_type():
    import anywidget
    import traitlets

    class Clickable(anywidget.AnyWidget):
        """What `clickable` returns. The third number of `pointed` and `moved` counts, so that each one is a change."""

        _esm = SCRIPT
        picture = traitlets.Unicode("").tag(sync=True)
        label = traitlets.Unicode("").tag(sync=True)
        pointed = traitlets.List([0.0, 0.0, 0]).tag(sync=True)
        moved = traitlets.List([0, 0, 0]).tag(sync=True)

    return Clickable
