// The first half of a layout: which rank each item of a container is in, and in which order a rank is drawn.
// The same as layers.py, which says more.

import { wayOf } from "./containers.js";

const ORDER_SWEEPS = 24; // over all ranks at most,
const PATIENCE = 8; // and so many without a better order
const EFFORT = 240000; // cells that one transposition looks at, about: what is large gets fewer rounds
const LANES = 4; // so many lines over several ranks from one operation each look for their own way; others share one

/** What takes up room in a rank: the box of an item, a port, or a bend of lines from one source. */
class Cell {
  constructor(rank, leaf, name = null, item = null, source = null) {
    this.rank = rank;
    this.leaf = leaf; // "parameter" or "input": a leaf's box, a port or a bend of its lines
    this.name = name; // of the item or port; a bend has none
    this.item = item;
    this.source = source; // of a bend: the cell its lines come from
    this.before = []; // linked cells of the previous rank
    this.after = []; // and of the next
    this.position = 0; // in its row
    this.fixed = 0; // of a port: where its lines come from or go to outside; the row is sorted by that,
    this.key = 0; // and then by this
    this.main = false; // on the way of most steps to the output,
    this.mainBefore = null; // which comes from this box or port
    this.mainAfter = null; // and goes on to that
    this.length = 0; // along the flow of data
    this.left = 0; // how far it reaches across it from its middle to either side
    this.right = 0;
    this.middle = 0; // the place across, see places.js, which is found by these links
    this.linksBefore = null;
    this.linksAfter = null;
    this.lanes = null; // of a port or bend that several share: source of a line -> where it passes, from the middle
    this.joints = null; // of a frame: linked cell -> where their line meets it, from the middle
  }
}

/** Set the container's cells, rows and ways. Those of the container around it must be there. */
export function buildLayers(container) {
  const [order, inputs] = rankItems(container);
  markMainWay(container, order, inputs);
  container.ways = linkCells(container);
  fixPorts(container);
  const rows = fewestCrossings([...container.cells.values()]);
  rows.forEach(numberRow);
  crossLate(rows);
  container.rows = bundle(rows, container);
  container.rows.forEach(numberRow);
}

const isIncoming = (name) => name.startsWith("in:");
const isOutgoing = (name) => name.startsWith("out:");

// ---- ranks

/** Make the cells of items and ports with their ranks. [names in forward order, name -> names linked to it]. */
function rankItems(container) {
  const { cells, links } = container;
  const items = new Map(container.items.map((item) => [item.id, item]));
  const [inputs, users] = [new Map(), new Map()];
  for (const name of items.keys()) {
    inputs.set(name, []);
    users.set(name, []);
  }
  for (const [source, target] of links.values()) {
    if (!inputs.has(target)) inputs.set(target, []);
    if (!users.has(source)) users.set(source, []);
    inputs.get(target).push(source);
    users.get(source).push(target);
  }
  const order = forwardOrder(items, inputs);
  const toGo = new Map(); // steps on the longest way forward
  let last = 0;
  for (const name of [...order].reverse()) {
    let steps = 0;
    for (const user of users.get(name)) if (items.has(user)) steps = Math.max(steps, toGo.get(user) + 1);
    toGo.set(name, steps);
    last = Math.max(last, steps);
  }
  const incoming = [...users.keys()].filter((name) => !items.has(name));
  const outgoing = [...inputs.keys()].filter((name) => !items.has(name));
  if (incoming.length) last += 1;
  for (const name of incoming) {
    cells.set(name, new Cell(0, outerSource(container, name).leaf, name));
    inputs.set(name, []);
  }
  for (const name of order) {
    const item = items.get(name);
    cells.set(name, new Cell(last - toGo.get(name), leafKind(item, inputs.get(name)), name, item));
  }
  for (const name of outgoing) {
    cells.set(name, new Cell(last + 1, cells.get(inputs.get(name)[0]).leaf, name));
  }
  return [[...incoming, ...order, ...outgoing], inputs];
}

/** A group that nothing comes to is taken for its parameters. */
function leafKind({ kind, group }, inputs) {
  if (kind === "parameter" || kind === "input") return kind;
  return group !== null && !inputs.length ? "parameter" : null;
}

/** Items such that each comes after those linked to it, otherwise in their own order. */
function forwardOrder(items, inputs) {
  const [order, entered, done] = [[], new Set(), new Set()];
  for (const first of items.keys()) {
    const stack = [first];
    while (stack.length) {
      const name = stack[stack.length - 1];
      if (entered.has(name)) {
        stack.pop();
        if (!done.has(name)) order.push(name);
        done.add(name);
        continue;
      }
      entered.add(name);
      for (const source of [...inputs.get(name)].reverse()) {
        if (entered.has(source) && !done.has(source)) {
          throw new Error(`scene: expected data to flow one way, got lines from ${source} to ${name} and back`);
        }
        if (items.has(source) && !done.has(source)) stack.push(source);
      }
    }
  }
  return order;
}

/** The cell of the container around it that lines to a port "in:X" come from. */
export function outerSource(container, port) {
  const { cells } = container.parent;
  return cells.get(port.slice(3)) ?? cells.get(port);
}

/** From the output back, always on to the input with the most steps behind it, until two have as many. */
function markMainWay(container, order, inputs) {
  const { cells } = container;
  const outer = container.parent ? container.parent.cells.get(container.name) : new Cell(0, null);
  const depth = new Map(); // steps on the longest way from a start; as if many came before where data comes in
  for (const name of order) {
    let steps = 0;
    for (const source of inputs.get(name)) steps = Math.max(steps, depth.get(source) + 1);
    const { leaf } = cells.get(name);
    if (isIncoming(name) && outerSource(container, name) === outer.mainBefore) steps = 2 * order.length;
    else if (leaf === "input" || (isIncoming(name) && leaf === null)) steps = order.length;
    depth.set(name, steps);
  }
  const ends = order.filter(isOutgoing);
  const goingOn = ends.filter((name) => outer.mainAfter && container.onward.get(name).has(outer.mainAfter.name));
  const starts = [goingOn, ends, order].find((names) => names.length) ?? [];
  let here = starts.reduce((best, name) => (best === null || depth.get(name) > depth.get(best) ? name : best), null);
  while (here !== null) {
    const cell = cells.get(here);
    cell.main = true;
    const deepest = inputs.get(here).filter((source) => depth.get(source) === depth.get(here) - 1);
    if (deepest.length !== 1) break;
    here = deepest[0];
    cell.mainBefore = cells.get(here);
    cell.mainBefore.mainAfter = cell;
  }
}

// ---- ways

/** The cells that each link passes, those of neighbouring ranks linked. */
function linkCells({ cells, links }) {
  const far = new Map(); // source -> how many targets are more than a rank away
  for (const [source, target] of links.values()) {
    if (cells.get(target).rank > cells.get(source).rank + 1) far.set(source, (far.get(source) ?? 0) + 1);
  }
  const [bends, ways] = [new Map(), new Map()];
  for (const [ends, [start, end]] of links) {
    const [source, target] = [cells.get(start), cells.get(end)];
    const lane = (far.get(start) ?? 0) <= LANES && source.leaf === null ? end : "";
    const way = [source];
    for (let rank = source.rank + 1; rank < target.rank; rank++) {
      const key = `${start} ${lane} ${rank}`;
      if (!bends.has(key)) bends.set(key, new Cell(rank, source.leaf, null, null, source));
      way.push(bends.get(key));
      if (target.mainBefore === source) bends.get(key).main = true;
    }
    way.push(target);
    linkWay(way);
    ways.set(ends, way);
  }
  return ways;
}

function linkWay(way) {
  for (let index = 1; index < way.length; index++) {
    const [cell, user] = [way[index - 1], way[index]];
    if (cell.after.includes(user)) continue;
    cell.after.push(user);
    user.before.push(cell);
  }
}

/** The rows in which lines from one source that run side by side from there on share their bends; ways likewise. */
function bundle(rows, container) {
  const standsFor = new Map();
  for (const row of rows) {
    let previous = null;
    for (const cell of row) {
      if (runTogether(previous, cell, standsFor)) {
        standsFor.set(cell, previous);
        previous.main ||= cell.main;
      } else previous = cell;
    }
  }
  const kept = rows.map((row) => row.filter((cell) => !standsFor.has(cell)));
  for (const cell of kept.flat()) [cell.before, cell.after] = [[], []];
  for (const [ends, way] of container.ways) container.ways.set(ends, way.map((cell) => standsFor.get(cell) ?? cell));
  container.ways.forEach(linkWay);
  return kept;
}

function runTogether(left, right, standsFor) {
  if (!left?.source || left.source !== right.source) return false;
  const [one, other] = [left.before[0], right.before[0]];
  return (standsFor.get(one) ?? one) === (standsFor.get(other) ?? other);
}

// ---- order

/** Give ports the places that their lines have outside, so that they do not cross at the border. */
function fixPorts(container) {
  for (const [name, cell] of container.cells) {
    if (isIncoming(name)) {
      cell.fixed = wayOf(container.parent, outerSource(container, name).name, container.name).at(-2).position;
    } else if (isOutgoing(name)) {
      let sum = 0;
      for (const end of container.onward.get(name)) sum += wayOf(container.parent, container.name, end)[1].position;
      cell.fixed = sum / container.onward.get(name).size;
    }
  }
}

/** The best order that comes of a walk back from the ends and of one on from the starts; at a tie of the first. */
function fewestCrossings(cells) {
  const first = withFewCrossings(firstOrder(cells, "after", "before"));
  if (first.count === 0) return first.rows;
  const second = withFewCrossings(firstOrder(cells, "before", "after"));
  return second.count < first.count ? second.rows : first.rows;
}

function firstOrder(cells, near, far) {
  const rows = [];
  for (const { rank } of cells) while (rows.length <= rank) rows.push([]);
  const seen = new Set();
  const stack = cells.filter((cell) => !cell[near].length);
  while (stack.length) {
    const cell = stack.pop();
    if (seen.has(cell)) continue;
    seen.add(cell);
    rows[cell.rank].push(cell);
    for (let index = cell[far].length - 1; index >= 0; index--) stack.push(cell[far][index]);
  }
  for (const row of rows) row.sort((a, b) => a.fixed - b.fixed);
  return rows;
}

/** The best order that a number of sweeps, back and forth, comes by (Gansner et al. 1993, section 3). */
function withFewCrossings(rows) {
  rows.forEach(numberRow);
  let best = { rows: rows.map((row) => [...row]), count: countCrossings(rows) };
  for (let sweep = 0, waited = 0; sweep < ORDER_SWEEPS && best.count && waited < PATIENCE; sweep++) {
    const again = Math.floor(sweep / 2) % 2 === 1;
    sweepRows(rows, sweep % 2 === 1, again);
    transpose(rows, again);
    const count = countCrossings(rows);
    waited += 1;
    if (count < best.count) [best, waited] = [{ rows: rows.map((row) => [...row]), count }, 0];
  }
  return best;
}

/** Sort each row by the weighted median of its cells' neighbours in the row done before it. */
function sweepRows(rows, forwards, fromRight) {
  for (let index = 1; index < rows.length; index++) {
    const row = rows[forwards ? index : rows.length - 1 - index];
    for (const cell of row) {
      const linked = forwards ? cell.before : cell.after;
      cell.key = linked.length > 1 ? medianOf(positionsOf(linked).sort((a, b) => a - b)) : (linked[0] ?? cell).position;
    }
    if (fromRight) row.reverse();
    row.sort((a, b) => a.fixed - b.fixed || a.key - b.key);
    numberRow(row);
  }
}

/** The median; between two, nearer to the side on which the others are denser. */
function medianOf(places) {
  const half = Math.floor(places.length / 2);
  if (places.length % 2) return places[half];
  if (places.length === 2) return (places[0] + places[1]) / 2;
  const [left, right] = [places[half - 1] - places[0], places[places.length - 1] - places[half]];
  if (left + right === 0) return (places[half - 1] + places[half]) / 2;
  return (places[half - 1] * right + places[half] * left) / (left + right);
}

/** Swap neighbours in their row wherever that leaves fewer crossings, until it does so nowhere. */
function transpose(rows, atTies) {
  let waiting = rows.map((_, rank) => rank);
  const rounds = Math.floor(EFFORT / Math.max(1, rows.reduce((sum, row) => sum + row.length, 0)));
  for (let round = 0; round < Math.max(2, Math.min(ORDER_SWEEPS, rounds)) && waiting.length; round++) {
    const changed = new Set();
    for (const rank of waiting) {
      if (swapNeighbours(rows[rank], atTies)) [rank - 1, rank, rank + 1].forEach((each) => changed.add(each));
    }
    waiting = [...changed].filter((rank) => rank >= 0 && rank < rows.length).sort((a, b) => a - b);
  }
}

/** Whether a swap left fewer crossings. */
function swapNeighbours(row, atTies) {
  let swapped = false;
  const before = row.map((cell) => positionsOf(cell.before));
  const after = row.map((cell) => positionsOf(cell.after));
  for (let left = 0, right = 1; right < row.length; left++, right++) {
    if (row[left].fixed !== row[right].fixed) continue;
    const gain = gainOf(before[left], before[right]) + gainOf(after[left], after[right]);
    if (gain < 0 || (gain === 0 && !atTies)) continue;
    for (const list of [row, before, after]) [list[left], list[right]] = [list[right], list[left]];
    swapped ||= gain > 0;
  }
  numberRow(row);
  return swapped;
}

/** Where that is as good, let lines run side by side for long and cross only where they end. */
function crossLate(rows) {
  for (const row of rows) {
    const after = row.map((cell) => positionsOf(cell.after));
    for (let swapped = true; swapped; ) {
      swapped = false;
      for (let left = 0, right = 1; right < row.length; left++, right++) {
        if (!row[left].source || !row[right].source) continue;
        const crossed = row[left].before[0].position > row[right].before[0].position;
        if (!crossed || gainOf(after[left], after[right]) !== -1) continue;
        for (const list of [row, after]) [list[left], list[right]] = [list[right], list[left]];
        swapped = true;
      }
    }
    numberRow(row);
  }
}

function positionsOf(cells) {
  return cells.map((cell) => cell.position);
}

/** How many crossings fewer there are between the links of two neighbours when these are swapped. */
function gainOf(left, right) {
  let gain = 0;
  for (const place of left) for (const other of right) gain += Math.sign(place - other);
  return gain;
}

/** How many pairs of links cross, over all ranks. */
function countCrossings(rows) {
  let count = 0;
  for (const row of rows) {
    const ends = []; // where the links of the cells so far arrive, sorted
    for (const { after } of row) {
      for (const user of after) count += ends.length - placeAfter(ends, user.position);
      for (const user of after) ends.splice(placeAfter(ends, user.position), 0, user.position);
    }
  }
  return count;
}

/** The index after all numbers of a sorted list that are at most `number`. */
function placeAfter(sorted, number) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function numberRow(row) {
  row.forEach((cell, index) => (cell.position = index));
}
