// The graph as a table, for screen readers and for all who like to read: a row a node.

import { make } from "./dom.js";
import { gradientState, hasValue } from "./facts.js";
import { nodeName, plural, rangeText, ruleText, shapeText } from "./words.js";

const HEADERS = ["Node", "Kind", "In", "Inputs", "Shape", "Value", "Gradient", "Sends back"];
const GRADIENT_WORDS = { none: "none comes here", yet: "no gradient yet", part: "in part" };

export function makeTable(app) {
  const { facts, state } = app;
  const element = make("div", { class: "table", tabindex: 0, role: "region", "aria-label": "The graph as a table" });
  const rows = []; // [row, cell of the value, cell of the gradient], made when first looked at

  function build() {
    const head = make("tr", {}, HEADERS.map((text) => make("th", { scope: "col" }, text)));
    const body = make("tbody", {}, facts.nodes.map(row));
    element.append(make("table", {}, make("caption", {}, facts.document.title), make("thead", {}, head), body));
  }

  function row(node) {
    const { id } = node;
    const number = (each) => `${each.id + 1}. ${nodeName(each)}`;
    const choose = make("button", { type: "button", class: "link", onclick: () => app.change({ selected: id, paths: false }) }, number(node));
    const inputs = facts.inputs[id].map((edge) => number(facts.nodes[edge.source]));
    if (node.constants) inputs.push(plural(node.constants, "constant"));
    const groups = facts.around[id].map((group) => facts.groupOf.get(group).label);
    const kind = node.match ? `${node.kind}, ${node.match.status}` : node.kind;
    const words = [kind, groups.join(" › "), inputs.join("; "), shapeText(node.shape)].map((text) => make("td", {}, text));
    const [value, gradient] = [make("td"), make("td")];
    const rules = facts.inputs[id].map(ruleText).filter(Boolean).join("\n");
    const line = make("tr", {}, make("th", { scope: "row" }, choose), words, value, gradient, make("td", { class: "rules" }, rules));
    rows.push([line, value, gradient]);
    return line;
  }

  return {
    element,
    show() {
      element.hidden = !state.table;
      if (!state.table) return;
      if (!rows.length) build();
      const now = state.direction === "backward" ? facts.backward[state.step] : state.forward;
      facts.nodes.forEach((node, id) => {
        const [line, value, gradient] = rows[id];
        line.className = id === now ? "now" : "";
        line.toggleAttribute("aria-current", id === state.selected);
        const known = gradientState(facts, id, state);
        gradient.className = known === "yet" ? "hatched" : "";
        gradient.textContent = GRADIENT_WORDS[known] ?? rangeText(node.grad);
        value.textContent = node.error ? `${node.error.kind}: ${node.error.message}` : hasValue(id, state) ? rangeText(node.value) : "not computed yet";
      });
    },
  };
}
