// Predict, then reveal: what to ask before a step of the backward pass, and a kind word on the answer.

import { nodeName, numberText, shapeText, singleNumber } from "./words.js";

const CLOSE = 0.01; // relative: an answer with two right digits is right
const LARGEST_FACTOR = 1000;

/** What to ask before a step: {what, tensor, arriving, summed, element}; null if nothing is known there. */
export function questionFor(facts, step) {
  const node = facts.nodes[facts.backward[step]];
  const edge = facts.inputs[node.id].find((each) => each.grad);
  const tensor = edge ? edge.grad : step === 0 && node.grad;
  if (!tensor) return null;
  const what = edge
    ? `What does ${nodeName(node)} send back to ${nodeName(facts.nodes[edge.source])}?`
    : `With which gradient does backward begin at ${nodeName(node)}?`;
  const arriving = node.grad?.shape ?? node.shape ?? [];
  return { what, tensor, arriving, summed: edge?.summed ?? [], element: elementToAsk(tensor) };
}

/** The first element that is neither 0 nor NaN: {index: "[0, 2]", value}; null if none is known. */
function elementToAsk({ size, slice, shape }) {
  if (!slice || size === 1) return null;
  for (const [i, row] of slice.rows.entries()) {
    const j = row.findIndex((value) => typeof value === "number" && value !== 0);
    if (j >= 0) return { index: elementName(slice, shape, i, j), value: row[j] };
  }
  return null;
}

/** The index in its tensor of row i, column j of a slice: "[0, 3, 2]". */
export function elementName({ of }, shape, i, j) {
  return `[${[...leadingIndex(of), ...(shape.length === 1 ? [j] : [i, j])].join(", ")}]`;
}

/** The whole numbers that "[0, 3, :16, :16]" begins with: [0, 3]. */
export function leadingIndex(of) {
  return of.slice(1, -1).split(",").filter((part) => /^\s*\d+\s*$/.test(part)).map(Number);
}

/** "(4, 8)", "4 x 8" or "scalar" as a list; null if no shape can be read from it. */
function readShape(text) {
  if (/^\s*(scalar|\(\s*\)|\[\s*\])\s*$/i.test(text)) return [];
  return /^[\s\d,x×()[\]]*\d[\s\d,x×()[\]]*$/i.test(text) ? text.match(/\d+/g).map(Number) : null;
}

/** "-0.5", "−1/2" or "1e-3" as a number; null if it is none. */
function readNumber(text) {
  const parts = text.replaceAll("−", "-").split("/").map((part) => (part.trim() ? Number(part) : NaN));
  const number = parts.length === 2 ? parts[0] / parts[1] : parts[0];
  return parts.length > 2 || Number.isNaN(number) ? null : number;
}

/** [whether it is right, a word] on a shape. */
function judgeShape(given, { tensor, arriving, summed }) {
  const right = tensor.shape;
  const told = `it is ${shapeText(right)}, that of the tensor itself: a gradient always has it`;
  if (given === null) return [false, `no shape was given; ${told}`];
  const isLike = (shape) => String(given) === String(shape);
  if (isLike(right)) return [true, "the shape is right"];
  if (isLike([...right].reverse())) return [false, `the dimensions are the other way round: ${told}`];
  if (!summed.length || !isLike(arriving)) return [false, `the shape is another: ${told}`];
  return [false, `that is the shape of g, but the input was broadcast, so g is summed over dim ${summed}: ${told}`];
}

/** [whether it is right, a word] on a number. */
function judgeNumber(given, right) {
  const told = `it is ${numberText(right)}`;
  const isNear = (a, b) => Math.abs(a - b) <= CLOSE * Math.abs(b);
  if (given === null) return [false, `no number was given; ${told}`];
  if (typeof right === "string") return [false, told];
  if (isNear(given, right)) return [true, `right: ${told}`];
  if (right === 0) return [false, "it is 0: nothing flows here"];
  if (given === 0) return [false, `not 0: ${told}`];
  if (isNear(-given, right)) return [false, `off by the sign only: ${told}`];
  const ratio = Math.abs(given / right);
  const factor = Math.max(ratio, 1 / ratio);
  const whole = Math.round(factor);
  if (whole > LARGEST_FACTOR || !isNear(factor, whole)) return [false, `not this time: ${told}`];
  const sign = given * right < 0 ? " and by the sign" : "";
  return [false, `off by a factor, ${whole} times too ${ratio > 1 ? "large" : "small"}${sign}: ${told}`];
}

/** {right, text} on what was answered: the texts of a number, or of a shape and an element. */
export function judge(question, { number, shape, element }) {
  const { tensor, element: asked } = question;
  const single = singleNumber(tensor);
  const judged = [single === null ? judgeShape(readShape(shape), question) : judgeNumber(readNumber(number), single)];
  if (asked && element.trim()) {
    const [right, word] = judgeNumber(readNumber(element), asked.value);
    judged.push([right, `element ${asked.index}: ${word}`]);
  }
  const right = judged.every(([each]) => each);
  const words = judged.map(([, word]) => word).join("; ");
  return { right, text: `${right ? "✓" : "○"} ${words[0].toUpperCase()}${words.slice(1)}.` };
}
