// The second half of a layout: where each cell of a container's ordered rows goes, in whole pixels. The same as
// places.py, which says more; numbers are added up and halved in the same order, so they come out equal.

export const BOX_GAP = 16; // pixels between neighbours in a rank,
export const LINE_GAP = 12; // where both are lines, and between lines that enter a box or pass a border together
const CLIMB = 6; // a gap between ranks is a pixel wider for each so many that a line climbs in it,
const WIDER = 30; // but at most so many pixels wider
const KINK = 1.5; // pixels that look like a mistake
const PLACE_SWEEPS = 8;

/** Set every cell's `middle`: order and distance kept, lines straight where they can be. */
export function placeAcross(rows, ways) {
  const cells = rows.flat();
  const [spaced, none] = [rows.map(spacedRow), []];
  const backwards = [...spaced].reverse();
  for (const cell of cells) {
    cell.linksBefore = followed(cell).map((other) => [other, pull(other, cell), -bendOf(other, cell)]);
    cell.linksAfter = cell.after.map((other) => [other, pull(cell, other), bendOf(cell, other)]);
  }
  for (const row of spaced) settle(row, () => 0);
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    const places = cells.map((cell) => cell.middle);
    for (const row of backwards) settle(row, (cell) => wish(cell, cell.linksAfter));
    for (const row of spaced) settle(row, (cell) => wish(cell, cell.linksBefore));
    if (cells.every((cell, index) => cell.middle === places[index])) break;
  }
  const longestFirst = [...ways].sort((a, b) => b.length - a.length);
  for (let pass = 0; pass < 2; pass++) { // a line may have waited for another to make room
    straighten(longestFirst, rows);
    // What follows no input goes to its users, the others stay.
    for (const row of backwards) settle(row, (cell) => wish(cell, cell.linksBefore.length ? none : cell.linksAfter));
  }
  takeOutKinks(cells);
  for (const cell of cells) cell.middle = Math.floor(cell.middle + 0.4); // not 0.5: many are halves
}

/** Let the bends of each way stand in line, as many of them as there is room for beside their neighbours. */
function straighten(ways, rows) {
  const done = new Set();
  for (const way of ways) {
    let [run, low, high] = [[], -Infinity, Infinity];
    for (const bend of way.slice(1, -1)) {
      if (bend.main || done.has(bend)) continue;
      done.add(bend);
      const [lowest, highest] = roomFor(bend, rows[bend.rank]);
      if (Math.max(low, lowest) > Math.min(high, highest)) {
        alignBends(run, low, high);
        [run, low, high] = [[], -Infinity, Infinity];
      }
      run.push(bend);
      [low, high] = [Math.max(low, lowest), Math.min(high, highest)];
    }
    alignBends(run, low, high);
  }
}

/** [lowest, highest] place that a cell can have between its neighbours. */
function roomFor(cell, row) {
  const [left, right] = [row[cell.position - 1], row[cell.position + 1]];
  const lowest = left ? left.middle + distance(left, cell) : -Infinity;
  return [lowest, right ? right.middle - distance(cell, right) : Infinity];
}

/** Put bends at one place, near to where most of them are. */
function alignBends(run, low, high) {
  const places = run.map((bend) => bend.middle).sort((a, b) => a - b);
  const place = Math.max(low, Math.min(high, places[Math.floor(places.length / 2)]));
  for (const bend of run) bend.middle = place;
}

/** Where a line climbs by less than a pixel or two, it shall not climb at all; the distances can spare that. */
function takeOutKinks(cells) {
  for (const cell of cells) {
    let least = Infinity;
    for (const each of cell.before) {
      const climb = each.middle + bendOf(each, cell) - cell.middle;
      if ((each.main || !cell.mainBefore) && Math.abs(climb) < Math.abs(least)) least = climb;
    }
    if (Math.abs(least) <= KINK) cell.middle += least;
  }
}

/** How far apart the middles of neighbours are, at least. */
function distance(left, right) {
  return left.right + right.left + (left.item === null && right.item === null ? LINE_GAP : BOX_GAP);
}

/** [starts, ends] of the ranks, the first at `start`, `gap` apart. Where lines climb steeply the gap is wider. */
export function placeAlong(rows, start, gap, portGap) {
  const [starts, ends] = [[], []];
  rows.forEach((row, rank) => {
    starts.push(start);
    let [length, climb] = [0, 0];
    for (const cell of row) {
      length = Math.max(length, cell.length);
      for (const user of cell.after) climb = Math.max(climb, Math.abs(bendOf(cell, user) + cell.middle - user.middle));
    }
    ends.push(start + length);
    const atBorder = isPort(row[0]) || (rank + 1 < rows.length && isPort(rows[rank + 1][0]));
    start += length + (atBorder ? portGap : gap) + Math.min(WIDER, Math.floor(climb / CLIMB));
  });
  return [starts, ends];
}

export function isPort(cell) {
  return cell.name !== null && cell.item === null;
}

/** How much further from its cell's middle a line leaves than it enters its user, from the middle of that. */
function bendOf(cell, user) {
  return (cell.joints?.get(user) ?? 0) - (user.joints?.get(cell) ?? 0);
}

/** The inputs a cell is placed by: parameters come to the operations that use them, not the other way. */
function followed(cell) {
  return cell.item === null ? cell.before : cell.before.filter((other) => other.main || other.leaf === null);
}

/** How much a link between two cells should be straight. */
function pull(cell, user) {
  if ((cell.main && user.main) || (cell.name === null && user.name === null)) return 8;
  return cell.name === null || user.name === null || cell.leaf !== null ? 1 : 2;
}

/** How firmly a cell holds its place against its neighbours: so much that the looser one yields. */
function hold(cell) {
  if (cell.main) return 1e12;
  if (cell.item === null) return 1e4;
  return cell.leaf !== null ? 1 : 1e8;
}

/** Where a cell would like to be: at the weighted median of [cell, pull, how far from its middle], or as it is. */
function wish(cell, neighbours) {
  if (!neighbours.length) return cell.middle;
  if (neighbours.length === 1) return neighbours[0][0].middle - neighbours[0][2];
  const places = neighbours.map(([other, strength, away]) => [other.middle - away, strength]);
  places.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = places.reduce((sum, [, strength]) => sum + strength, 0) / 2;
  let [below, index] = [0, -1];
  while (below < half) below += places[++index][1];
  return below > half ? places[index][0] : (places[index][0] + places[index + 1][0]) / 2;
}

/** A row with how far, at least, each of its cells is from the first, and how firmly it holds its place. */
function spacedRow(row) {
  const offsets = [0];
  for (let index = 1; index < row.length; index++) {
    offsets.push(offsets[index - 1] + distance(row[index - 1], row[index]));
  }
  return { row, offsets, holds: row.map(hold) };
}

/** Move each cell of a row as near to its wish as order and distance allow (weighted least squares). */
function settle({ row, offsets, holds }, wishOf) {
  const [places, weights, counts] = [[], [], []]; // of the pools
  for (let index = 0; index < row.length; index++) {
    let [place, weight, count] = [wishOf(row[index]) - offsets[index], holds[index], 1];
    while (places.length && places[places.length - 1] > place) {
      const leftWeight = weights.pop();
      place = (places.pop() * leftWeight + place * weight) / (leftWeight + weight);
      weight += leftWeight;
      count += counts.pop();
    }
    places.push(place);
    weights.push(weight);
    counts.push(count);
  }
  let index = 0;
  for (let pool = 0; pool < places.length; pool++) {
    for (const end = index + counts[pool]; index < end; index++) row[index].middle = places[pool] + offsets[index];
  }
}
