// Elements of the page, made in one call. Text goes in as text: nothing here, or in any file beside it, reads markup.

const SVG_NAMES = "http://www.w3.org/2000/svg";

/** make("button", {class: "quiet", onclick: f}, "Open"): attributes that are null or false are left out. */
export function make(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for an element of an SVG picture. */
export function makeSvg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG_NAMES, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button that shows a drawing of 16 x 16 and says `label`. */
export function iconButton(label, path, onclick, kind = "icon") {
  const icon = makeSvg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, makeSvg("path", { d: path }));
  return make("button", { type: "button", class: kind, "aria-label": label, title: label, onclick }, icon);
}

/** Buttons of which one is pressed: choices are [value, label]; show(value) presses one. */
export function choice(label, choices, onchoose) {
  const buttons = choices.map(([value, text]) => make("button", { type: "button", onclick: () => onchoose(value) }, text));
  return {
    element: make("div", { class: "choice", role: "group", "aria-label": label }, buttons),
    show: (chosen) => choices.forEach(([value], i) => buttons[i].setAttribute("aria-pressed", String(value === chosen))),
  };
}
