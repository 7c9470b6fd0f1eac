// Predict, then reveal: what to ask before a step of the backward pass, and a kind word on the answer.

import { nodeName, numberText, shapeText, singleNumber } from "./words.js";

const CLOSE = 0.01; // relative: an answer with two digits right is right
const FACTOR_LIMIT = 1000;

/** What to ask before step number `step`: {what, tensor, shape, from, element}, or null if nothing there is known. */
export function questionFor(facts, step) {
  const node = facts.nodes[facts.backward[step]];
  const edge = facts.inputs[node.id].find((each) => each.grad);
  const tensor = edge ? edge.grad : step === 0 ? node.grad : null;
  if (!tensor) return null;
  const what = edge
    ? `What does ${nodeName(node)} send back to ${nodeName(facts.nodes[edge.source])}?`
    : `With which gradient does backward begin at ${nodeName(node)}?`;
  return { what, rule: edge?.rule ?? null, tensor, arriving: node.grad?.shape ?? node.shape, summed: edge?.summed ?? [], element: chosenElement(tensor) };
}

/** The element to ask for: the first that is neither 0 nor NaN. {index: "[0, 2]", value}; null if no single one is known. */
function chosenElement(tensor) {
  if (!tensor.slice || tensor.size === 1) return null;
  const { of, rows } = tensor.slice;
  const leading = leadingIndex(of);
  const isVector = tensor.shape.length === 1;
  for (const [i, row] of rows.entries()) {
    const j = row.findIndex((value) => typeof value === "number" && value !== 0);
    if (j >= 0) return { index: `[${[...leading, ...(isVector ? [j] : [i, j])].join(", ")}]`, value: row[j] };
  }
  return null;
}

/** The leading whole numbers of "[0, 3, :16, :16]": [0, 3]. */
export function leadingIndex(of) {
  return [...of.matchAll(/(?<=[[,]\s*)\d+(?=\s*[,\]])/g)].map(([digits]) => Number(digits));
}

/** "(4, 8)", "4 x 8", "scalar" as a list; null if no shape can be read from it. */
export function readShape(text) {
  if (/^\s*(scalar|\(\s*\)|\[\s*\])\s*$/i.test(text)) return [];
  return /^[\s\d,x×()[\]]*\d[\s\d,x×()[\]]*$/i.test(text) ? text.match(/\d+/g).map(Number) : null;
}

/** "-0.5", "−1/2", "1e-3" as a number; null if it is none. */
export function readNumber(text) {
  const [above, below, ...more] = text.replaceAll("−", "-").split("/").map((part) => (part.trim() ? Number(part) : NaN));
  const number = below === undefined ? above : above / below;
  return more.length || Number.isNaN(number) ? null : number;
}

/** A word on a shape. */
export function judgeShape(given, question) {
  const right = question.tensor.shape;
  const same = (a, b) => a.length === b.length && a.every((size, i) => size === b[i]);
  if (given === null) return "no shape was given";
  if (same(given, right)) return "the shape is right";
  const told = `it is ${shapeText(right)}, that of the tensor itself: a gradient always has it`;
  if (same(given, [...right].reverse())) return `the dimensions are the other way round: ${told}`;
  if (question.summed.length && same(given, question.arriving)) {
    return `that is the shape of g, but the input was broadcast, so g is summed over dim ${question.summed.join(", ")}: ${told}`;
  }
  return `the shape is another: ${told}`;
}

/** A word on a number. */
export function judgeNumber(given, right) {
  const told = `it is ${numberText(right)}`;
  if (given === null) return `no number was given; ${told}`;
  if (typeof right === "string") return told;
  const close = (a, b) => Math.abs(a - b) <= CLOSE * Math.abs(b);
  if (close(given, right)) return `right: ${told}`;
  if (right === 0) return `it is 0: nothing flows here`;
  if (given === 0) return `not 0: ${told}`;
  if (close(-given, right)) return `off by the sign only: ${told}`;
  const ratio = Math.abs(given / right);
  const factor = ratio >= 1 ? ratio : 1 / ratio;
  const whole = Math.round(factor);
  if (whole > 1 && whole <= FACTOR_LIMIT && close(factor, whole)) {
    const sign = given * right < 0 ? " and by the sign" : "";
    return `off by a factor: ${whole} times too ${ratio > 1 ? "large" : "small"}${sign}; ${told}`;
  }
  return `close to nothing simple this time: ${told}`;
}

/** [right, sentence] on what was answered: texts of a number or of a shape and an element. */
export function judge(question, answer) {
  const single = singleNumber(question.tensor);
  const words = [];
  if (single !== null) words.push(judgeNumber(readNumber(answer.number), single));
  else words.push(judgeShape(readShape(answer.shape), question));
  if (question.element && answer.element?.trim()) {
    words.push(`element ${question.element.index}: ${judgeNumber(readNumber(answer.element), question.element.value)}`);
  }
  const right = words.every((word) => /(^|: )right: |^the shape is right$/.test(word));
  const sentence = words.join("; ");
  return { right, text: `${right ? "✓" : "○"} ${sentence[0].toUpperCase()}${sentence.slice(1)}.` };
}
