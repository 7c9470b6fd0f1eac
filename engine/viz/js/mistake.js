// An operation that raised: its message, and the shapes under each other, where they do not fit.

import { make } from "./dom.js";

/** The part of the panel; null for a node that did not fail. */
export function mistakePart({ error, op }) {
  if (!error) return null;
  const clash = op === "matmul" ? clashOfProduct(error.shapes) : clashOfBroadcast(error.shapes);
  return make("section", { class: "error" }, make("h4", {}, `✕ ${error.kind}`), make("p", {}, error.message),
    error.shapes.length > 0 && make("pre", {}, alignedShapes(error.shapes, clash)));
}

/** Sizes under each other from the right, as broadcasting compares them. clash(row, place from the right) marks a size. */
function alignedShapes(shapes, clash) {
  const names = Math.max(...shapes.map(([name]) => [...name].length));
  const dims = Math.max(...shapes.map(([, shape]) => shape.length));
  const width = Math.max(...shapes.flatMap(([, shape]) => shape.map((size) => String(size).length)), 1) + 2;
  return shapes.map(([name, shape], row) => {
    const sizes = Array.from({ length: dims }, (_, column) => {
      const fromRight = dims - column;
      const text = String(shape.at(-fromRight) ?? "");
      const isThere = fromRight <= shape.length;
      return [" ".repeat(width - (isThere ? text.length : 0)), isThere && (clash(row, fromRight) ? make("mark", {}, text) : text)];
    });
    return make("div", {}, name.padEnd(names), sizes.flat());
  });
}

function clashOfBroadcast(shapes) {
  return (_, fromRight) => {
    const sizes = shapes.map(([, shape]) => (fromRight <= shape.length ? shape.at(-fromRight) : 1)).filter((size) => size !== 1);
    return new Set(sizes).size > 1;
  };
}

/** In a product the last size of the first meets the last but one of the second (the only one of a vector). */
function clashOfProduct(shapes) {
  if (shapes.length !== 2) return () => false;
  const [first, second] = shapes.map(([, shape]) => shape);
  const inner = second.length > 1 ? 2 : 1;
  const differ = first.at(-1) !== second.at(-inner);
  return (row, fromRight) => differ && fromRight === (row ? inner : 1);
}
