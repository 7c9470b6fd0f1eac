// From a document to a scene: what there is to draw when some of its groups are open. The same as fold.py.

import { cutInMiddle } from "./glyphs.js";

const LONGEST_TEXT = 28; // characters of a name or label

/** The scene {items, lines} of a document with the groups whose ids are in `open` open. */
export function fold(document, open) {
  const groups = countedGroups(document);
  const [standsFor, opened] = standing(document.groups, new Set(open));
  const made = new Map([[null, { items: [] }]]); // group -> its item; null is the whole picture
  const ofNode = document.nodes.map((node) => {
    const group = standsFor.get(node.group) ?? null;
    let item = made.get(group);
    if (group === null || opened.has(group)) {
      item = nodeItem(node);
      putInto(group, item, made, groups);
    } else if (!item) {
      item = groupItem(groups.get(group), true);
      made.set(group, item);
      putInto(groups.get(group).parent, item, made, groups);
    }
    return item.id;
  });
  return { items: made.get(null).items, lines: foldedLines(document.edges, ofNode) };
}

/** [group -> the group it is seen as, the groups that are seen open]. A group in a closed one is seen as that. */
function standing(groups, open) {
  const [standsFor, opened] = [new Map(), new Set()];
  for (const { id, parent } of groups) {
    const seen = parent === null || opened.has(parent);
    standsFor.set(id, seen ? id : standsFor.get(parent));
    if (seen && open.has(id)) opened.add(id);
  }
  return [standsFor, opened];
}

/** id -> group, with how many operations are in it and in the groups inside. */
function countedGroups(document) {
  const groups = new Map(document.groups.map((group) => [group.id, { ...group, operations: 0 }]));
  for (const { group, kind, hidden } of document.nodes) {
    if (group !== null && kind !== "parameter" && kind !== "input") groups.get(group).operations += hidden || 1;
  }
  for (const { parent, operations } of [...groups.values()].reverse()) {
    if (parent !== null) groups.get(parent).operations += operations;
  }
  return groups;
}

/** Put an item into the open group it is in, and that into those around it when it is the first there. */
function putInto(group, item, made, groups) {
  while (!made.has(group)) {
    const frame = groupItem(groups.get(group), false);
    frame.items.push(item);
    made.set(group, frame);
    [item, group] = [frame, groups.get(group).parent];
  }
  made.get(group).items.push(item);
}

function nodeItem({ id, kind, label, name, shape }) {
  const details = name ? [cutInMiddle(name, LONGEST_TEXT)] : [];
  if (shape !== null) details.push(shapeDetail(shape));
  const texts = { label: cutInMiddle(label, LONGEST_TEXT), detail: details.join(" · ") };
  return { id: `n${id}`, node: id, group: null, kind, ...texts, items: null };
}

/** A closed group tells its type and its size; of an open one the size is to be seen. */
function groupItem({ id, kind, label, type, operations }, closed) {
  const details = type && !label.startsWith(type) ? [type] : [];
  const count = String(operations).replace(/\B(?=(\d{3})+$)/g, ",");
  if (closed && operations) details.push(`${count} operation${operations === 1 ? "" : "s"}`);
  const detail = cutInMiddle(details.join(" · "), 2 * LONGEST_TEXT);
  const texts = { label: cutInMiddle(label, LONGEST_TEXT), detail };
  return { id: `g${id}`, node: null, group: id, kind, ...texts, items: closed ? null : [] };
}

/** A shape as Python prints it; "scalar" for (). */
function shapeDetail(shape) {
  return shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "scalar";
}

/** A line for each pair of items with edges between them, in the order of the first of these. */
function foldedLines(edges, ofNode) {
  const lines = new Map();
  edges.forEach((edge, index) => {
    const [source, target] = [ofNode[edge.source], ofNode[edge.target]];
    if (source === target) return;
    const ends = `${source} ${target}`;
    if (!lines.has(ends)) lines.set(ends, { source, target, edges: [] });
    lines.get(ends).edges.push(index);
  });
  return [...lines.values()];
}
