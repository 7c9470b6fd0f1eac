// Elements of the page, made in one call. Text goes in as text: nothing here, or in any file beside it, reads markup.

const SVG_NAMES = "http://www.w3.org/2000/svg";

/** make("p", {class: "soft", onclick: f}, "text", element). What is null or false among these is left out. */
export function make(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for an element of an SVG picture. */
export function makeSvg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG_NAMES, tag), attributes, children);
}

function filled(element, attributes, children) {
  const isThere = (value) => value !== null && value !== undefined && value !== false;
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (isThere(value)) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter(isThere));
  return element;
}

export function button(text, onclick, attributes) {
  return make("button", { type: "button", onclick, ...attributes }, text);
}

/** A button that shows a drawing of 16 x 16 and says `label`. */
export function iconButton(label, path, onclick, kind = "icon") {
  const icon = { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" };
  const drawing = makeSvg("svg", icon, makeSvg("path", { d: path }));
  return button(drawing, onclick, { class: kind, "aria-label": label, title: label });
}

/** Buttons of which one is pressed: choices are [value, label]; show(value) presses one. */
export function choice(label, choices, onchoose) {
  const buttons = choices.map(([value, text]) => button(text, () => onchoose(value)));
  return {
    element: make("div", { class: "choice", role: "group", "aria-label": label }, buttons),
    show(chosen) {
      choices.forEach(([value], i) => buttons[i].setAttribute("aria-pressed", String(value === chosen)));
    },
  };
}
