// Boxes coloured by an amount: time forward and backward, bytes, bytes saved for backward.

import { make } from "./dom.js";
import { shownAs } from "./facts.js";
import { amountText } from "./words.js";

const MEASURES = [
  ["seconds", "Time forward", "s"],
  ["backward_seconds", "Time backward", "s"],
  ["bytes", "Bytes of results", "B"],
  ["saved_bytes", "Bytes saved", "B"],
];

/** The measure chosen: sum(node ids) -> amount or null, the most of any box now shown, label and unit; or null. */
export function measureOf({ facts, state }) {
  const chosen = MEASURES.find(([key]) => key === state.heat);
  if (!chosen) return null;
  const [key, label, unit] = chosen;
  const totals = new Map();
  for (const node of facts.nodes) {
    const box = shownAs(facts, node.id, state.open);
    if (typeof node[key] === "number") totals.set(box, (totals.get(box) ?? 0) + node[key]);
  }
  const sum = (ids) => ids.map((id) => facts.nodes[id][key]).filter((amount) => typeof amount === "number").reduce((a, b) => (a ?? 0) + b, null);
  return { label, unit, sum, most: Math.max(0, ...totals.values()) };
}

/** The CSS of a box's face. */
export function heatColour(measure, members) {
  const amount = measure.sum(members);
  if (amount === null) return "fill: url(#hatching)";
  const share = measure.most ? (100 * amount) / measure.most : 0;
  return `fill: color-mix(in oklab, var(--hot) ${share.toFixed(1)}%, var(--ground))`;
}

/** The choice of a measure, and the legend that is there while one is chosen. */
export function makeHeat(app) {
  const known = MEASURES.filter(([key]) => app.facts.nodes.some((node) => typeof node[key] === "number"));
  const options = [["", "Colour by kind"], ...known].map(([value, label]) => make("option", { value }, label));
  const select = make("select", { "aria-label": "Colour boxes by", onchange: () => app.change({ heat: select.value }) }, options);
  const [label, most] = [make("span"), make("span")];
  const legend = make("div", { class: "strip", hidden: "" }, label, "0", make("i", { class: "ramp" }), most, make("i", { class: "hatched" }), "not measured");
  return {
    element: known.length > 0 && select,
    legend,
    show(changes) {
      if (!("heat" in changes || "open" in changes)) return;
      const measure = measureOf(app);
      legend.hidden = !measure;
      if (!measure) return;
      label.textContent = measure.label;
      most.textContent = amountText(measure.most, measure.unit);
    },
  };
}
