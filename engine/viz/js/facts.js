// What can be asked about a document: who feeds whom, what holds what, and when a gradient has arrived.

/** Look through a document once; the answers are lists by node id. */
export function studied(document) {
  const { nodes, edges, groups, backward } = document;
  const inputs = nodes.map(() => []); // edges that end at a node
  const users = nodes.map(() => []); // edges that begin there
  edges.forEach((edge) => (inputs[edge.target].push(edge), users[edge.source].push(edge)));
  const groupOf = new Map(groups.map((group) => [group.id, group]));
  const around = nodes.map((node) => groupsAround(groupOf, node.group));
  const members = new Map(groups.map((group) => [group.id, []]));
  around.forEach((ids, node) => ids.forEach((id) => members.get(id).push(node)));
  const turn = new Map(backward.map((id, step) => [id, step]));
  const output = nodes.findLast((node) => node.kind === "output")?.id ?? nodes.length - 1;
  const compared = nodes.some((node) => node.match);
  return { document, nodes, groups, backward, inputs, users, groupOf, around, members, turn, output, compared };
}

/** Ids of the groups around a node, the outermost first. */
function groupsAround(groupOf, id) {
  const ids = [];
  for (let group = groupOf.get(id); group; group = groupOf.get(group.parent)) ids.unshift(group.id);
  return ids;
}

/** The box that stands for a node when the groups in `open` are open: "n7", or "g2" of the closed group that hides it. */
export function shownAs(facts, node, open) {
  const closed = facts.around[node].find((group) => !open.includes(group));
  return closed === undefined ? `n${node}` : `g${closed}`;
}

/** How many boxes are seen when the groups in `open` are open. */
export function countShown(facts, open) {
  const shown = new Set(open.map((group) => `g${group}`));
  const isOpen = new Set(open);
  facts.around.forEach((groups, node) => {
    const closed = groups.find((group) => !isOpen.has(group));
    shown.add(closed === undefined ? `n${node}` : `g${closed}`);
  });
  return shown.size;
}

/** What is known of a node's gradient at a moment of the walk: "none" (no gradient comes here), "yet" (it has not
 * come so far), "part" (some users have sent theirs) or "all". */
export function gradientState(facts, id, { direction, step }) {
  const turns = arrivals(facts, id);
  const own = facts.turn.get(id);
  if (own === undefined && !(turns.length && facts.nodes[id].kind === "parameter")) {
    return facts.nodes[id].grad && !facts.backward.length ? "all" : "none";
  }
  if (facts.compared) return "all";
  if (direction === "forward") return "yet";
  if (!turns.length) return own <= step ? "all" : "yet";
  const arrived = turns.filter((turn) => turn <= step).length;
  return arrived === turns.length ? "all" : arrived ? "part" : "yet";
}

/** The steps of the backward pass at which something is sent to a node. */
function arrivals(facts, id) {
  return facts.users[id].map((edge) => facts.turn.get(edge.target)).filter((turn) => turn !== undefined);
}

/** The step with which a node's gradient is complete. */
export function lastArrival(facts, id) {
  return Math.max(...arrivals(facts, id), facts.users[id].length ? -1 : (facts.turn.get(id) ?? -1));
}

/** Whether a node's value is known at a moment of the walk. */
export function hasValue(id, { direction, forward }) {
  return direction === "backward" || forward < 0 || id <= forward;
}

/** All nodes on any path from a node to the output. */
export function onPaths(facts, from) {
  const ahead = new Set([from]);
  for (let id = from; id < facts.nodes.length; id++) {
    if (ahead.has(id)) facts.users[id].forEach((edge) => ahead.add(edge.target));
  }
  const behind = new Set([facts.output]);
  for (let id = facts.output; id >= from; id--) {
    if (behind.has(id)) facts.inputs[id].forEach((edge) => behind.add(edge.source));
  }
  return new Set([...ahead].filter((id) => behind.has(id)));
}
