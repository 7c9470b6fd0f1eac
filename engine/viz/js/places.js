// The second half of a layout: where each cell of a container's ordered rows goes, in whole pixels. The same as
// places.py, which says more; numbers are added up and halved in the same order, so they come out equal.

export const BOX_GAP = 16; // pixels between neighbours in a rank,
export const LINE_GAP = 12; // where both are lines, and between lines that enter a box or pass a border together
const CLIMB = 6; // a gap between ranks is a pixel wider for each so many that a line climbs in it,
const WIDER = 30; // but at most so many pixels wider
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
  // What follows no input goes to its users, the others stay.
  for (const row of backwards) settle(row, (cell) => wish(cell, cell.linksBefore.length ? none : cell.linksAfter));
  const wishes = straightBends(ways);
  for (const row of spaced) settle(row, (cell) => wishes.get(cell) ?? cell.middle);
  for (const cell of cells) cell.middle = Math.floor(cell.middle + 0.4); // not 0.5: many are halves
}

/** bend -> its place, if all bends of its longest way stand where the one does that had to go aside most. */
function straightBends(ways) {
  const wishes = new Map();
  for (const way of [...ways].sort((a, b) => b.length - a.length)) {
    const bends = way.slice(1, -1).filter((bend) => !bend.main);
    if (bends.length < 2) continue;
    const middle = (way[0].middle + way.at(-1).middle) / 2;
    const aside = (bend) => Math.abs(bend.middle - middle);
    const furthest = bends.reduce((best, bend) => (aside(bend) > aside(best) ? bend : best)).middle;
    for (const bend of bends) if (!wishes.has(bend)) wishes.set(bend, furthest);
  }
  return wishes;
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
  if (cell.item === null) return 1e3;
  return cell.leaf !== null ? 1 : 1e6;
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
    const [left, right] = [row[index - 1], row[index]];
    const gap = left.item === null && right.item === null ? LINE_GAP : BOX_GAP;
    offsets.push(offsets[index - 1] + left.right + gap + right.left);
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
