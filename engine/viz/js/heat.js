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
const isKnown = (amount) => typeof amount === "number";

/** The measure chosen: amount of a box (undefined if unknown), the most of any box, label and unit; or null. */
export function measureOf({ facts, state }) {
  const chosen = MEASURES.find(([key]) => key === state.heat);
  if (!chosen) return null;
  const [key, label, unit] = chosen;
  const amounts = new Map(); // box id -> the sum of its nodes
  for (const node of facts.nodes.filter((each) => isKnown(each[key]))) {
    const box = shownAs(facts, node.id, state.open);
    amounts.set(box, (amounts.get(box) ?? 0) + node[key]);
  }
  return { label, unit, amount: (box) => amounts.get(box), most: Math.max(0, ...amounts.values()) };
}

/** The CSS of a box's face. */
export function heatColour(measure, box) {
  const amount = measure.amount(box);
  if (amount === undefined) return "fill: url(#hatching)";
  const share = measure.most ? (100 * amount) / measure.most : 0;
  return `fill: color-mix(in oklab, var(--hot) ${share.toFixed(1)}%, var(--ground))`;
}

/** The choice of a measure, and the legend that is there while one is chosen. */
export function makeHeat(app) {
  const known = MEASURES.filter(([key]) => app.facts.nodes.some((node) => isKnown(node[key])));
  const options = [["", "Colour by kind"], ...known].map(([value, label]) => make("option", { value }, label));
  const onchange = () => app.change({ heat: select.value });
  const select = make("select", { "aria-label": "Colour boxes by", onchange }, options);
  const [label, most] = [make("span"), make("span")];
  const [ramp, hatched] = ["ramp", "hatched"].map((kind) => make("i", { class: kind }));
  const legend = make("div", { class: "strip", hidden: "" }, label, "0", ramp, most, hatched, "not measured");
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
