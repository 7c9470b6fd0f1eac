// The caller's code beside the picture: a line lights its nodes, a node marks its line.

import { button, make } from "./dom.js";
import { plural } from "./words.js";

export function makeSource(app) {
  const { nodes, document } = app.facts;
  const keyOf = (source, number) => `${source}:${number}`;
  const nodesAt = new Map(); // key -> node ids
  for (const { id, line } of nodes.filter((node) => node.line)) {
    const key = keyOf(line.source, line.number);
    nodesAt.set(key, [...(nodesAt.get(key) ?? []), id]);
  }
  const rows = new Map(); // key -> button
  const element = make("div", { class: "source", onkeydown }, document.sources.map(piece));

  function piece({ file, first, lines }, source) {
    const written = lines.map((text, i) => line(keyOf(source, first + i), first + i, text));
    return make("figure", {}, make("figcaption", {}, file), make("div", { class: "code" }, written));
  }

  function line(key, number, text) {
    const ids = nodesAt.get(key);
    const parts = [make("span", { class: "number" }, number), make("code", {}, text || " ")];
    if (!ids) return make("div", { class: "line" }, parts);
    const light = () => app.change({ lit: new Set(ids), paths: false });
    const dark = () => app.change({ lit: null });
    const row = button(parts, () => app.reveal(ids.at(-1)), {
      class: "line", tabindex: rows.size ? -1 : 0, title: plural(ids.length, "node"),
      onfocus: light, onblur: dark, onpointerenter: light, onpointerleave: dark,
    });
    rows.set(key, row);
    return row;
  }

  function onkeydown(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const all = [...rows.values()];
    all[all.indexOf(event.target) + by]?.focus();
  }

  return {
    element,
    show(changes) {
      if (!("selected" in changes || "tab" in changes)) return;
      const place = nodes[app.state.selected]?.line;
      const chosen = place && rows.get(keyOf(place.source, place.number));
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
