// Boxes coloured by an amount: time forward and backward, bytes, bytes saved for backward.

import { make } from "./dom.js";
import { amountText } from "./words.js";

const MEASURES = [
  ["seconds", "Time forward", "s"],
  ["backward_seconds", "Time backward", "s"],
  ["bytes", "Bytes of the result", "B"],
  ["saved_bytes", "Bytes saved for backward", "B"],
];

/** The measure chosen: its unit, sum(node ids) -> amount or null, and the most of all boxes shown; or null. */
export function measureOf({ facts, state }) {
  const chosen = MEASURES.find(([key]) => key === state.heat);
  if (!chosen) return null;
  const [key, label, unit] = chosen;
  const sum = (ids) => ids.reduce((total, id) => {
    const amount = facts.nodes[id][key];
    return amount === null || amount === undefined ? total : (total ?? 0) + amount;
  }, null);
  const closed = (groups) => groups.find((group) => !state.open.includes(group));
  const totals = new Map();
  facts.around.forEach((groups, id) => {
    const box = closed(groups) ?? `n${id}`;
    const amount = sum([id]);
    if (amount !== null) totals.set(box, (totals.get(box) ?? 0) + amount);
  });
  return { label, unit, sum, most: Math.max(0, ...totals.values()) };
}

/** The CSS of a box's face. */
export function heatColour(measure, members) {
  const amount = measure.sum(members);
  if (amount === null) return "fill: url(#hatching)";
  const share = measure.most ? amount / measure.most : 0;
  return `fill: color-mix(in oklab, var(--hot) ${(share * 100).toFixed(1)}%, var(--ground))`;
}

/** The choice of a measure, and the legend while one is chosen. */
export function makeHeat(app) {
  const known = MEASURES.filter(([key]) => app.facts.nodes.some((node) => node[key] !== null && node[key] !== undefined));
  const options = [make("option", { value: "" }, "Colour by kind"), ...known.map(([key, label]) => make("option", { value: key }, label))];
  const select = make("select", { "aria-label": "Colour boxes by", onchange: () => app.change({ heat: select.value }) }, options);
  const most = make("span");
  const label = make("span");
  const legend = make("div", { class: "legend", hidden: "" }, label, make("span", {}, "0"), make("i", { class: "ramp" }), most, make("i", { class: "hatched" }), "not measured");
  return {
    element: known.length ? select : null,
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
