// The graph as a table, for screen readers and for all who like to read: a row a node.

import { button, make } from "./dom.js";
import { gradientState, hasValue } from "./facts.js";
import { nodeName, plural, rangeText, ruleText, shapeText } from "./words.js";

const HEADERS = ["Node", "Kind", "In", "Inputs", "Shape", "Value", "Gradient", "Sends back"];
const GRADIENT_WORDS = { none: "none comes here", yet: "no gradient yet", part: "in part" };

export function makeTable(app) {
  const { facts, state } = app;
  const element = make("div", { class: "table", tabindex: 0, role: "region", "aria-label": "The graph as a table" });
  let rows = []; // {line, value, gradient}: a row and two of its cells, made when first looked at

  function build() {
    rows = facts.nodes.map(row);
    const head = make("tr", {}, HEADERS.map((text) => make("th", { scope: "col" }, text)));
    const body = make("tbody", {}, rows.map(({ line }) => line));
    element.append(make("table", {}, make("caption", {}, facts.document.title), make("thead", {}, head), body));
  }

  function row(node) {
    const { id, kind, match, constants } = node;
    const number = (each) => `${each.id + 1}. ${nodeName(each)}`;
    const inputs = facts.inputs[id].map((edge) => number(facts.nodes[edge.source]));
    if (constants) inputs.push(plural(constants, "constant"));
    const groups = facts.around[id].map((group) => facts.groupOf.get(group).label);
    const what = match ? `${kind}, ${match.status}` : kind;
    const words = [what, groups.join(" › "), inputs.join("; "), shapeText(node.shape)];
    const cells = words.map((text) => make("td", {}, text));
    const choose = button(number(node), () => app.change({ selected: id }), { class: "link" });
    const [value, gradient] = [make("td"), make("td")];
    const rules = make("td", { class: "rules" }, facts.inputs[id].map(ruleText).filter(Boolean).join("\n"));
    const line = make("tr", {}, make("th", { scope: "row" }, choose), cells, value, gradient, rules);
    return { line, value, gradient };
  }

  function valueWords(node) {
    if (node.error) return `${node.error.kind}: ${node.error.message}`;
    return hasValue(node.id, state) ? rangeText(node.value) : "not computed yet";
  }

  return {
    element,
    show() {
      element.hidden = !state.table;
      if (!state.table) return;
      if (!rows.length) build();
      const now = state.direction === "backward" ? facts.backward[state.step] : state.forward;
      facts.nodes.forEach((node, id) => {
        const { line, value, gradient } = rows[id];
        const known = gradientState(facts, id, state);
        line.className = id === now ? "now" : "";
        line.toggleAttribute("aria-current", id === state.selected);
        value.textContent = valueWords(node);
        gradient.className = known === "yet" ? "hatched" : "";
        gradient.textContent = GRADIENT_WORDS[known] ?? rangeText(node.grad);
      });
    },
  };
}
