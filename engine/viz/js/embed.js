// Where the viewer lives: in the place of a notebook's static picture, in a file of its own, or in a widget.

import { make } from "./dom.js";
import { start } from "./view.js";

const ON_PAPER = `
@media screen { [data-alive] > img { display: none; } }
@media print { [data-alive] > :not(img) { display: none; } }`;

/** Show a document in the place of every static picture that page.py marked with this key and that is still there (the
 * same output can be on a page more than once). On paper, and if that fails, the picture stays. */
export async function replacePictures(key, packed) {
  const graph = typeof packed === "string" ? await unpacked(packed) : packed;
  for (const element of document.querySelectorAll(`[data-chainrule="${key}"]:not([data-alive])`)) {
    const picture = element.querySelector(":scope > img");
    try {
      start(element, graph);
      element.append(picture, make("style", {}, ON_PAPER));
      element.dataset.alive = "";
    } catch (error) {
      element.replaceChildren(picture);
      throw error;
    }
  }
}

/** What anywidget asks of a widget's script: show the model in an element, and return what to do when it goes. */
export function render({ model, el }) {
  const viewer = start(el, model.get("document"), kernelOf(model));
  return () => viewer.destroy();
}

/** A large document comes as gzip in base64. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// A widget's `open` is a method of ipywidgets, so there the trait has another name.
const traitOf = (name) => (name === "open" ? "opened" : name);

/** The viewer's link to a kernel, by an anywidget model: its traits, and questions that are answered later. */
function kernelOf(model) {
  const waiting = new Map();
  model.on("msg:custom", (message) => {
    const promise = waiting.get(message.id);
    if (promise) {
      waiting.delete(message.id);
      if (message.error === undefined) promise.resolve(message.answer);
      else promise.reject(new Error(message.error));
    }
  });
  return {
    get: (name) => model.get(traitOf(name)),
    set(name, value) {
      model.set(traitOf(name), value);
      model.save_changes();
    },
    on(name, callback) {
      const event = `change:${traitOf(name)}`;
      const heard = () => callback(model.get(traitOf(name)));
      model.on(event, heard);
      return () => model.off(event, heard);
    },
    ask(request) {
      const id = String(Math.random()); // not a count: all pages that show the widget hear all answers
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        model.send({ ask: request, id });
      });
    },
  };
}
