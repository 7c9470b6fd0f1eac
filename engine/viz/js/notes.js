// Notes on the picture at one moment: the local rule on each line into the current node, the error at one that failed.

import { drawFlow } from "./boxes.js";
import { makeSvg } from "./dom.js";
import { gradientState, shownAs } from "./facts.js";
import { nodeName, ruleText } from "./words.js";

const MOST_NOTES = 4; // notes at one step; the panel has them all
const LONGEST_NOTE = 70; // characters
const NOTE_LINE = 14; // pixels
const NOTE_ASIDE = 20; // pixels from a box to the note on its error
const AWAY = 3; // what a pixel away from its line costs a note, beside the square pixels that it covers of boxes,
const OUTSIDE = 20; // and a pixel out of sight
const [BESIDE, BELOW] = [[14, 60, 120, 180], [0, 24, 48, 76]]; // distances that are tried

/** Write on `layer` what belongs to the state, and draw on `flows` the ways on which gradients go back.
 * drawn: {box id: drawn box}, plan: the layout, room: pixels across. */
export function writeNotes(layer, flows, { facts, state }, drawn, plan, room) {
  layer.replaceChildren();
  flows.replaceChildren();
  const taken = [...drawn.values()].filter((each) => !each.box.open).map((each) => withMarks(each.box));
  const aside = Math.max(0, (room - plan.width) / 2); // a narrow picture stands in the middle
  const limits = [-aside, plan.width + aside];
  const write = (lines, at, kind) => taken.push(writeNote(layer, lines, at, taken, limits, kind));
  for (const { node, box } of drawn.values()) {
    const error = facts.nodes[node]?.error;
    const below = { x: box.x + box.width / 2, y: box.y + box.height + NOTE_ASIDE };
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
    flows.append(path, head);
    const middle = path.getPointAtLength(path.getTotalLength() / 2);
    notes.push(...here.map((edge) => [[ruleText(edge), edge.shapes, edge.numbers], middle]));
  }
  if (!notes.length) { // all of it happens within a closed group
    const { x, y, width } = drawn.get(shownAs(facts, id, state.open)).box;
    notes.push([[`${nodeName(facts.nodes[id])}, in here`, ...edges.map(ruleText)], { x: x + width, y }]);
  }
  for (const [lines, at] of notes.filter(([[rule]]) => rule).slice(0, MOST_NOTES)) {
    write(lines.filter(Boolean), at, "note");
  }
}

/** Text in a frame beside a point, where it covers least of what is there; returns the place. */
function writeNote(layer, lines, at, taken, [left, right], kind) {
  const texts = lines.map((line, i) => {
    const text = line.length > LONGEST_NOTE ? `${line.slice(0, LONGEST_NOTE - 1)}…` : line;
    return makeSvg("text", { x: 9, y: 2 + NOTE_LINE * (i + 1), class: i ? null : "rule" }, text);
  });
  const note = makeSvg("g", { class: kind }, texts);
  layer.append(note);
  const width = Math.max(...texts.map((text) => text.getComputedTextLength())) + 18;
  const height = NOTE_LINE * lines.length + 9;
  note.prepend(makeSvg("rect", { width, height, rx: 6 }));
  let [best, least] = [null, Infinity];
  for (const down of BELOW.flatMap((by) => [by, -by])) {
    for (const across of BESIDE.flatMap((by) => [by, -by])) {
      const x = at.x + (across < 0 ? across - width : across);
      const place = { x, y: at.y - height / 2 + down, width, height };
      const outside = Math.max(0, left - x) + Math.max(0, x + width - right);
      const away = AWAY * (Math.abs(across) + Math.abs(down)) + OUTSIDE * outside;
      const cost = taken.reduce((sum, each) => sum + overlap(place, each), away);
      if (cost < least) [best, least] = [place, cost];
    }
  }
  note.setAttribute("transform", `translate(${best.x} ${best.y})`);
  return best;
}

/** The place of a box with the small labels on it. */
function withMarks({ x, y, width, height }) {
  return { x, y: y - 8, width: width + 8, height: height + 18 };
}

function overlap(a, b) {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}
