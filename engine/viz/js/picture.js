// The picture: fold and layout say where everything is, the state says what stands out; mouse and keys act on it.

import { TITLE_LINE, drawBox, drawLine } from "./boxes.js";
import { button, iconButton, make, makeSvg } from "./dom.js";
import { countShown, hasValue, onPaths, shownAs } from "./facts.js";
import { fold } from "./fold.js";
import { heatColour, measureOf } from "./heat.js";
import { layout } from "./layout.js";
import { boxWords, drawMarks, matchStatus } from "./marks.js";
import { writeNotes } from "./notes.js";
import { makeSight } from "./sight.js";
import { amountText } from "./words.js";

const GLIDING_AT_MOST = 400; // boxes
const GLIDE_TIMING = { duration: 220, easing: "ease-out" };
const OPEN_AT_MOST = 1500; // boxes that "open all" opens
const PAN_STEP = 60; // pixels
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ASIDE = 2.5; // how much farther a box that is not straight ahead is to the arrow keys

export function makePicture(app) {
  const { facts, state } = app;
  const layers = ["frames", "lines", "flows", "boxes", "notes"].map((name) => makeSvg("g", { class: name }));
  const [frames, lines, flows, boxes, notes] = layers;
  const label = facts.document.title;
  const svg = makeSvg("svg", { role: "group", "aria-label": label, onkeydown, onclick }, hatching(), layers);
  const sheet = make("div", { class: "sheet" }, svg);
  const sight = makeSight(sheet, svg, () => [plan.width, plan.height], app.still);
  let plan = { width: 1, height: 1, boxes: [], lines: [] };
  let drawn = new Map(); // box id -> drawn box
  let focused = null; // the box id that the keys act on
  let isChosenHere = false; // in the picture, which then stays where it is

  /** Lay out and draw anew. The box `anchor` keeps its corner where it is; others glide to where they now belong. */
  function redraw(anchor) {
    const before = drawn;
    const hadFocus = svg.contains(svg.getRootNode().activeElement);
    plan = layout(fold(facts.document, state.open), plan.rightwards);
    drawn = new Map(plan.boxes.map((box) => [box.id, drawBox(facts, box)]));
    const elements = (these) => these.map(({ element }) => element);
    frames.replaceChildren(...elements([...drawn.values()].filter(({ box }) => box.open)));
    boxes.replaceChildren(...elements([...drawn.values()].filter(({ box }) => !box.open)));
    lines.replaceChildren(...plan.lines.map((line) => (line.element = drawLine(facts, line, plan.rightwards))));
    for (const side of ["width", "height"]) svg.setAttribute(side, plan[side]);
    const [old, now] = [before.get(anchor)?.box, drawn.get(anchor)?.box];
    const shift = old && now ? [now.x - old.x, now.y - old.y] : [0, 0];
    sight.shift(-shift[0], -shift[1]);
    if (before.size && !app.still() && drawn.size <= GLIDING_AT_MOST) glide(before, shift);
    focusOn(drawn.has(focused) ? focused : plan.boxes.at(-1)?.id, hadFocus);
  }

  function glide(before, [shiftX, shiftY]) {
    for (const [id, { box, element }] of drawn) {
      const old = before.get(id)?.box;
      const way = old && [[old.x + shiftX, old.y + shiftY], [box.x, box.y]];
      const change = way ? { transform: way.map(([x, y]) => `translate(${x}px, ${y}px)`) } : { opacity: [0, 1] };
      element.animate(change, GLIDE_TIMING);
    }
    lines.animate({ opacity: [0, 0, 1] }, GLIDE_TIMING);
  }

  /** Let boxes, lines and notes say what the state says of them. */
  function restate() {
    const { direction, step, forward, asked, selected, paths } = state;
    const boxOf = (id) => facts.nodes[id] && shownAs(facts, id, state.open);
    const now = boxOf(direction === "backward" ? facts.backward[step] : forward);
    const chosen = { selected: boxOf(selected), now, asked: boxOf(facts.backward[asked]) };
    const lit = spotlight(app);
    const measure = measureOf(app);
    svg.classList.toggle("heated", Boolean(measure));
    for (const [id, each] of drawn) {
      const { element, members, box, face, detail, extras } = each;
      element.setAttribute("aria-label", boxWords(app, each));
      if (box.open) continue;
      const isLit = lit !== null && members.some((node) => lit.has(node));
      for (const name in chosen) element.classList.toggle(name, chosen[name] === id);
      element.classList.toggle("lit", isLit && !paths);
      element.classList.toggle("dim", lit !== null && !isLit);
      element.classList.toggle("later", direction === "forward" && !members.some((node) => hasValue(node, state)));
      element.dataset.match = matchStatus(facts.nodes, members) ?? "";
      face.setAttribute("style", measure ? heatColour(measure, id) : "");
      if (detail) detail.textContent = measure ? amountWords(measure, id) : box.detail;
      extras.replaceChildren(...drawMarks(app, each));
    }
    for (const { element, edges } of plan.lines) {
      const isLit = lit !== null && edges.some((index) => {
        const { source, target } = facts.document.edges[index];
        return lit.has(source) && lit.has(target);
      });
      element.classList.toggle("dim", lit !== null && !isLit);
      element.classList.toggle("lit", isLit && paths);
    }
    writeNotes(notes, flows, app, drawn, plan, sheet.clientWidth);
  }

  /** The boxes of a node's inputs, to which a step of the backward pass goes. */
  function sourcesOf(id) {
    return facts.inputs[id].map(({ source }) => drawn.get(shownAs(facts, source, state.open)).box);
  }

  function focusOn(id, really) {
    drawn.get(focused)?.element.setAttribute("tabindex", -1);
    focused = id;
    const element = drawn.get(id)?.element;
    element?.setAttribute("tabindex", 0);
    if (really) element?.focus({ preventScroll: true });
  }

  function choose(act) {
    isChosenHere = true;
    act();
    isChosenHere = false;
  }

  function activate(id) {
    const { group, node } = drawn.get(id);
    choose(() => (group === null ? app.change({ selected: node }) : app.toggle(group, id)));
  }

  function onclick({ target }) {
    const id = target.closest("[data-id]")?.dataset.id;
    const isInFrame = target.closest(".frame") && !target.closest(".title");
    if (!id || isInFrame || sheet.classList.contains("dragged")) return;
    focusOn(id, true);
    activate(id);
  }

  const KEYS_HERE = {
    "Enter": () => activate(focused),
    " ": () => activate(focused),
    "Escape": () => app.change({ selected: null, lit: null }),
    "+": () => sight.zoom(1.25),
    "=": () => sight.zoom(1.25),
    "-": () => sight.zoom(0.8),
    "0": () => sight.fit(),
    ".": () => app.walk(1),
    ",": () => app.walk(-1),
  };

  function onkeydown(event) {
    const direction = DIRECTIONS[event.key];
    const act = KEYS_HERE[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(direction || act)) return;
    event.preventDefault();
    event.stopPropagation();
    if (act) act();
    else if (event.shiftKey) sight.pan(...direction.map((by) => -PAN_STEP * by));
    else goTowards(direction);
  }

  /** On to the next box in a direction: near, and straight ahead rather than aside. */
  function goTowards([dx, dy]) {
    const middle = ({ box }) => [box.x + box.width / 2, box.y + (box.open ? TITLE_LINE : box.height) / 2];
    const [fromX, fromY] = middle(drawn.get(focused));
    let [next, least] = [null, Infinity];
    for (const [id, each] of drawn) {
      const [x, y] = middle(each);
      const ahead = (x - fromX) * dx + (y - fromY) * dy;
      const cost = ahead + ASIDE * Math.abs((x - fromX) * dy + (y - fromY) * dx);
      if (ahead > 1 && cost < least) [next, least] = [id, cost];
    }
    if (next === null) return;
    const { box, node } = drawn.get(next);
    focusOn(next, true);
    sight.keep(box.open ? { ...box, height: TITLE_LINE } : box);
    if (node !== null) choose(() => app.change({ selected: node }));
  }

  const zooms = make("div", { class: "zooms" },
    iconButton("Zoom in (+)", "M3 8h10M8 3v10", () => sight.zoom(1.25)),
    iconButton("Zoom out (−)", "M3 8h10", () => sight.zoom(0.8)),
    iconButton("Fit the picture (0)", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", () => sight.fit()));
  const doors = facts.groups.length > 0 && make("div", { class: "doors" },
    button("Open all", () => app.change({ open: allOpen(app) })), button("Close all", () => app.change({ open: [] })));
  const empty = !facts.nodes.length && make("p", { class: "empty" }, "Nothing was recorded: the graph is empty.");

  return {
    element: make("div", { class: "stage" }, sheet, doors, zooms, empty),
    size: () => [plan.width, plan.height],
    show(changes) {
      if ("open" in changes && facts.nodes.length) redraw(app.anchor);
      restate();
      const isNew = ["selected", "step", "forward"].some((name) => name in changes);
      if (!isNew || state.selected === null) return;
      const id = shownAs(facts, state.selected, state.open);
      focusOn(id, false);
      const isStep = "step" in changes && facts.backward[state.step] === state.selected;
      if (!isChosenHere) sight.show(drawn.get(id).box, isStep ? sourcesOf(state.selected) : null);
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

/** The nodes that stand out: those on a path, of a line of code, or found; null when none are to. */
function spotlight({ facts, state }) {
  if (state.paths && state.selected !== null) return onPaths(facts, state.selected);
  return state.lit ?? state.found;
}

function amountWords(measure, box) {
  const amount = measure.amount(box);
  return amount === undefined ? "–" : amountText(amount, measure.unit);
}

function hatching() {
  const line = makeSvg("path", { d: "M0 5 5 0", stroke: "var(--faint)" });
  const size = { width: 5, height: 5, patternUnits: "userSpaceOnUse" };
  return makeSvg("defs", {}, makeSvg("pattern", { id: "hatching", ...size }, line));
}
