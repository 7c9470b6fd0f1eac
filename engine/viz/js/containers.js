// The containers of a scene, and which of them each line passes. The same as containers.py, which says what ports are.

/** [containers, lines]: all containers, each after the one it is in; the picture's lines with their steps. */
export function contain(scene) {
  const containers = [makeContainer(scene.items, null, null)];
  const home = new Map();
  for (const container of containers) { // the list grows while it is walked
    for (const item of container.items) {
      home.set(item.id, container);
      if (item.items === null) continue;
      const inside = makeContainer(item.items, container, item.id);
      container.inner.set(item.id, inside);
      containers.push(inside);
    }
  }
  const lines = scene.lines.flatMap(drawnLines).sort((a, b) => a.edges[0] - b.edges[0]);
  for (const line of lines) {
    line.steps = stepsOf(line, home);
    recordSteps(line.steps);
  }
  return [containers, lines];
}

function makeContainer(items, parent, name) {
  return {
    items,
    parent, // the container it is in
    name, // the id of the item it is there
    depth: parent ? parent.depth + 1 : 0,
    inner: new Map(), // open group's item -> its container
    links: new Map(), // "from to" -> [from, to], the different steps of all lines, in order
    onward: new Map(), // "out:Y" -> the set of where lines go from there in the parent
    cells: new Map(), // item or port -> its cell
    rows: [], // cells by rank, in order
    ways: new Map(), // "from to" -> the cells from one to the other, a rank each
    boxed: [], // of each rank: the length of its longest closed box,
    starts: [], // and where it starts and ends, along the flow
    ends: [],
    length: 0, // of its frame, along the flow
    left: 0, // how far its frame reaches to either side of its main line, across the flow
    right: 0,
    main: 0, // the place of its main line
    origin: [0, 0], // (along, across) of its places' zero in the picture
  };
}

/** The cells that lines pass on a step. */
export function wayOf(container, start, end) {
  return container.ways.get(`${start} ${end}`);
}

/** Edges between the same two nodes, x × x, are drawn side by side, all edges to or from a closed group as one. */
function drawnLines({ source, target, edges }) {
  const bothNodes = source[0] === "n" && target[0] === "n";
  const parts = bothNodes ? edges.map((edge) => [edge]) : [edges];
  return parts.map((part) => ({ source, target, edges: part, steps: [], leaves: 0, enters: 0 }));
}

/** [container, from, to] through all containers from the line's source to its target. */
function stepsOf(line, home) {
  let [start, end, here, there] = [line.source, line.target, home.get(line.source), home.get(line.target)];
  const [leaving, entering] = [[], []];
  while (here !== there) {
    if (here.depth >= there.depth) {
      leaving.push([here, start, `out:${start}`]);
      [start, here] = [here.name, here.parent];
    } else {
      entering.push([there, end]);
      [end, there] = [there.name, there.parent];
    }
  }
  const arriving = entering.reverse().map(([container, to]) => [container, `in:${start}`, to]);
  return [...leaving, [here, start, end], ...arriving];
}

function recordSteps(steps) {
  steps.forEach(([container, start, end], index) => {
    container.links.set(`${start} ${end}`, [start, end]);
    if (!end.startsWith("out:")) return;
    if (!container.onward.has(end)) container.onward.set(end, new Set());
    container.onward.get(end).add(steps[index + 1][2]);
  });
}
