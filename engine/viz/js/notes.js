// Notes on the picture at one moment: the local rule on each line into the current node, the error at one that failed.

import { drawFlow } from "./boxes.js";
import { makeSvg } from "./dom.js";
import { gradientState, shownAs } from "./facts.js";
import { nodeName, ruleText } from "./words.js";

const MOST = 4; // notes at one step; the panel has them all
const LONGEST = 70; // characters
const LINE = 14; // pixels
const ASIDE = 20; // pixels from a box to the note on its error
const OUTSIDE = 9; // what a pixel outside of the picture costs a note, beside those of the boxes it covers

/** Write on `layer` what belongs to the state. drawn: {box id: drawn box}, plan: the layout. */
export function writeNotes(layer, { facts, state }, drawn, plan) {
  layer.replaceChildren();
  const taken = [...drawn.values()].filter((each) => !each.box.open).map((each) => each.box);
  const write = (lines, at, kind) => taken.push(writeNote(layer, lines, at, taken, plan.width, kind));
  for (const { node, box } of drawn.values()) {
    const error = facts.nodes[node]?.error;
    const below = { x: box.x + box.width / 2, y: box.y + box.height + ASIDE };
    if (error) write([error.kind, error.message], below, "note failure");
  }
  const id = facts.backward[state.step];
  if (state.direction !== "backward" || id === undefined || state.asked !== null) return;
  const edges = facts.inputs[id].filter((edge) => gradientState(facts, edge.source, state) !== "none");
  const notes = [];
  for (const line of plan.lines) {
    const here = line.edges.map((index) => facts.document.edges[index]).filter((edge) => edges.includes(edge));
    if (!here.length) continue;
    const [path, head] = drawFlow(line, plan.rightwards);
    layer.append(path, head);
    const middle = path.getPointAtLength(path.getTotalLength() / 2);
    notes.push(...here.map((edge) => [[ruleText(edge), edge.shapes, edge.numbers], middle]));
  }
  if (!notes.length) { // all of it happens within a closed group
    const { x, y, width } = drawn.get(shownAs(facts, id, state.open)).box;
    notes.push([[`${nodeName(facts.nodes[id])}, in here`, ...edges.map(ruleText)], { x: x + width, y }]);
  }
  for (const [lines, at] of notes.filter(([[rule]]) => rule).slice(0, MOST)) write(lines.filter(Boolean), at, "note");
}

/** Text in a frame beside a point, where it covers least of what is there; returns the place. */
function writeNote(layer, lines, at, taken, pictureWidth, kind) {
  const texts = lines.map((line, i) => {
    const text = line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
    return makeSvg("text", { x: 9, y: 2 + LINE * (i + 1), class: i ? null : "rule" }, text);
  });
  const note = makeSvg("g", { class: kind }, texts);
  layer.append(note);
  const width = Math.max(...texts.map((text) => text.getComputedTextLength())) + 18;
  const height = LINE * lines.length + 9;
  note.prepend(makeSvg("rect", { width, height, rx: 6 }));
  let [best, least] = [null, Infinity];
  [-height / 2, 6, -height - 6, 30, -height - 30, 60].forEach((dy, row) => {
    [14, -width - 14, 60, -width - 60].forEach((dx, column) => {
      const place = { x: at.x + dx, y: at.y + dy, width, height };
      const outside = Math.max(0, -place.x) + Math.max(0, place.x + width - Math.max(pictureWidth, width));
      const cost = taken.reduce((sum, each) => sum + overlap(place, each), (row + column) * 12 + outside * OUTSIDE);
      if (cost < least) [best, least] = [place, cost];
    });
  });
  note.setAttribute("transform", `translate(${best.x} ${best.y})`);
  return best;
}

function overlap(a, b) {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}
