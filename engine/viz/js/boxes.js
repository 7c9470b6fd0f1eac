// Boxes and lines as SVG, the same as in the static picture: what a box is shows in its form as well as its colour.

import { makeSvg } from "./dom.js";
import { nodeName, shapeText } from "./words.js";

export const TITLE_LINE = 26; // height of an open group's title
const TWO_LINES = 36; // a box of this height has its detail under its label, a lower one beside it
const SLANT = 8; // how far the boxes of data lean
const HEAD = 8; // length of an arrow head
const LETTER = 6.3; // width of a letter in a small label
const CARDS = { module: [4], repeat: [8, 4], part: [4] }; // how far a closed group's cards look out behind it
const SHARP = ["parameter", "output", ...Object.keys(CARDS)]; // others have round ends
const DASHED = ["more", "missing"];

/** A box of the layout, drawn: {box, element, node, group, members, face, detail, extras}. node or group is the id of
 * what it stands for, members are ids of nodes; an open group has no face, detail and extras. */
export function drawBox(facts, box) {
  const id = Number(box.id.slice(1));
  const isGroup = box.id[0] === "g";
  const kind = box.open ? "frame" : (isGroup ? facts.groupOf.get(id) : facts.nodes[id]).kind;
  const element = makeSvg("g", {
    class: `box ${kind}`, "data-id": box.id, transform: `translate(${box.x} ${box.y})`,
    role: "button", tabindex: -1, "aria-expanded": isGroup && String(box.open),
  });
  const [node, group] = isGroup ? [null, id] : [id, null];
  const stands = { node, group, members: isGroup ? facts.members.get(id) : [id] };
  if (box.open) {
    element.append(outline(box, 0, 10, kind), titleLine(box));
    return { box, element, ...stands };
  }
  const radius = SHARP.includes(kind) ? 6 : Math.min(20, box.height / 2);
  for (const by of CARDS[kind] ?? []) {
    element.append(outline(box, 0, radius, kind, { transform: `translate(${by} ${by})` }));
  }
  const face = kind === "input" ? leaning(box) : outline(box, 0, radius, kind);
  element.append(face);
  if (kind === "output") element.append(outline(box, 3, radius - 3, kind, { fill: "none" }));
  const detail = drawTexts(element, box, kind);
  const extras = makeSvg("g", { class: "extras" });
  element.append(extras);
  return { box, element, ...stands, face, detail, extras };
}

function outline(box, inset, rx, kind, more) {
  const [width, height] = [box.width - 2 * inset, box.height - 2 * inset];
  return makeSvg("rect", { class: "face", x: inset, y: inset, width, height, rx, ...pen(kind), ...more });
}

function leaning({ width, height }) {
  const by = SLANT / 2;
  const d = `M${by},0 H${width + by} L${width - by},${height} H${-by} Z`;
  return makeSvg("path", { class: "face", d, ...pen("input") });
}

function pen(kind) {
  return {
    fill: `var(--${kind}-fill)`, stroke: `var(--${kind}-frame)`, "stroke-width": kind === "frame" ? 1 : 1.4,
    "stroke-dasharray": DASHED.includes(kind) && "5 4",
  };
}

/** A click on an open group's title closes the group; one elsewhere in its frame does nothing. */
function titleLine({ width, label, detail }) {
  const more = detail && makeSvg("tspan", { dx: 8, class: "detail" }, detail);
  return makeSvg("g", { class: "title" },
    makeSvg("rect", { width, height: TITLE_LINE, fill: "transparent" }),
    makeSvg("path", { d: "M9 11l4 4 4-4", class: "mark" }),
    makeSvg("text", { x: 24, y: 18, class: "label" }, label, more));
}

/** Writes the label and its detail, below it or beside it in the same text; returns the detail's element. */
function drawTexts(element, box, kind) {
  const [x, middle] = [box.width / 2, box.height / 2];
  const isBelow = box.detail && box.height >= TWO_LINES;
  const centred = { x, "text-anchor": "middle" };
  const y = middle + (isBelow ? -3 : 5);
  const label = makeSvg("text", { ...centred, y, class: "label", fill: `var(--${kind}-ink)` }, box.label);
  element.append(label);
  if (!box.detail) return null;
  const [tag, place] = isBelow ? ["text", { ...centred, y: middle + 13 }] : ["tspan", { dx: 12 }];
  const detail = makeSvg(tag, { ...place, class: "detail" }, box.detail);
  (isBelow ? element : label).append(detail);
  return detail;
}

/** A small label on a box, whose right end is at `right`. */
export function drawPill(right, top, text, kind) {
  const width = [...text].length * LETTER + 9;
  return makeSvg("g", { class: kind, transform: `translate(${right - width} ${top})` },
    makeSvg("rect", { width, height: 14, rx: 7 }),
    makeSvg("text", { x: width / 2, y: 10.5, "text-anchor": "middle" }, text));
}

/** A line of the layout, whose tooltip says what flows along it and what comes back. */
export function drawLine({ document, nodes }, line, rightwards) {
  const edges = line.edges.map((index) => document.edges[index]);
  const [x, y] = line.points.at(-1);
  const points = [...line.points.slice(0, -1), rightwards ? [x - HEAD, y] : [x, y - HEAD]];
  const isParameter = edges.every((edge) => nodes[edge.source].kind === "parameter");
  const stroke = isParameter ? "var(--parameter-line)" : "var(--line)";
  const words = edges.slice(0, 6).map(({ source, target, text }) => {
    const back = text ? `\nback: ${text}` : "";
    return `${nodeName(nodes[source])} ${shapeText(nodes[source].shape)} → ${nodes[target].label}${back}`;
  });
  return makeSvg("g", {}, makeSvg("title", {}, words.join("\n")),
    makeSvg("path", { d: curve(points, rightwards), fill: "none", stroke, "stroke-width": 1.6 }),
    makeSvg("path", { d: arrowHead(x, y, rightwards, -1), fill: stroke }));
}

/** The way back along a line, from the box it enters to the box it comes from: [path, head]. */
export function drawFlow({ points }, rightwards) {
  const path = makeSvg("path", { d: curve(points, rightwards), class: "flow" });
  return [path, makeSvg("path", { d: arrowHead(...points[0], rightwards, 1), class: "flowhead" })];
}

/** Straight along the flow; an S, level at both ends, where it also moves across. */
function curve(points, rightwards) {
  return points.map(([x, y], i) => {
    if (!i) return `M${x},${y}`;
    const [fromX, fromY] = points[i - 1];
    if (rightwards ? fromY === y : fromX === x) return `L${x},${y}`;
    const [middleX, middleY] = [(fromX + x) / 2, (fromY + y) / 2];
    const bend = rightwards ? `${middleX},${fromY} ${middleX},${y}` : `${fromX},${middleY} ${x},${middleY}`;
    return `C${bend} ${x},${y}`;
  }).join(" ");
}

/** A head with its tip at (x, y) and its back on the side of `sign` along the flow. */
function arrowHead(x, y, rightwards, sign) {
  const [back, half] = [sign * HEAD, HEAD / 2];
  return rightwards ? `M${x},${y} l${back},${-half} v${HEAD} Z` : `M${x},${y} l${-half},${back} h${HEAD} Z`;
}
