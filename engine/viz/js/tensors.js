// A tensor to look at: a slice as a heat map, its histogram, its statistics.

import { make, makeSvg } from "./dom.js";
import { leadingIndex } from "./predict.js";
import { numberText, shapeText, singleNumber } from "./words.js";

const WRITTEN_COLUMNS = 6; // a slice of at most so many columns has its numbers written in
const STATISTICS = ["min", "max", "mean", "std", "norm", "nan", "inf", "zero", "size"];

/** Everything about a tensor. ask(index) -> Promise of the tensor with another slice, or null where there is no kernel. */
export function tensorView(tensor, title, ask) {
  const single = singleNumber(tensor);
  if (single !== null) {
    return make("div", { class: "tensor" }, make("output", { class: "single", title: String(single) }, numberText(single, 6)));
  }
  return make("div", { class: "tensor" }, slicePart(tensor, title, ask), histogram(tensor.histogram), statistics(tensor));
}

/** A tensor that is not there, and why: never to be taken for 0. */
export function noTensor(why, ...more) {
  return make("div", { class: "none hatched" }, why, more);
}

function slicePart(tensor, title, ask) {
  if (!tensor.slice) return null;
  const index = leadingIndex(tensor.slice.of);
  const place = make("div", {}, heatGrid(tensor, title));
  if (!ask || tensor.shape.length < 3) return place;
  const problem = make("span", { class: "problem", role: "status" });
  let latest = 0;
  const asked = async () => {
    const turn = ++latest;
    try {
      const answer = await ask(inputs.map((input) => Number(input.value)));
      if (turn === latest) (place.replaceChildren(heatGrid(answer, title)), (problem.textContent = ""));
    } catch (error) {
      if (turn === latest) problem.textContent = `No answer: ${error.message ?? error}`;
    }
  };
  const inputs = tensor.shape.slice(0, -2).map((size, dim) =>
    make("input", { type: "number", min: 0, max: size - 1, value: index[dim] ?? 0, "aria-label": `index of dim ${dim}, 0 to ${size - 1}`, onchange: asked }));
  return make("div", {}, make("div", { class: "index" }, "Slice at ", inputs, problem), place);
}

/** A slice as coloured cells around 0; one of them, chosen by mouse or arrow keys, is told as a number. */
function heatGrid(tensor, title) {
  const { of, rows } = tensor.slice;
  const columns = rows[0]?.length ?? 0;
  if (!columns) return noTensor(`Empty: shape ${shapeText(tensor.shape)}`);
  const largest = Math.max(...rows.flat().filter((value) => typeof value === "number").map(Math.abs), 0);
  const written = columns <= WRITTEN_COLUMNS;
  const cells = rows.map((row) => row.map((value) => heatCell(value, largest, written)));
  const leading = leadingIndex(of);
  const name = (i, j) => `[${[...leading, ...(tensor.shape.length === 1 ? [j] : [i, j])].join(", ")}]`;
  const told = make("output", { class: "told" }, `${of && `slice ${of}, `}colours from ${numberText(-largest, 3)} to ${numberText(largest, 3)}`);
  let [row, column] = [0, 0];
  const tell = (i, j) => {
    cells[row][column].classList.remove("cursor");
    [row, column] = [i, j];
    cells[i][j].classList.add("cursor");
    told.textContent = `${name(i, j)} = ${numberText(rows[i][j], 7)}`;
  };
  const onkeydown = (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    tell(Math.min(Math.max(row + step[0], 0), rows.length - 1), Math.min(Math.max(column + step[1], 0), columns - 1));
  };
  const onpointerover = (event) => {
    const at = cells.flat().indexOf(event.target);
    if (at >= 0) tell(Math.floor(at / columns), at % columns);
  };
  const grid = make("div", {
    class: written ? "grid written" : "grid", style: `--columns: ${columns}`, tabindex: 0, role: "img", onkeydown, onpointerover,
    onfocus: () => tell(row, column),
    "aria-label": `${title} ${of}, ${rows.length} by ${columns} numbers as colours; arrow keys tell each`,
  }, cells.flat());
  told.setAttribute("aria-live", "polite");
  return make("div", {}, grid, told);
}

function heatCell(value, largest, written) {
  if (typeof value !== "number") {
    return make("span", { class: "beyond" }, value === null ? "?" : written ? numberText(value) : value === "nan" ? "N" : "∞");
  }
  const share = largest ? Math.abs(value) / largest : 0;
  const colour = `color-mix(in oklab, var(--${value < 0 ? "negative" : "positive"}) ${(share * 100).toFixed(1)}%, var(--zero))`;
  return make("span", { class: share > 0.6 ? "strong" : null, style: `background: ${colour}` }, written ? numberText(value, 3) : null);
}

function histogram(histogram) {
  if (!histogram) return null;
  const most = Math.max(...histogram.counts, 1);
  const bars = histogram.counts.map((count, i) => {
    const height = count ? Math.max((count / most) * 40, 1.5) : 0;
    return makeSvg("rect", { x: i * 10, y: 42 - height, width: 9, height, fill: "var(--bar)" }, makeSvg("title", {}, String(count)));
  });
  const [from, to] = [numberText(histogram.from, 3), numberText(histogram.to, 3)];
  const picture = makeSvg("svg", { viewBox: "0 0 239 43", class: "histogram", preserveAspectRatio: "none", role: "img",
    "aria-label": `histogram from ${from} to ${to}: ${histogram.counts.join(", ")}` }, bars);
  return make("div", {}, picture, make("div", { class: "ends" }, make("span", {}, from), make("span", {}, to)));
}

function statistics(tensor) {
  const seen = STATISTICS.filter((name) => tensor[name] !== undefined && !(["nan", "inf", "zero"].includes(name) && !tensor[name]));
  const words = { nan: "NaN", inf: "infinite", zero: "zeros", size: "elements" };
  return make("dl", { class: "statistics" }, seen.map((name) => make("div", {},
    make("dt", {}, words[name] ?? name), make("dd", { title: String(tensor[name]) }, tensor[name] === null ? "none" : numberText(tensor[name], name === "size" ? 15 : 4)))));
}
