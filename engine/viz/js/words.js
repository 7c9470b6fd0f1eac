// Numbers, shapes and tensors in words. What is unknown says so and is never 0.

const BEYOND = { nan: "NaN", inf: "∞", "-inf": "−∞" }; // what JSON has no number for
const BADGE_MARKS = { nan: "NaN", inf: "∞", zero: "all 0", exploding: "↑ exploding", vanishing: "↓ vanishing", "in place": "∗ in place" };

export function numberText(value, digits = 4) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "string") return BEYOND[value] ?? value;
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

export function shapeText(shape) {
  if (!shape) return "";
  return shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "scalar";
}

/** The number of a tensor of one element; else null. */
export function singleNumber(tensor) {
  return tensor?.size === 1 && tensor.slice ? tensor.slice.rows[0][0] : null;
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** A tensor in a few letters: its number, or from where to where its elements go. */
export function rangeText(tensor, digits = 3) {
  if (!tensor) return "unknown";
  const single = singleNumber(tensor);
  if (single !== null) return numberText(single, digits);
  if (tensor.nan) return "NaN";
  if (tensor.min === null) return tensor.size ? "∞" : "empty";
  if (tensor.min === tensor.max) return `all ${numberText(tensor.min, digits)}`;
  return `${numberText(tensor.min, digits)} … ${numberText(tensor.max, digits)}`;
}

/** What a node's box and everything else calls it: "relu (h)". */
export function nodeName(node) {
  return node.name && node.name !== node.label ? `${node.label} (${node.name})` : node.label;
}

/** [mark, about] of a badge: "grad: zero" gives ["all 0", "grad"]. */
export function badgeMark(badge) {
  const [about, what] = badge.includes(": ") ? badge.split(": ") : ["value", badge];
  return [BADGE_MARKS[what] ?? what, about];
}

/** An amount with its unit, "1.2 ms" or "3.4 kB". */
export function amountText(amount, unit) {
  if (amount === null) return "not measured";
  const [steps, names] = unit === "s" ? [[1e-6, 1e-3, 1], ["µs", "ms", "s"]] : [[1, 1e3, 1e6, 1e9], ["B", "kB", "MB", "GB"]];
  const last = steps.findLastIndex((step) => amount >= step);
  return `${numberText(amount / steps[Math.max(last, 0)], 3)} ${names[Math.max(last, 0)]}`;
}

/** What an edge does to the gradient besides its rule: sums it, changes its type. */
export function besides(edge) {
  const parts = edge.summed?.length ? [`sum(dim ${edge.summed.join(", ")})`] : [];
  if (edge.cast) parts.push(edge.cast.map((type) => type.replace("torch.", "")).join(" → "));
  return parts.join(", ");
}

/** The chain rule on an edge with what else it does: "∂loss/∂b = g, sum(dim 0)"; "" where none is known. */
export function ruleText(edge) {
  const rule = edge.text ?? edge.rule;
  return rule ? [rule, besides(edge)].filter(Boolean).join(", ") : "";
}
