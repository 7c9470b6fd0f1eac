// The picture: fold and layout say where everything is, the state says what stands out; mouse and keys act on it.

import { TITLE_LINE, drawBox, drawLine, pill } from "./boxes.js";
import { iconButton, make, makeSvg } from "./dom.js";
import { countShown, gradientState, hasValue, onPaths, shownAs } from "./facts.js";
import { fold } from "./fold.js";
import { cutInMiddle } from "./glyphs.js";
import { heatColour, measureOf } from "./heat.js";
import { layout } from "./layout.js";
import { writeNotes } from "./notes.js";
import { makeSight } from "./sight.js";
import { amountText, badgeMark, nodeName, rangeText, shapeText } from "./words.js";

const GLIDING_AT_MOST = 400; // boxes
const OPEN_AT_MOST = 1500; // boxes that "open all" opens
const MATCH_MARKS = { differs: "≠", missing: "−", extra: "+", same: "✓" }; // the worst first
const FIRST_WORDS = { value: "value", grad: "gradient" };
const MARKS_LENGTH = 26; // characters
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function makePicture(app) {
  const { facts, state } = app;
  const [frames, lines, boxes, notes] = ["frames", "lines", "boxes", "notes"].map((name) => makeSvg("g", { class: name }));
  const svg = makeSvg("svg", { role: "group", "aria-label": facts.document.title, onkeydown, onclick }, hatching(), frames, lines, boxes, notes);
  const sheet = make("div", { class: "sheet" }, svg);
  const sight = makeSight(sheet, svg, () => [plan.width, plan.height], app.still);
  let plan = { width: 1, height: 1, boxes: [], lines: [] };
  let drawn = new Map(); // box id -> drawn box
  let focused = null; // the box id that the keys act on
  let chosenHere = false; // by a click in the picture, which then does not move

  /** Lay out and draw anew. The box `anchor` keeps its corner where it is; others glide to where they now belong. */
  function redraw(anchor) {
    const before = drawn;
    const hadFocus = svg.contains(svg.getRootNode().activeElement);
    plan = layout(fold(facts.document, state.open), plan.rightwards);
    drawn = new Map(plan.boxes.map((box) => [box.id, drawBox(facts, box)]));
    const all = [...drawn.values()];
    frames.replaceChildren(...all.filter((each) => each.box.open).map((each) => each.element));
    boxes.replaceChildren(...all.filter((each) => !each.box.open).map((each) => each.element));
    lines.replaceChildren(...plan.lines.map((line) => (line.element = drawLine(facts, line, plan.rightwards))));
    for (const side of ["width", "height"]) svg.setAttribute(side, plan[side]);
    const [old, now] = [before.get(anchor)?.box, drawn.get(anchor)?.box];
    const shift = old && now ? [now.x - old.x, now.y - old.y] : [0, 0];
    sight.shift(-shift[0], -shift[1]);
    if (before.size && !app.still() && drawn.size <= GLIDING_AT_MOST) glide(before, shift);
    focusOn(drawn.has(focused) ? focused : plan.boxes.at(-1)?.id, hadFocus);
  }

  function glide(before, [shiftX, shiftY]) {
    const timing = { duration: 220, easing: "ease-out" };
    for (const [id, { box, element }] of drawn) {
      const old = before.get(id)?.box;
      const places = old && [[old.x + shiftX, old.y + shiftY], [box.x, box.y]];
      element.animate(places ? places.map(([x, y]) => ({ transform: `translate(${x}px, ${y}px)` })) : { opacity: [0, 1] }, timing);
    }
    lines.animate({ opacity: [0, 0, 1] }, timing);
  }

  /** Let boxes and lines say what the state says of them. */
  function restate() {
    const lit = spotlight(app);
    const box = (id) => facts.nodes[id] && shownAs(facts, id, state.open);
    const selected = box(state.selected);
    const now = box(state.direction === "backward" ? facts.backward[state.step] : state.forward);
    const asked = box(facts.backward[state.asked]);
    const measure = measureOf(app);
    svg.classList.toggle("heated", Boolean(measure));
    for (const [id, each] of drawn) {
      each.element.setAttribute("aria-label", boxWords(facts, each, state));
      if (each.box.open) continue;
      const isLit = lit !== null && each.members.some((node) => lit.has(node));
      const isLater = state.direction === "forward" && state.forward >= 0 && !each.members.some((node) => hasValue(node, state));
      const status = matchStatus(facts, each.members);
      const classes = { selected: id === selected, now: id === now, asked: id === asked, lit: isLit && !state.paths, dim: lit !== null && !isLit, later: isLater, [status]: status };
      for (const [name, is] of Object.entries(classes)) each.element.classList.toggle(name, Boolean(is));
      each.face.setAttribute("style", measure ? heatColour(measure, each.members) : "");
      const amount = measure?.sum(each.members);
      if (each.detail) each.detail.textContent = !measure ? each.box.detail : amount === null ? "–" : amountText(amount, measure.unit);
      each.extras.replaceChildren(...extras(app, each, status));
    }
    for (const { element, edges } of plan.lines) {
      const alight = lit?.size && edges.some((index) => lit.has(facts.document.edges[index].source) && lit.has(facts.document.edges[index].target));
      element.classList.toggle("dim", lit !== null && !alight);
      element.classList.toggle("lit", Boolean(alight) && state.paths);
    }
    writeNotes(notes, app, drawn, plan);
  }

  function focusOn(id, really) {
    drawn.get(focused)?.element.setAttribute("tabindex", -1);
    focused = id;
    const element = drawn.get(id)?.element;
    element?.setAttribute("tabindex", 0);
    if (really) element?.focus({ preventScroll: true });
  }

  function activate(id) {
    const { group, node } = drawn.get(id);
    chosenHere = true;
    if (group === null) app.change({ selected: node, paths: false });
    else app.toggle(group, id);
    chosenHere = false;
  }

  function onclick(event) {
    const id = event.target.closest("[data-id]")?.dataset.id;
    const inFrame = event.target.closest(".frame") && !event.target.closest(".title");
    if (!id || inFrame || sheet.classList.contains("dragged")) return;
    focusOn(id, true);
    activate(id);
  }

  function onkeydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || focused === undefined) return;
    const direction = DIRECTIONS[event.key];
    if (direction && event.shiftKey) sight.pan(-60 * direction[0], -60 * direction[1]);
    else if (direction) goTowards(direction);
    else if (event.key === "Enter" || event.key === " ") activate(focused);
    else if (event.key === "Escape") app.change({ selected: null, paths: false, lit: null });
    else if (event.key === "+" || event.key === "=") sight.zoom(1.25);
    else if (event.key === "-") sight.zoom(0.8);
    else if (event.key === "0") sight.fit();
    else if (event.key === "." || event.key === ",") app.walk(event.key === "." ? 1 : -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** On to the next box in a direction: near, and straight ahead rather than aside. */
  function goTowards([dx, dy]) {
    const middle = ({ box }) => [box.x + box.width / 2, box.y + (box.open ? TITLE_LINE : box.height) / 2];
    const [fromX, fromY] = middle(drawn.get(focused));
    let [next, least] = [null, Infinity];
    for (const [id, each] of drawn) {
      const [x, y] = middle(each);
      const ahead = (x - fromX) * dx + (y - fromY) * dy;
      const cost = ahead + 2.5 * Math.abs((x - fromX) * dy + (y - fromY) * dx);
      if (ahead > 1 && cost < least) [next, least] = [id, cost];
    }
    if (next === null) return;
    const { box, node } = drawn.get(next);
    focusOn(next, true);
    sight.show(box.open ? { ...box, height: TITLE_LINE } : box);
    chosenHere = true;
    if (node !== null) app.change({ selected: node, paths: false });
    chosenHere = false;
  }

  const zooms = make("div", { class: "zooms" },
    iconButton("Zoom in (+)", "M3 8h10M8 3v10", () => sight.zoom(1.25)),
    iconButton("Zoom out (−)", "M3 8h10", () => sight.zoom(0.8)),
    iconButton("Fit the picture (0)", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", () => sight.fit()));
  const doors = facts.groups.length > 0 && make("div", { class: "doors" },
    make("button", { type: "button", onclick: () => app.change({ open: allOpen(app) }) }, "Open all"),
    make("button", { type: "button", onclick: () => app.change({ open: [] }) }, "Close all"));
  const empty = !facts.nodes.length && make("p", { class: "empty" }, "Nothing was recorded: the graph is empty.");

  return {
    element: make("div", { class: "stage" }, sheet, doors, zooms, empty),
    size: () => [plan.width, plan.height],
    show(changes) {
      if ("open" in changes && facts.nodes.length) redraw(app.anchor);
      restate();
      if (!["selected", "step", "forward"].some((name) => name in changes) || state.selected === null) return;
      const id = shownAs(facts, state.selected, state.open);
      focusOn(id, false);
      if (!chosenHere) sight.show(drawn.get(id).box, true);
    },
    destroy: sight.destroy,
  };
}

/** The ids of all groups; of a large graph, of as many levels as can still be looked at. */
function allOpen({ facts, say }) {
  let [open, level] = [[], facts.groups.filter((group) => group.parent === null)];
  while (level.length) {
    const next = [...open, ...level.map((group) => group.id)];
    if (countShown(facts, next) > OPEN_AT_MOST) {
      say(`Opened as far as ${OPEN_AT_MOST.toLocaleString("en")} boxes. Open single groups to see more.`);
      break;
    }
    const inside = new Set(level.map((group) => group.id));
    [open, level] = [next, facts.groups.filter((group) => inside.has(group.parent))];
  }
  return open;
}

/** The nodes that stand out: those on a path, found, or of a line of code; null when none are to. */
function spotlight({ facts, state }) {
  if (state.paths && state.selected !== null) return onPaths(facts, state.selected);
  return state.lit ?? (state.found && new Set(state.found));
}

function hatching() {
  const line = makeSvg("path", { d: "M0 5 5 0", stroke: "var(--faint)" });
  return makeSvg("defs", {}, makeSvg("pattern", { id: "hatching", width: 5, height: 5, patternUnits: "userSpaceOnUse" }, line));
}

/** The small labels on a box: what has arrived there, below; badges and marks, above. */
function extras(app, { box, node, members }, status) {
  const { facts, state } = app;
  const right = box.width + 5;
  const parts = [];
  const tag = node === null ? null : tagOf(facts, facts.nodes[node], state);
  if (tag) parts.push(pill(right, box.height - 5, tag[0], `tag ${tag[1]}`));
  const first = ["value", "grad"].filter((which) => members.some((id) => facts.nodes[id].match?.first.includes(which)));
  const failed = members.some((id) => facts.nodes[id].error) && "✕ failed";
  const match = first.length ? `${MATCH_MARKS.differs} first ${first.map((which) => FIRST_WORDS[which]).join(" and ")}` : MATCH_MARKS[status];
  const marks = [failed, match, ...shownBadges(app, members)].filter(Boolean).join("  ");
  if (marks) parts.push(pill(right, -8, cutInMiddle(marks, MARKS_LENGTH), `marks ${/[✕≠∞N]/.test(marks) ? "alarm" : ""}`));
  return parts;
}

/** [text, kind] of what has come to a node at this moment of the walk; null where nothing is to be said. */
function tagOf(facts, node, state) {
  if (state.direction === "forward") return state.forward >= 0 && node.value && hasValue(node.id, state) ? [tagText(node.value), "value"] : null;
  if (state.step < 0) return null;
  const known = gradientState(facts, node.id, state);
  return { none: null, yet: ["∂ –", "yet"], part: ["∂ +…", "part"], all: [`∂ ${node.grad ? tagText(node.grad) : "?"}`, "arrived"] }[known];
}

const tagText = (tensor) => rangeText(tensor, tensor.min === tensor.max ? 3 : 2);

/** Badges to be seen at this moment: those of a gradient that is still to come would give it away. */
export function shownBadges({ facts, state }, members) {
  const marks = new Set();
  const resting = state.step < 0 && state.asked === null;
  for (const id of members) {
    for (const badge of facts.nodes[id].badges) {
      const [mark, about] = badgeMark(badge);
      if (about !== "grad") marks.add(mark);
      else if (resting || gradientState(facts, id, state) === "all") marks.add(`∂ ${mark}`);
    }
  }
  return [...marks];
}

function matchStatus(facts, members) {
  if (!facts.compared) return null;
  const found = new Set(members.map((id) => facts.nodes[id].match?.status));
  return Object.keys(MATCH_MARKS).find((status) => found.has(status)) ?? null;
}

function boxWords(facts, { box, group, node, members }, state) {
  if (group !== null) return `group ${box.label} ${box.detail}, ${members.length} nodes, ${box.open ? "open" : "closed"}`;
  const each = facts.nodes[node];
  const gradient = { none: null, yet: "no gradient yet", part: "part of its gradient has arrived", all: `gradient ${rangeText(each.grad)}` };
  const words = [nodeName(each), each.kind, shapeText(each.shape), gradient[gradientState(facts, node, state)], ...each.badges];
  return [...words, each.match && `${each.match.status} in comparison`].filter(Boolean).join(", ");
}
