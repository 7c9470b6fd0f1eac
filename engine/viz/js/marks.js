// What the moment's state adds to a box: what has arrived, badges, the mark of a comparison, and all that in words.

import { drawPill } from "./boxes.js";
import { gradientState, hasValue } from "./facts.js";
import { cutInMiddle } from "./glyphs.js";
import { badgeMark, nodeName, plural, rangeText, shapeText } from "./words.js";

const MATCH_MARKS = { differs: "≠", missing: "−", extra: "+", same: "✓" }; // the worst first
const ALARMS = /[✕≠∞N]/; // marks that are red
const LONGEST_MARKS = 26; // characters
const COMES_OUT = 5; // pixels beyond the box

/** The small labels on a box: what has arrived, below; marks, above. */
export function drawMarks(app, { box, node, members }) {
  const right = box.width + COMES_OUT;
  const parts = [];
  const arrived = node !== null && arrivedAt(app, app.facts.nodes[node]);
  if (arrived) parts.push(drawPill(right, box.height - 5, arrived[0], `tag ${arrived[1]}`));
  const marks = [...matchMarks(app.facts, members), ...shownBadges(app, members)].join("  ");
  if (marks) {
    const kind = ALARMS.test(marks) ? "marks alarm" : "marks";
    parts.push(drawPill(right, -8, cutInMiddle(marks, LONGEST_MARKS), kind));
  }
  return parts;
}

/** [text, kind] of what has come to a node at this moment of the walk; null where there is nothing to say. */
function arrivedAt({ facts, state }, { id, value, grad }) {
  const text = (tensor) => (tensor ? rangeText(tensor, tensor.min === tensor.max ? 3 : 2) : "?");
  if (state.direction === "forward") {
    return state.forward >= 0 && value && hasValue(id, state) ? [text(value), "value"] : null;
  }
  if (state.step < 0) return null;
  const words = { none: null, yet: ["∂ –", "yet"], part: ["∂ +…", "part"], all: [`∂ ${text(grad)}`, "arrived"] };
  return words[gradientState(facts, id, state)];
}

function matchMarks({ nodes }, members) {
  const failed = members.some((id) => nodes[id].error) && "✕ failed";
  const first = [...new Set(members.flatMap((id) => nodes[id].match?.first ?? []))];
  const words = first.map((which) => (which === "grad" ? "gradient" : which)).join(" and ");
  return [failed, words ? `≠ first ${words}` : MATCH_MARKS[matchStatus(nodes, members)]].filter(Boolean);
}

/** The worst status of some nodes in a comparison; undefined where nothing is compared. */
export function matchStatus(nodes, members) {
  const found = new Set(members.map((id) => nodes[id].match?.status));
  return Object.keys(MATCH_MARKS).find((status) => found.has(status));
}

/** Badges to be seen at this moment: those of a gradient that is still to come would give it away. */
export function shownBadges({ facts, state }, members) {
  const isResting = state.step < 0 && state.asked === null;
  const marks = new Set();
  for (const id of members) {
    for (const [mark, about] of facts.nodes[id].badges.map(badgeMark)) {
      if (about !== "grad") marks.add(mark);
      else if (isResting || gradientState(facts, id, state) === "all") marks.add(`∂ ${mark}`);
    }
  }
  return [...marks];
}

/** A box for those who hear it. */
export function boxWords({ facts, state }, { box, group, node, members }) {
  if (group !== null) return `group ${box.label} ${box.detail}, ${plural(members.length, "node")}`;
  const { kind, shape, grad, badges, match } = facts.nodes[node];
  const words = { yet: "no gradient yet", part: "a part of its gradient has come", all: `gradient ${rangeText(grad)}` };
  const known = words[gradientState(facts, node, state)];
  const compared = match && `${match.status} in the comparison`;
  return [nodeName(facts.nodes[node]), kind, shapeText(shape), known, ...badges, compared].filter(Boolean).join(", ");
}
