// A tensor to look at: a slice as a heat map, its histogram, its statistics.

import { make, makeSvg } from "./dom.js";
import { elementName, leadingIndex } from "./predict.js";
import { numberText, shapeText, singleNumber } from "./words.js";

const WRITTEN_COLUMNS = 6; // a slice of at most so many columns has its numbers written in
const STRONG = 0.6; // the share of the largest number from which a colour is so strong that text on it changes its own
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const ODD = { nan: "NaN", inf: "infinite", zero: "zeros" }; // counts that are told only where there is some
const STATISTICS = { min: "min", max: "max", mean: "mean", std: "std", norm: "norm", ...ODD, size: "elements" };

/** Everything about a tensor. ask(index) -> Promise of it with another slice, or null where there is no kernel. */
export function tensorView(tensor, title, ask) {
  const single = singleNumber(tensor);
  if (single !== null) return make("output", { class: "single", title: String(single) }, numberText(single, 6));
  return make("div", {}, slicePart(tensor, title, ask), histogramOf(tensor), statistics(tensor));
}

/** In the place of a tensor that is not there: why, in a look that nobody takes for 0. */
export function noTensor(...why) {
  return make("div", { class: "none hatched" }, why);
}

function slicePart(tensor, title, ask) {
  if (!tensor.slice) return null;
  const place = make("div", {}, heatGrid(tensor, title));
  if (!ask || tensor.shape.length < 3) return place;
  const problem = make("span", { class: "problem", role: "status" });
  let latest = 0;
  async function onchange() {
    const turn = ++latest;
    try {
      const answer = await ask(inputs.map((input) => Number(input.value)));
      if (turn !== latest) return;
      place.replaceChildren(heatGrid(answer, title));
      problem.textContent = "";
    } catch (error) {
      if (turn === latest) problem.textContent = `No answer: ${error.message}`;
    }
  }
  const index = leadingIndex(tensor.slice.of);
  const inputs = tensor.shape.slice(0, -2).map((size, dim) => {
    const label = `index of dim ${dim}, 0 to ${size - 1}`;
    const limits = { type: "number", min: 0, max: size - 1, value: index[dim] ?? 0 };
    return make("input", { ...limits, "aria-label": label, title: label, onchange });
  });
  return make("div", {}, make("div", { class: "index" }, "Slice at ", inputs, problem), place);
}

/** A slice as colours around 0; the cell under the mouse, or where the arrow keys are, is told as a number. */
function heatGrid(tensor, title) {
  const { of, rows } = tensor.slice;
  const columns = rows[0]?.length ?? 0;
  if (!columns) return noTensor(`Empty: shape ${shapeText(tensor.shape)}`);
  const numbers = rows.flat().filter((value) => typeof value === "number");
  const largest = Math.max(0, ...numbers.map(Math.abs));
  const isWritten = columns <= WRITTEN_COLUMNS;
  const cells = rows.flatMap((row) => row.map((value) => heatCell(value, largest, isWritten)));
  const scale = `colours from ${numberText(-largest, 3)} to ${numberText(largest, 3)}`;
  const told = make("output", { class: "told" }, of ? `slice ${of}, ${scale}` : scale);
  let at = 0;
  function tell(next) {
    cells[at].classList.remove("cursor");
    cells[next].classList.add("cursor");
    at = next;
    const [i, j] = [Math.floor(at / columns), at % columns];
    told.textContent = `${elementName(tensor.slice, tensor.shape, i, j)} = ${numberText(rows[i][j], 7)}`;
  }
  function onkeydown(event) {
    const by = KEYS[event.key];
    if (!by) return;
    event.preventDefault();
    const i = Math.min(Math.max(Math.floor(at / columns) + by[0], 0), rows.length - 1);
    tell(i * columns + Math.min(Math.max((at % columns) + by[1], 0), columns - 1));
  }
  const onpointerover = ({ target }) => cells.includes(target) && tell(cells.indexOf(target));
  const grid = make("div", {
    class: isWritten ? "grid written" : "grid", style: `--columns: ${columns}`, tabindex: 0, role: "img",
    "aria-label": `${title} ${of}, ${rows.length} × ${columns} numbers as colours; arrow keys tell each`,
    onfocus: () => tell(at), onkeydown, onpointerover,
  }, cells);
  return make("div", {}, grid, told);
}

function heatCell(value, largest, isWritten) {
  if (typeof value !== "number") {
    return make("span", { class: "beyond" }, isWritten ? numberText(value) : numberText(value).at(-1));
  }
  const share = largest ? Math.abs(value) / largest : 0;
  const side = value < 0 ? "negative" : "positive";
  const style = `background: color-mix(in oklab, var(--${side}) ${(100 * share).toFixed(1)}%, var(--zero))`;
  return make("span", { class: share > STRONG && "strong", style }, isWritten && numberText(value, 3));
}

function histogramOf({ histogram }) {
  if (!histogram) return null;
  const { from, to, counts } = histogram;
  const most = Math.max(...counts, 1);
  const bars = counts.map((count, i) => {
    const height = count ? Math.max((40 * count) / most, 1.5) : 0;
    const attributes = { x: 10 * i, y: 42 - height, width: 9, height, fill: "var(--bar)" };
    return makeSvg("rect", attributes, makeSvg("title", {}, String(count)));
  });
  const ends = [from, to].map((end) => numberText(end, 3));
  const label = `histogram from ${ends.join(" to ")}: ${counts.join(", ")}`;
  const viewBox = { viewBox: `0 0 ${10 * counts.length} 43`, preserveAspectRatio: "none" };
  const picture = makeSvg("svg", { ...viewBox, class: "histogram", role: "img", "aria-label": label }, bars);
  return make("div", {}, picture, make("div", { class: "ends" }, ends.map((end) => make("span", {}, end))));
}

function statistics(tensor) {
  const seen = Object.keys(STATISTICS).filter((name) => name in tensor && (tensor[name] || !(name in ODD)));
  return make("dl", {}, seen.map((name) => {
    const value = tensor[name];
    const text = name === "size" ? value.toLocaleString("en") : value === null ? "none" : numberText(value);
    return make("div", {}, make("dt", {}, STATISTICS[name]), make("dd", { title: String(value) }, text));
  }));
}
