// The caller's code beside the picture: a line lights its nodes, a node marks its line.

import { make } from "./dom.js";
import { plural } from "./words.js";

export function makeSource(app) {
  const { facts } = app;
  const nodesAt = new Map(); // "source:number" -> node ids
  for (const { id, line } of facts.nodes) {
    if (!line) continue;
    const key = `${line.source}:${line.number}`;
    nodesAt.set(key, [...(nodesAt.get(key) ?? []), id]);
  }
  const rows = new Map();
  const element = make("div", { class: "source", onkeydown }, facts.document.sources.map(piece));

  function piece({ file, first, lines }, source) {
    return make("figure", {}, make("figcaption", {}, file), make("div", { class: "code" }, lines.map((text, i) => line(source, first + i, text))));
  }

  function line(source, number, text) {
    const key = `${source}:${number}`;
    const ids = nodesAt.get(key);
    const parts = [make("span", { class: "number" }, number), make("code", {}, text || " ")];
    if (!ids) return make("div", { class: "line" }, parts);
    const light = () => app.change({ lit: new Set(ids), paths: false });
    const dark = () => app.change({ lit: null });
    const row = make("button", {
      type: "button", class: "line", tabindex: rows.size ? -1 : 0, title: plural(ids.length, "node"), onclick: () => app.reveal(ids.at(-1)),
      onfocus: light, onblur: dark, onpointerenter: light, onpointerleave: dark,
    }, parts);
    rows.set(key, row);
    return row;
  }

  function onkeydown(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const all = [...rows.values()];
    all[all.indexOf(event.target.closest("button")) + by]?.focus();
  }

  return {
    element,
    show(changes) {
      if (!("selected" in changes || "tab" in changes)) return;
      const place = app.state.selected === null ? null : facts.nodes[app.state.selected].line;
      const chosen = place && rows.get(`${place.source}:${place.number}`);
      for (const row of rows.values()) row.toggleAttribute("aria-current", row === chosen);
      if (chosen && app.state.tab === "code") scrollWithin(element.parentElement, chosen);
    },
  };
}

/** Bring a child into view by scrolling its panel alone, not the page. */
function scrollWithin(panel, child) {
  const [outer, inner] = [panel.getBoundingClientRect(), child.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) panel.scrollTop += inner.top - outer.top - outer.height / 3;
}
