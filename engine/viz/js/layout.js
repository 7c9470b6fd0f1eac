// Where every box and line of a scene goes. The same as layout.py, which says more.

import { contain, wayOf } from "./containers.js";
import { textWidth } from "./glyphs.js";
import { buildLayers, outerSource } from "./layers.js";
import { BOX_GAP, LINE_GAP, isPort, placeAcross, placeAlong } from "./places.js";

const COLUMN = 900; // pixels, about the width of a notebook's output
const RANK_GAP_RIGHTWARDS = 42; // pixels between boxes, for lines and arrow heads
const RANK_GAP_DOWNWARDS = 32;
const PORT_GAP = 20; // pixels between boxes and the border that their lines pass
const PICTURE_MARGIN = 20;
const FRAME_PADDING = 14; // pixels between a frame and what is in it
const TITLE_HEIGHT = 26; // of a frame's title line
const LABEL_SIZE = 14; // pixels
const DETAIL_SIZE = 11;
const TEXT_PADDING = 12; // pixels left and right of a box's text, and between two texts side by side
const ARROW_LENGTH = 8; // the straight end of a line, room for its head

/** {width, height, rightwards, boxes, lines}. rightwards: the direction, or null for the one that fits a column. */
export function layout(scene, rightwards = null) {
  const [containers, lines] = contain(scene);
  containers.forEach(buildLayers);
  rightwards ??= runsRightwards(containers);
  setLanes(containers, lines);
  for (const container of [...containers].reverse()) placeContainer(container, rightwards);
  setOrigins(containers);
  setLeaving(lines);
  setEntering(lines);
  const [{ length, left, right }] = containers;
  const [width, height] = rightwards ? [length, left + right] : [left + right, length];
  const boxes = containers.flatMap((container) => container.items.map((item) => boxOf(container, item, rightwards)));
  const drawn = lines.map((line) => ({
    edges: line.edges, source: line.source, target: line.target, points: pointsOf(line, rightwards),
  }));
  return { width, height, rightwards, boxes, lines: drawn };
}

// ---- direction and sizes

/** Whether the scene fits a column from left to right, or at least better so than downwards. */
function runsRightwards(containers) {
  const [lengths, breadths] = [new Map(), new Map()]; // of open groups
  let length, breadth;
  for (const container of [...containers].reverse()) {
    length = 2 * PICTURE_MARGIN + RANK_GAP_RIGHTWARDS * (container.rows.length - 1);
    breadth = 0;
    for (const row of container.rows) {
      let [longest, across] = [0, 0];
      for (const { name, item } of row) {
        if (item === null) continue;
        longest = Math.max(longest, lengths.get(name) ?? sizeOf(item, true)[0]);
        across += (breadths.get(name) ?? sizeOf(item, false)[1]) + BOX_GAP;
      }
      length += longest;
      breadth = Math.max(breadth, across);
    }
    lengths.set(container.name, length);
    breadths.set(container.name, breadth);
  }
  return length <= Math.max(COLUMN, breadth);
}

/** [length along, breadth across] of a closed item's box, even numbers, so that halves are whole pixels. */
function sizeOf({ label, detail }, rightwards) {
  const [labelWidth, detailWidth] = [textWidth(label, LABEL_SIZE, true), textWidth(detail, DETAIL_SIZE)];
  if (rightwards) return [evenNumber(Math.max(labelWidth, detailWidth) + 2 * TEXT_PADDING), 42];
  return [28, evenNumber(labelWidth + (detail ? TEXT_PADDING + detailWidth : 0) + 2 * TEXT_PADDING)];
}

function evenNumber(number) {
  return 2 * Math.floor(number / 2 + 0.5);
}

// ---- lanes

/** Where lines from different boxes of an open group pass a port or bend that they share: side by side, in the order in
 * which they left the group. */
function setLanes(containers, lines) {
  const shared = new Set();
  for (const line of lines) {
    for (const [container, start, end] of line.steps) {
      if (start === line.source || start === `in:${line.source}`) continue;
      for (const cell of wayOf(container, start, end)) {
        if (cell.item !== null) continue;
        cell.lanes ??= new Map();
        cell.lanes.set(line.source, 0);
        shared.add(cell);
      }
    }
  }
  const numbers = shared.size ? leavingOrder(containers[0]) : null;
  for (const cell of shared) {
    const sources = [...cell.lanes.keys()].sort((a, b) => numbers.get(a) - numbers.get(b));
    cell.left = cell.right = Math.floor(((sources.length - 1) * LINE_GAP) / 2);
    sources.forEach((source, index) => cell.lanes.set(source, index * LINE_GAP - cell.left));
  }
}

/** item -> its number, such that items of a group are in the order of the ports through which lines leave it. */
function leavingOrder(root) {
  const numbers = new Map();
  const stack = itemsByPort(root).reverse();
  while (stack.length) {
    const [container, name] = stack.pop();
    numbers.set(name, numbers.size);
    if (container.inner.has(name)) stack.push(...itemsByPort(container.inner.get(name)).reverse());
  }
  return numbers;
}

function itemsByPort(container) {
  const place = (name) => container.cells.get(`out:${name}`)?.position ?? Number.MAX_SAFE_INTEGER;
  const names = container.items.map((item) => item.id).sort((a, b) => place(a) - place(b));
  return names.map((name) => [container, name]);
}

// ---- places

/** Lay out one container; those in it have been. */
function placeContainer(container, rightwards) {
  const { rows, inner } = container;
  for (const [name, cell] of container.cells) {
    if (cell.item !== null && !inner.has(name)) {
      const [length, breadth] = sizeOf(cell.item, rightwards);
      Object.assign(cell, { length, left: breadth / 2, right: breadth / 2 });
    } else if (name.startsWith("in:") && !rightwards) cell.length = TITLE_HEIGHT;
  }
  for (const inside of inner.values()) setFrame(container, inside);
  placeAcross(rows, [...container.ways.values()]);
  let [first, last] = [PICTURE_MARGIN, PICTURE_MARGIN]; // along the flow, before the first rank and after the last
  if (container.parent) {
    first = isPort(rows[0][0]) ? 0 : rightwards ? FRAME_PADDING : TITLE_HEIGHT + FRAME_PADDING;
    last = isPort(rows.at(-1)[0]) ? 0 : FRAME_PADDING;
  }
  const gap = rightwards ? RANK_GAP_RIGHTWARDS : RANK_GAP_DOWNWARDS;
  [container.starts, container.ends] = placeAlong(rows, first, gap, PORT_GAP);
  container.length = rows.length ? container.ends.at(-1) + last : 2 * PICTURE_MARGIN;
  const lengthOf = (cell) => (inner.has(cell.name) ? 0 : cell.length);
  container.boxed = rows.map((row) => row.reduce((most, cell) => Math.max(most, lengthOf(cell)), 0));
  enclose(container, rightwards);
}

/** The size of an open group's cell, and where lines meet it: each neighbour at one port, best the main one. */
function setFrame(container, inside) {
  const cell = container.cells.get(inside.name);
  Object.assign(cell, { length: inside.length, left: inside.left, right: inside.right });
  for (const [name, port] of inside.cells) {
    const neighbours = name.startsWith("in:")
      ? [wayOf(container, outerSource(inside, name).name, inside.name).at(-2)]
      : [...(inside.onward.get(name) ?? [])].map((end) => wayOf(container, inside.name, end)[1]);
    for (const neighbour of neighbours) {
      cell.joints ??= new Map();
      if (port.main || !cell.joints.has(neighbour)) cell.joints.set(neighbour, port.middle - inside.main);
    }
  }
}

/** How far a container reaches from its main line: all that is in it and, in a frame, its title. */
function enclose(container, rightwards) {
  const cells = container.rows.flat();
  let [lowest, highest] = cells.length ? [Infinity, -Infinity] : [0, 0];
  for (const { middle, left, right } of cells) {
    lowest = Math.min(lowest, middle - left);
    highest = Math.max(highest, middle + right);
  }
  const margin = container.parent ? FRAME_PADDING : PICTURE_MARGIN;
  container.main = mainLine(container, lowest, highest);
  container.left = container.main - lowest + margin;
  container.right = highest - container.main + margin;
  if (!container.parent) return;
  const title = sizeOf(container.parent.cells.get(container.name).item, false)[1];
  if (rightwards) {
    container.left += TITLE_HEIGHT;
    lengthen(container, title - container.length);
    return;
  }
  for (const cell of container.rows[0].filter(isPort)) { // the title stands clear of lines that come in
    container.left = Math.max(container.left, title + container.main - (cell.middle - cell.left));
  }
  container.right = Math.max(container.right, title - container.left);
}

/** Where the middle of a frame is to be: at the port where its main way leaves it or enters it, or at any port. */
function mainLine({ rows }, lowest, highest) {
  const ports = [...rows].reverse().flat().filter(isPort);
  const main = ports.find((port) => port.main) ?? ports[0];
  return main ? main.middle : Math.floor((lowest + highest) / 2);
}

/** Make a frame longer, what is in it stays in the middle, ports at the border. */
function lengthen(container, more) {
  if (more <= 0) return;
  container.length += more;
  container.rows.forEach(([{ name, item }], rank) => {
    const port = name !== null && item === null;
    const shift = !port ? Math.floor(more / 2) : name.startsWith("out:") ? more : 0;
    container.starts[rank] += shift;
    container.ends[rank] += shift;
  });
}

function setOrigins([root, ...others]) {
  root.origin = [0, root.left - root.main];
  for (const container of others) {
    const outer = container.parent;
    const cell = outer.cells.get(container.name);
    container.origin = [outer.origin[0] + startOf(outer, cell), outer.origin[1] + cell.middle - container.main];
  }
}

/** Where an item starts along the flow: a frame in the middle of its rank, boxes in the middle of its last part. */
function startOf({ starts, ends, inner, boxed }, { name, rank, length }) {
  if (inner.has(name)) return (starts[rank] + ends[rank] - length) / 2;
  return ends[rank] - (boxed[rank] + length) / 2;
}

function boxOf(container, { id, label, detail, items }, rightwards) {
  const cell = container.cells.get(id);
  const along = container.origin[0] + startOf(container, cell);
  const across = container.origin[1] + cell.middle - cell.left;
  const [x, y] = rightwards ? [along, across] : [across, along];
  const breadth = cell.left + cell.right;
  const [width, height] = rightwards ? [cell.length, breadth] : [breadth, cell.length];
  return { id, x, y, width, height, label, detail, open: items !== null };
}

// ---- lines

/** Where each line leaves its box, across the flow: in the middle, twins to the same box side by side. */
function setLeaving(lines) {
  const twins = new Map();
  for (const line of lines) {
    const [container, start, end] = line.steps[0];
    const way = wayOf(container, start, end);
    line.leaves = way[0].middle;
    if (line.steps.length > 1 || way.length > 2) continue; // longer ways share their bends
    const ends = `${start} ${end}`;
    if (!twins.has(ends)) twins.set(ends, []);
    twins.get(ends).push(line);
  }
  for (const group of twins.values()) {
    const [container, start] = group[0].steps[0];
    const middle = (group.length - 1) / 2;
    const gap = gapAt(container.cells.get(start), middle);
    group.forEach((line, position) => (line.leaves += (position - middle) * gap));
  }
}

/** Where each line enters its box: in the order they come in, the straightest in the middle. */
function setEntering(lines) {
  const arriving = new Map();
  for (const line of lines) {
    if (!arriving.has(line.target)) arriving.set(line.target, []);
    arriving.get(line.target).push([comesFrom(line), line.edges[0], line]);
  }
  for (const entries of arriving.values()) {
    entries.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const [container, , end] = entries[0][2].steps.at(-1);
    const target = container.cells.get(end);
    const climbs = entries.map(([place]) => Math.abs(place - target.middle));
    const least = climbs.reduce((a, b) => Math.min(a, b));
    const straightest = climbs.flatMap((climb, position) => (climb === least ? [position] : []));
    const middle = straightest.reduce((a, b) => a + b) / straightest.length;
    const gap = gapAt(target, Math.max(middle, entries.length - 1 - middle));
    entries.forEach(([, , line], position) => (line.enters = target.middle + (position - middle) * gap));
  }
}

/** Pixels between lines at one side of a box, `most` of them on one side of its middle; clear of its corners. */
function gapAt(cell, most) {
  return Math.min(LINE_GAP, ((cell.left + cell.right) / 2 - 6) / Math.max(1, most));
}

/** The place, across the flow, from which a line comes to its target's rank. */
function comesFrom(line) {
  const step = line.steps.length - 1;
  return passes(line, step, wayOf(...line.steps[step]).at(-2));
}

/** Where a line passes one of the cells on a step of its way, across the flow, in that step's container. */
function passes(line, step, cell) {
  const [container, start] = line.steps[step];
  if (cell.item === null) return cell.middle + laneOf(cell, line);
  const inside = container.inner.get(cell.name);
  if (!inside) return cell.name === start ? line.leaves : line.enters;
  const port = inside.cells.get(cell.name === start ? line.steps[step - 1][2] : line.steps[step + 1][1]);
  return cell.middle - inside.main + port.middle + laneOf(port, line);
}

function laneOf(cell, line) {
  return cell.lanes === null ? 0 : cell.lanes.get(line.source) ?? 0;
}

/** Points from box to box, with a straight piece through each rank and across each border. */
function pointsOf(line, rightwards) {
  const points = [];
  line.steps.forEach(([container, start, end], step) => {
    const [along, across] = container.origin;
    for (const cell of wayOf(container, start, end)) {
      const place = across + passes(line, step, cell);
      for (const each of pieceOf(container, cell, start)) points.push([along + each, place]);
    }
  });
  return straightened(points).map(([x, y]) => (rightwards ? [x, y] : [y, x]));
}

/** From where to where along the flow a line runs straight at a cell: outside of its box, right through a bend. */
function pieceOf(container, cell, start) {
  const [first, last] = [container.starts[cell.rank], container.ends[cell.rank]];
  if (cell.item === null) return [first, last];
  if (cell.name === start) return [startOf(container, cell) + cell.length, last];
  return [container.inner.has(cell.name) ? first : first - ARROW_LENGTH, startOf(container, cell)];
}

/** Without points that lie on the way between their neighbours. */
function straightened(points) {
  const kept = [];
  for (const point of points) {
    const [previous, before] = [kept.at(-1), kept.at(-2)];
    if (before && before[1] === previous[1] && previous[1] === point[1]) kept[kept.length - 1] = point;
    else if (!previous || previous[0] !== point[0] || previous[1] !== point[1]) kept.push(point);
  }
  return kept;
}
