// An operation that raised: its message, and the shapes under each other, where they do not fit.

import { make } from "./dom.js";

/** The part of the panel; null for a node that did not fail. */
export function mistakePart({ error, op }) {
  if (!error) return null;
  const { kind, message, shapes } = error;
  const clash = op === "matmul" ? clashOfProduct(shapes) : clashOfBroadcast(shapes);
  const aligned = shapes.length > 0 && make("pre", {}, alignedShapes(shapes, clash));
  return make("section", { class: "error" }, make("h4", {}, `✕ ${kind}`), make("p", {}, message), aligned);
}

/** A line a shape, sizes aligned from the right, as broadcasting compares them; those are marked of which
 * clash(row, place from the right) is true. */
function alignedShapes(shapes, clash) {
  const names = Math.max(...shapes.map(([name]) => name.length));
  const dims = Math.max(...shapes.map(([, shape]) => shape.length));
  const width = Math.max(...shapes.flatMap(([, shape]) => shape.map((size) => String(size).length)), 0) + 2;
  return shapes.map(([name, shape], row) => {
    const sizes = Array.from({ length: dims }, (_, column) => {
      const fromRight = dims - column;
      const text = String(shape.at(-fromRight) ?? "");
      return [" ".repeat(width - text.length), text && clash(row, fromRight) ? make("mark", {}, text) : text];
    });
    return make("div", {}, name.padEnd(names), sizes.flat());
  });
}

function clashOfBroadcast(shapes) {
  return (_, fromRight) => {
    const sizes = shapes.map(([, shape]) => shape.at(-fromRight) ?? 1).filter((size) => size !== 1);
    return new Set(sizes).size > 1;
  };
}

/** In a product the last size of the first meets the last but one of the second (the only one of a vector). */
function clashOfProduct(shapes) {
  if (shapes.length !== 2) return () => false;
  const [[, first], [, second]] = shapes;
  const inner = second.length > 1 ? 2 : 1;
  const differ = first.at(-1) !== second.at(-inner);
  return (row, fromRight) => differ && fromRight === (row ? inner : 1);
}
