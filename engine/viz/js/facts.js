// What can be asked about a document: who feeds whom, what holds what, when a gradient has arrived.

/** Look through a document once; inputs, users (edges that end and begin at a node) and around are lists by node id. */
export function studied(document) {
  const { nodes, edges, groups, backward } = document;
  const [inputs, users] = [nodes.map(() => []), nodes.map(() => [])];
  for (const edge of edges) {
    inputs[edge.target].push(edge);
    users[edge.source].push(edge);
  }
  const groupOf = new Map(groups.map((group) => [group.id, group]));
  const around = nodes.map((node) => groupsAround(groupOf, node.group));
  const members = new Map(groups.map((group) => [group.id, []])); // of each group: nodes in it, however deep
  around.forEach((ids, node) => ids.forEach((id) => members.get(id).push(node)));
  return {
    document, nodes, groups, backward, inputs, users, groupOf, around, members,
    turn: new Map(backward.map((id, step) => [id, step])), // the step at which a node sends its gradients on
    output: nodes.findLast((node) => node.kind === "output")?.id ?? nodes.length - 1,
    compared: nodes.some((node) => node.match),
  };
}

/** Ids of the groups around a node, the outermost first. */
function groupsAround(groupOf, id) {
  const ids = [];
  for (let group = groupOf.get(id); group; group = groupOf.get(group.parent)) ids.unshift(group.id);
  return ids;
}

/** The box that stands for a node when the groups in `open` are open: "n7", or "g2" of a closed group that hides it. */
export function shownAs(facts, node, open) {
  const closed = facts.around[node].find((group) => !open.includes(group));
  return closed === undefined ? `n${node}` : `g${closed}`;
}

/** How many boxes are seen when the groups in `open` are open. */
export function countShown(facts, open) {
  const isOpen = new Set(open);
  const shown = new Set(open.map((group) => `g${group}`));
  facts.around.forEach((groups, node) => {
    const closed = groups.find((group) => !isOpen.has(group));
    shown.add(closed === undefined ? `n${node}` : `g${closed}`);
  });
  return shown.size;
}

/** What is known of a node's gradient at a moment of the walk: "none" (no gradient comes here), "yet" (it has not come
 * so far), "part" (some of its users have sent theirs) or "all". */
export function gradientState(facts, id, { direction, step }) {
  const turns = arrivals(facts, id);
  const own = facts.turn.get(id);
  const { kind, grad } = facts.nodes[id];
  if (own === undefined && !(turns.length && kind === "parameter")) {
    return grad && !facts.backward.length ? "all" : "none";
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
  const turns = arrivals(facts, id);
  return turns.length ? Math.max(...turns) : facts.turn.get(id);
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
