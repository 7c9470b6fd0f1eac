// The picture: boxes and lines of a layout, and what the moment's state does to them.

import { make, makeSvg, iconButton } from "./dom.js";
import { fold } from "./fold.js";
import { layout } from "./layout.js";
import { makeSight } from "./sight.js";
import { countShown, gradientState, hasValue, onPaths, shownAs } from "./facts.js";
import { amountText, badgeMark, besides, nodeName, rangeText, shapeText } from "./words.js";
import { measureOf, heatColour } from "./heat.js";

const HEAD = 8; // length of an arrow head
const TITLE_LINE = 26; // height of an open group's title, which closes it
const MOVED_AT_MOST = 400; // boxes that move aside softly
const SHOWN_AT_MOST = 1500; // boxes that "open all" opens
const NOTES_AT_MOST = 4; // notes on lines at one step
const MATCH_MARKS = { same: "✓", differs: "≠", extra: "+", missing: "−" };
const ARROW_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function makePicture(app) {
  const { facts, state } = app;
  const layers = Object.fromEntries(["frames", "lines", "boxes", "notes"].map((name) => [name, makeSvg("g", { class: name })]));
  const scene = makeSvg("g", {}, Object.values(layers));
  const svg = makeSvg("svg", { class: "picture", role: "group", "aria-label": `${facts.document.title}. Arrow keys go from box to box.` }, hatching(), scene);
  const sight = makeSight(svg, scene, () => [plan.width, plan.height]);
  let plan = { width: 1, height: 1, boxes: [], lines: [] };
  let drawn = new Map(); // box id -> {box, element, group, node, members}
  let focused = null;

  function redraw(anchor) {
    const before = drawn;
    const hadFocus = svg.contains(svg.getRootNode().activeElement);
    plan = layout(fold(facts.document, state.open), plan.rightwards);
    drawn = new Map(plan.boxes.map((box) => [box.id, drawnBox(app, box, plan.rightwards)]));
    layers.frames.replaceChildren(...[...drawn.values()].filter((each) => each.box.open).map((each) => each.element));
    layers.boxes.replaceChildren(...[...drawn.values()].filter((each) => !each.box.open).map((each) => each.element));
    layers.lines.replaceChildren(...plan.lines.map((line) => (line.element = drawnLine(facts, line, plan.rightwards))));
    const [old, now] = [before.get(anchor)?.box, drawn.get(anchor)?.box];
    if (old && now) sight.pan((old.x - now.x) * sight.at().scale, (old.y - now.y) * sight.at().scale);
    if (before.size && !app.still() && drawn.size <= MOVED_AT_MOST) moveAside(before, old && now ? [now.x - old.x, now.y - old.y] : [0, 0]);
    focusOn(drawn.has(focused) ? focused : plan.boxes[0]?.id, hadFocus);
  }

  /** Let boxes glide to their new places; what was not there before fades in. */
  function moveAside(before, [shiftX, shiftY]) {
    const timing = { duration: 220, easing: "ease-out" };
    for (const [id, { box, element }] of drawn) {
      const old = before.get(id)?.box;
      if (!old) element.animate([{ opacity: 0 }, { opacity: 1 }], timing);
      else {
        const from = [old.x + shiftX, old.y + shiftY];
        element.animate([from, [box.x, box.y]].map(([x, y]) => ({ transform: `translate(${x}px, ${y}px)` })), timing);
      }
    }
    layers.lines.animate([{ opacity: 0 }, { opacity: 0, offset: 0.5 }, { opacity: 1 }], timing);
  }

  /** What the state says of each box: classes, tags, marks. */
  function restate() {
    const lit = spotlight(app);
    const current = state.direction === "backward" ? facts.backward[state.step] : facts.nodes[state.forward]?.id;
    const asked = facts.backward[state.asked];
    const seen = (node) => node !== null && node !== undefined && shownAs(facts, node, state.open);
    const [selectedBox, nowBox, askedBox] = [state.selected, current, asked].map(seen);
    const measure = measureOf(app);
    for (const [id, each] of drawn) {
      if (each.box.open) continue;
      const { classList } = each.element;
      classList.toggle("selected", id === selectedBox);
      classList.toggle("now", id === nowBox);
      classList.toggle("asked", id === askedBox);
      classList.toggle("dim", lit !== null && !each.members.some((node) => lit.has(node)));
      classList.toggle("lit", lit !== null && !state.paths && each.members.some((node) => lit.has(node)));
      classList.toggle("later", state.direction === "forward" && state.forward >= 0 && !each.members.some((node) => hasValue(node, state)));
      each.element.setAttribute("aria-label", boxWords(facts, each, state));
      each.extras.replaceChildren(...extras(app, each));
      each.face.setAttribute("style", measure ? heatColour(measure, each.members) : "");
      if (each.detail) each.detail.textContent = measure ? amountText(measure.sum(each.members), measure.unit) : each.box.detail;
    }
    for (const line of plan.lines) {
      const edges = line.edges.map((index) => facts.document.edges[index]);
      const alight = lit === null || edges.some((edge) => lit.has(edge.source) && lit.has(edge.target));
      line.element.classList.toggle("dim", !alight);
      line.element.classList.toggle("lit", lit !== null && alight && state.paths);
    }
    layers.notes.replaceChildren();
    if (state.direction === "backward" && state.step >= 0 && state.asked === null) writeRules(current);
    drawn.forEach((each) => each.members.length === 1 && facts.nodes[each.members[0]].error && !each.group && writeError(each, facts.nodes[each.members[0]].error));
  }

  /** The chain rule on the lines into the current node, running back along them. */
  function writeRules(id) {
    const edges = new Map(facts.inputs[id].map((edge) => [facts.document.edges.indexOf(edge), edge]));
    const taken = [...drawn.values()].filter((each) => !each.box.open).map((each) => each.box);
    const written = [];
    for (const line of plan.lines) {
      const here = line.edges.filter((index) => edges.has(index));
      if (!here.length) continue;
      const path = makeSvg("path", { d: curve(line.points, plan.rightwards), class: "flow" });
      const [[x, y]] = line.points;
      layers.notes.append(path, makeSvg("path", { class: "flowhead", d: arrowHead(x, y, plan.rightwards, 1) }));
      const middle = path.getPointAtLength(path.getTotalLength() / 2);
      here.forEach((index) => written.push([edges.get(index), middle]));
    }
    if (!written.length) {
      const box = drawn.get(shownAs(facts, id, state.open))?.box; // within a closed group
      if (box) written.push(...[...edges.values()].map((edge) => [edge, { x: box.x + box.width / 2, y: box.y - 16 }]));
    }
    written.filter(([edge]) => edge.text || edge.rule).slice(0, NOTES_AT_MOST).forEach(([edge, point]) => writeNote(ruleLines(edge), point, taken));
  }

  /** A note beside a point, where it covers least. */
  function writeNote(lines, point, taken, kind = "note") {
    const texts = lines.map((line, i) => makeSvg("text", { x: 9, y: 16 + 14 * i, class: i ? "small" : "rule" }, shortened(line)));
    const note = makeSvg("g", { class: kind }, texts);
    layers.notes.append(note);
    const width = Math.max(...texts.map((text) => text.getComputedTextLength()), 10) + 18;
    const height = 14 * lines.length + 9;
    note.prepend(makeSvg("rect", { width, height, rx: 6 }));
    const places = [];
    for (const dy of [-height / 2, 4, -height - 4, 24, -height - 24]) {
      for (const dx of [12, -width - 12, -width / 2]) places.push({ x: point.x + dx, y: point.y + dy, width, height });
    }
    const cost = (place, i) => taken.reduce((sum, box) => sum + overlap(place, box) * (box.note ? 9 : 1), i * 30);
    const best = places.map((place, i) => [cost(place, i), place]).reduce((a, b) => (b[0] < a[0] ? b : a))[1];
    note.setAttribute("transform", `translate(${best.x} ${best.y})`);
    taken.push({ ...best, note: true });
  }

  function writeError({ box }, error) {
    writeNote([error.kind, error.message], { x: box.x + box.width / 2, y: box.y + box.height + 18 }, [box], "note failure");
  }

  function focusOn(id, really) {
    drawn.get(focused)?.element.setAttribute("tabindex", -1);
    focused = id;
    const element = drawn.get(id)?.element;
    element?.setAttribute("tabindex", 0);
    if (really) element?.focus({ preventScroll: true });
  }

  function activate(id) {
    const each = drawn.get(id);
    if (each.group !== null) app.toggle(each.group, id);
    else app.change({ selected: each.node, paths: false });
  }

  /** The next box in a direction: near, and straight ahead rather than aside. */
  function neighbour([dx, dy]) {
    const middle = ({ box }) => [box.x + box.width / 2, box.open ? box.y + TITLE_LINE / 2 : box.y + box.height / 2];
    const here = middle(drawn.get(focused));
    let [best, least] = [null, Infinity];
    for (const [id, each] of drawn) {
      const [x, y] = middle(each);
      const ahead = (x - here[0]) * dx + (y - here[1]) * dy;
      const cost = ahead + 2.5 * Math.abs((x - here[0]) * dy + (y - here[1]) * dx);
      if (ahead > 1 && cost < least) [best, least] = [id, cost];
    }
    return best;
  }

  function onkeydown(event) {
    const arrow = ARROW_KEYS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !focused) return;
    if (arrow && event.shiftKey) sight.pan(-60 * arrow[0], -60 * arrow[1]);
    else if (arrow) {
      const next = neighbour(arrow);
      if (next === null) return event.preventDefault();
      focusOn(next, true);
      sight.show(headOf(drawn.get(next).box));
      if (drawn.get(next).group === null) app.change({ selected: drawn.get(next).node, paths: false });
    } else if (event.key === "Enter" || event.key === " ") activate(focused);
    else if (event.key === "+" || event.key === "=") sight.zoom(1.25);
    else if (event.key === "-") sight.zoom(0.8);
    else if (event.key === "0") sight.fit();
    else if (event.key === "." || event.key === ",") app.walk(event.key === "." ? 1 : -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  svg.addEventListener("keydown", onkeydown);
  svg.addEventListener("click", (event) => {
    const element = event.target.closest("[data-id]");
    if (!element || svg.classList.contains("dragged")) return;
    focusOn(element.dataset.id, true);
    activate(element.dataset.id);
  });

  const zooms = make("div", { class: "zooms" },
    iconButton("Zoom in (+)", "M3 8h10M8 3v10", () => sight.zoom(1.25)), iconButton("Zoom out (−)", "M3 8h10", () => sight.zoom(0.8)),
    iconButton("Fit the picture (0)", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", () => sight.fit()));
  const doors = facts.groups.length > 0 && make("div", { class: "doors" },
    make("button", { type: "button", onclick: () => openAll(app) }, "Open all"),
    make("button", { type: "button", onclick: () => app.change({ open: [] }) }, "Close all"));

  return {
    element: make("div", { class: "stage" }, svg, doors, zooms, !facts.nodes.length && make("p", { class: "empty" }, "Nothing was recorded: the graph is empty.")),
    size: () => [plan.width, plan.height],
    show(changes) {
      if (!plan.boxes.length || "open" in changes) redraw(app.anchor);
      if (!("found" in changes && Object.keys(changes).length === 1 && !drawn.size)) restate();
      if ("selected" in changes && state.selected !== null) {
        const id = shownAs(facts, state.selected, state.open);
        if (drawn.has(id)) (focusOn(id, false), sight.show(drawn.get(id).box));
      }
    },
    fit: sight.fit,
    destroy: sight.destroy,
  };
}

/** As many levels of groups open as can be looked at. */
function openAll(app) {
  let [open, level] = [[], app.facts.groups.filter((group) => group.parent === null).map((group) => group.id)];
  while (level.length) {
    const next = [...open, ...level];
    if (countShown(app.facts, next) > SHOWN_AT_MOST) {
      app.say(`Opened as far as ${SHOWN_AT_MOST} boxes: more could not be told apart.`);
      break;
    }
    const inside = new Set(level);
    [open, level] = [next, app.facts.groups.filter((group) => inside.has(group.parent)).map((group) => group.id)];
  }
  app.change({ open });
}

/** The nodes that stand out now: on a path, found, or of a line of code; null when none are to. */
function spotlight({ facts, state }) {
  if (state.paths && state.selected !== null) return onPaths(facts, state.selected);
  if (state.found) return new Set(state.found);
  return state.lit;
}

// ---- drawing ----------------------------------------------------------------------------------------

function hatching() {
  const line = makeSvg("path", { d: "M0 5 5 0", stroke: "var(--faint)", "stroke-width": 1 });
  return makeSvg("defs", {}, makeSvg("pattern", { id: "hatching", width: 5, height: 5, patternUnits: "userSpaceOnUse" }, line));
}

function drawnBox(app, box, rightwards) {
  const [letter, number] = [box.id[0], Number(box.id.slice(1))];
  const group = letter === "g" ? number : null;
  const members = group === null ? [number] : app.facts.members.get(group);
  const kind = group === null ? app.facts.nodes[number].kind : box.open ? "frame" : "group";
  const status = matchStatus(app.facts, members);
  const element = makeSvg("g", { class: `box ${kind} ${status ?? ""}`, "data-id": box.id, role: "button", tabindex: -1, transform: `translate(${box.x} ${box.y})` });
  if (group !== null) element.setAttribute("aria-expanded", String(box.open));
  if (box.open) {
    element.append(rectangle(box, 0, 10, "frame"), title(box));
    return { box, element, group, node: null, members };
  }
  const radius = ["op", "more"].includes(kind) ? Math.min(20, box.height / 2) : kind === "input" ? 0 : 6;
  const face = rectangle(box, 0, radius, kind);
  if (kind === "group") element.append(...[6, 3].map((shift) => makeSvg("g", { transform: `translate(${shift} ${shift})` }, rectangle(box, 0, radius, kind))));
  element.append(face);
  if (kind === "output") element.append(rectangle(box, 3, radius - 3, kind, "none"));
  if (kind === "input") element.append(makeSvg("path", { d: `M4 0V${box.height}`, stroke: "var(--input-frame)" }));
  const { texts, detail } = boxTexts(box, kind, rightwards);
  const extras = makeSvg("g", { class: "extras" });
  element.append(...texts, extras);
  return { box, element, group, node: group === null ? number : null, members, face, detail, extras };
}

function rectangle(box, inset, rx, kind, fill = `var(--${kind}-fill)`) {
  const dashed = kind === "more" || kind === "missing" || kind === "frame";
  return makeSvg("rect", { x: inset, y: inset, width: box.width - 2 * inset, height: box.height - 2 * inset, rx, fill,
    stroke: `var(--${kind}-frame)`, "stroke-width": 1.4, "stroke-dasharray": dashed && "5 4" });
}

/** The title line of an open group: a click on it closes the group, one elsewhere in the frame does nothing. */
function title(box) {
  const mark = makeSvg("path", { d: "M9 11l4 4 4-4", class: "mark" });
  const label = makeSvg("text", { x: 24, y: 18, class: "label" }, box.label);
  const detail = box.detail && makeSvg("tspan", { dx: 8, class: "detail" }, box.detail);
  if (detail) label.append(detail);
  return makeSvg("g", { class: "title" }, makeSvg("rect", { width: box.width, height: TITLE_LINE, fill: "transparent" }), mark, label);
}

function boxTexts(box, kind, rightwards) {
  const [x, middle] = [box.width / 2, box.height / 2];
  const fill = `var(--${kind}-ink)`;
  const label = (y) => makeSvg("text", { x, y, class: "label", fill, "text-anchor": "middle" }, box.label);
  if (!box.detail) return { texts: [label(middle + 5)], detail: null };
  if (rightwards) {
    const detail = makeSvg("text", { x, y: middle + 13, class: "detail", "text-anchor": "middle" }, box.detail);
    return { texts: [label(middle - 3), detail], detail };
  }
  const text = label(middle + 5);
  const detail = makeSvg("tspan", { dx: 12, class: "detail" }, box.detail);
  text.append(detail);
  return { texts: [text], detail };
}

function drawnLine(facts, line, rightwards) {
  const [x, y] = line.points.at(-1);
  const points = [...line.points.slice(0, -1), rightwards ? [x - HEAD, y] : [x, y - HEAD]];
  const edges = line.edges.map((index) => facts.document.edges[index]);
  const stroke = edges.every((edge) => facts.nodes[edge.source].kind === "parameter") ? "var(--parameter-line)" : "var(--line)";
  const words = edges.slice(0, 6).map((edge) => {
    const flow = `${nodeName(facts.nodes[edge.source])} ${shapeText(facts.nodes[edge.source].shape)} → ${facts.nodes[edge.target].label}`;
    return edge.text ? `${flow}\nback: ${edge.text}` : flow;
  });
  return makeSvg("g", {}, makeSvg("title", {}, words.join("\n")),
    makeSvg("path", { d: curve(points, rightwards), fill: "none", stroke, "stroke-width": 1.6 }),
    makeSvg("path", { d: arrowHead(x, y, rightwards, -1), fill: stroke }));
}

/** Straight along the flow; an S, level at both ends, where it also moves across. */
function curve(points, rightwards) {
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length; i++) {
    const [[x, y], [nextX, nextY]] = [points[i - 1], points[i]];
    if (rightwards ? y === nextY : x === nextX) path += ` L${nextX},${nextY}`;
    else if (rightwards) path += ` C${(x + nextX) / 2},${y} ${(x + nextX) / 2},${nextY} ${nextX},${nextY}`;
    else path += ` C${x},${(y + nextY) / 2} ${nextX},${(y + nextY) / 2} ${nextX},${nextY}`;
  }
  return path;
}

/** A head with its tip at (x, y) and its back on the side of `sign` along the flow. */
function arrowHead(x, y, rightwards, sign) {
  const [back, half] = [sign * HEAD, HEAD / 2];
  return rightwards ? `M${x},${y} l${back},${-half} v${HEAD} Z` : `M${x},${y} l${-half},${back} h${HEAD} Z`;
}

/** The small things on a box: what has arrived, badges, the mark of a comparison. */
function extras(app, each) {
  const { facts, state } = app;
  const node = each.node === null ? null : facts.nodes[each.node];
  const parts = [];
  if (node && state.direction === "backward" && state.step >= 0) parts.push(...gradientTag(facts, node, each.box, state));
  else if (node && state.direction === "forward" && state.forward >= 0 && hasValue(node.id, state) && node.value) parts.push(tag(each.box, rangeText(node.value, 2), "value"));
  const marks = shownBadges(app, each.members);
  const status = matchStatus(facts, each.members);
  if (status) marks.unshift(MATCH_MARKS[status]);
  const first = each.members.map((id) => facts.nodes[id].match?.first).find(Boolean);
  if (first) marks.unshift(`first ${first === "grad" ? "gradient" : "value"} that differs`);
  if (node?.kind === "failed") marks.unshift("✕ failed");
  if (marks.length) parts.push(pill(each.box.width + 4, -7, marks.slice(0, 3).join("  "), `marks ${status ?? ""}`));
  return parts;
}

/** Badges worth a mark at this moment: those of a gradient that has not arrived would give it away. */
export function shownBadges({ facts, state }, members) {
  const marks = new Set();
  for (const id of members) {
    const resting = state.step < 0 && state.asked === null;
    const arrived = resting || ["all", "part"].includes(gradientState(facts, id, state));
    for (const badge of facts.nodes[id].badges) {
      const [mark, about] = badgeMark(badge);
      if (about !== "grad") marks.add(mark);
      else if (arrived) marks.add(`∂ ${mark}`);
    }
  }
  return [...marks];
}

function gradientTag(facts, node, box, state) {
  const known = gradientState(facts, node.id, state);
  if (known === "none") return [];
  if (known === "yet") return [tag(box, "∂ –", "yet")];
  if (known === "part") return [tag(box, "∂ +…", "part")];
  return [tag(box, `∂ ${node.grad ? rangeText(node.grad, 2) : "?"}`, "arrived")];
}

const tag = (box, text, kind) => pill(box.width + 4, box.height - 6, text, `tag ${kind}`);

/** A small label whose right end is at `right`. */
function pill(right, top, text, kind) {
  const width = [...text].length * 5.9 + 9;
  return makeSvg("g", { class: kind, transform: `translate(${right - width} ${top})` },
    makeSvg("rect", { width, height: 14, rx: 7 }), makeSvg("text", { x: width / 2, y: 10.5, "text-anchor": "middle" }, text));
}

function matchStatus(facts, members) {
  if (!facts.compared) return null;
  const found = new Set(members.map((id) => facts.nodes[id].match?.status));
  return ["differs", "missing", "extra", "same"].find((status) => found.has(status)) ?? null;
}

function boxWords(facts, { box, group, node, members }, state) {
  if (group !== null) return `group ${box.label} ${box.detail}, ${members.length} nodes, ${box.open ? "open" : "closed"}`;
  const each = facts.nodes[node];
  const gradient = { none: "", yet: "no gradient yet", part: "part of its gradient has arrived", all: `gradient ${rangeText(each.grad)}` };
  const match = each.match && (each.match.status === "same" ? "same as the reference" : each.match.status);
  return [nodeName(each), each.kind, shapeText(each.shape), gradient[gradientState(facts, node, state)], ...each.badges, match].filter(Boolean).join(", ");
}

function ruleLines(edge) {
  const extra = besides(edge);
  const lines = [(edge.text ?? edge.rule) + (extra ? `, ${extra}` : "")];
  if (edge.shapes) lines.push(edge.shapes);
  if (edge.numbers) lines.push(edge.numbers);
  return lines;
}

const shortened = (text) => (text.length > 70 ? `${text.slice(0, 69)}…` : text);

const headOf = (box) => (box.open ? { ...box, height: TITLE_LINE } : box);

function overlap(a, b) {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}
