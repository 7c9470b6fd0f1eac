// Numbers, shapes and tensors in words. What is unknown says so and is never 0.

const BEYOND = { nan: "NaN", inf: "∞", "-inf": "−∞" }; // what JSON has no number for
const MARKS = {
  nan: "NaN", inf: "∞", zero: "all 0", exploding: "↑ exploding", vanishing: "↓ vanishing", "in place": "∗ in place",
};
const UNITS = {
  s: [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]],
  B: [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]],
};

export function numberText(value, digits = 4) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "string") return BEYOND[value] ?? value;
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

export function shapeText(shape) {
  if (!shape) return "";
  return shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "scalar";
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** The number of a tensor of one element; else null. */
export function singleNumber(tensor) {
  return tensor?.size === 1 && tensor.slice ? tensor.slice.rows[0][0] : null;
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

/** What a node is called: "relu (h)". */
export function nodeName(node) {
  return node.name && node.name !== node.label ? `${node.label} (${node.name})` : node.label;
}

/** [mark, about] of a badge: "grad: zero" gives ["all 0", "grad"]. */
export function badgeMark(badge) {
  const [about, what] = badge.split(": ");
  return [MARKS[what] ?? what, about];
}

/** An amount of seconds ("s") or bytes ("B") with its unit, "1.2 ms". */
export function amountText(amount, unit) {
  const [size, name] = UNITS[unit].find(([size]) => amount >= size) ?? UNITS[unit].at(-1);
  return `${numberText(amount / size, 3)} ${name}`;
}

/** The chain rule on an edge with what else is done to the gradient: "∂loss/∂b = g, sum(dim 0)"; "" if unknown. */
export function ruleText(edge) {
  const rule = edge.text ?? edge.rule;
  const sum = edge.summed?.length > 0 && `sum(dim ${edge.summed.join(", ")})`;
  const cast = edge.cast && edge.cast.map((type) => type.replace("torch.", "")).join(" → ");
  return rule ? [rule, sum, cast].filter(Boolean).join(", ") : "";
}
