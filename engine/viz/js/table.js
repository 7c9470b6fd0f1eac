// The graph as a table, for screen readers and for those who like to read: a row a node.

import { make } from "./dom.js";
import { gradientState, hasValue } from "./facts.js";
import { besides, nodeName, rangeText, shapeText } from "./words.js";

const HEADERS = ["Node", "Kind", "In", "Inputs", "Shape", "Value", "Gradient", "Sends back"];

export function makeTable(app) {
  const { facts, state } = app;
  let cells = null; // per node: [row, value cell, gradient cell], made when first looked at
  const element = make("div", { class: "tableview", tabindex: 0, role: "region", "aria-label": "The graph as a table" });

  function build() {
    cells = facts.nodes.map(() => null);
    const head = make("tr", {}, HEADERS.map((text) => make("th", { scope: "col" }, text)));
    const body = make("tbody", {}, facts.nodes.map(row));
    element.append(make("table", {}, make("caption", {}, facts.document.title), make("thead", {}, head), body));
  }

  function row(node) {
    const [value, gradient] = [make("td"), make("td")];
    const inputs = facts.inputs[node.id].map((edge) => `${edge.source + 1}. ${nodeName(facts.nodes[edge.source])}`);
    if (node.constants) inputs.push(`${node.constants} constant${node.constants === 1 ? "" : "s"}`);
    const rules = facts.inputs[node.id].filter((edge) => edge.text ?? edge.rule).map((edge) => [edge.text ?? edge.rule, besides(edge)].filter(Boolean).join(", "));
    const groups = facts.around[node.id].map((id) => facts.groupOf.get(id).label).join(" › ");
    const choose = make("button", { type: "button", class: "link", onclick: () => app.change({ selected: node.id, paths: false }) }, `${node.id + 1}. ${nodeName(node)}`);
    const match = node.match ? `, ${node.match.status}` : "";
    const words = [`${node.kind}${match}`, groups, inputs.join("; "), shapeText(node.shape)].map((text) => make("td", {}, text));
    const element = make("tr", {}, make("th", { scope: "row" }, choose), words, value, gradient, make("td", { class: "rules" }, rules.join("\n")));
    cells[node.id] = [element, value, gradient];
    return element;
  }

  return {
    element,
    show() {
      element.hidden = !state.table;
      if (!state.table) return;
      if (!cells) build();
      const current = state.direction === "backward" ? facts.backward[state.step] : state.forward;
      facts.nodes.forEach((node, id) => {
        const [row, value, gradient] = cells[id];
        row.className = id === current ? "now" : "";
        row.toggleAttribute("aria-current", id === state.selected);
        value.textContent = hasValue(id, state) ? (node.error ? `${node.error.kind}: ${node.error.message}` : rangeText(node.value)) : "not computed yet";
        const known = gradientState(facts, id, state);
        gradient.className = known === "yet" ? "yet" : "";
        gradient.textContent = { none: "none comes here", yet: "no gradient yet", part: "in part", all: rangeText(node.grad) }[known];
      });
    },
  };
}
