"""A picture that can be pointed at and painted on: with the mouse, or with the arrow keys once it has the focus.

For labs in which a place in an image is chosen. It is an anywidget, made when one is wanted, so that without a kernel
a notebook shows the lab's still picture in its stead.
"""

import functools

ARROWS = {"l": (0, -1), "r": (0, 1), "u": (-1, 0), "d": (1, 0)}
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
  const place = (event) => {
    const box = frame.querySelector("img").getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const point = (event) => {
    if (!frame.querySelector("img")) return;
    say("pointed", place(event));
    frame.focus();
  };
  let isDown = false, isWaiting = false, latest = null;
  const paint = () => {  // one place at a time: what is passed over while the kernel draws is left out
    if (isWaiting || !latest) return;
    isWaiting = true;
    say("painted", latest);
    latest = null;
  };
  if (model.get("paints")) {
    frame.style.touchAction = "none";
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();  // or the browser would drag the image away
      frame.setPointerCapture(event.pointerId);
      isDown = true;
      point(event);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!isDown) return;
      latest = place(event);
      paint();
    });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => { isDown = false; });
    model.on("change:heard", () => {
      isWaiting = false;
      paint();
    });
  } else {
    frame.addEventListener("click", point);
  }
  const arrows = { ArrowLeft: "l", ArrowRight: "r", ArrowUp: "u", ArrowDown: "d" };
  frame.addEventListener("keydown", (event) => {
    if (!(event.key in arrows)) return;
    event.preventDefault();
    event.stopPropagation();  // JupyterLab would go to another cell
    model.set("moved", model.get("moved") + arrows[event.key]);  // while the kernel draws, only the last one is sent
    model.save_changes();
  });
  model.on("change:picture", show);
  show();
  el.appendChild(frame);
}
export default { render };
"""


def clickable(label, point, move, paint=None):
    """A widget whose `picture` is an <img> as text.

    label: what it is and how it is used, for those who cannot see it.
    point(x, y): called when it is clicked, with the place as shares of its width and height, from 0 to 1.
    move(down, right): called at an arrow key, with -1, 0 or 1 for each.
    paint(x, y): called as the mouse moves on with its button held down, after `point`; None: nothing happens then.
    Raises ModuleNotFoundError without anywidget.
    """
    widget = _widget_type()(label=label, paints=paint is not None)

    def painted(change):
        paint(*change["new"][:2])
        widget.heard = change["new"][2]

    def moved(change):
        for arrow in change["new"][len(change["old"]) :]:
            move(*ARROWS[arrow])

    widget.observe(lambda change: point(*change["new"][:2]), "pointed")
    widget.observe(moved, "moved")
    if paint:
        widget.observe(painted, "painted")
    return widget


@functools.cache
def _widget_type():
    import anywidget
    import traitlets

    class Clickable(anywidget.AnyWidget):
        """What `clickable` returns.

        The third number of `pointed` and `painted` counts, so that each one is a change; `heard` is the count of the last
        place painted that has been drawn. `moved` is all arrow keys so far, so that those come through which follow each
        other faster than the kernel draws: of what changes meanwhile, a notebook sends only the last state.
        """

        _esm = SCRIPT
        picture = traitlets.Unicode("").tag(sync=True)
        label = traitlets.Unicode("").tag(sync=True)
        paints = traitlets.Bool(False).tag(sync=True)
        pointed = traitlets.List([0.0, 0.0, 0]).tag(sync=True)
        painted = traitlets.List([0.0, 0.0, 0]).tag(sync=True)
        moved = traitlets.Unicode("").tag(sync=True)
        heard = traitlets.Int(0).tag(sync=True)

    return Clickable
