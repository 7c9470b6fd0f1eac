// Pan and zoom: where one looks at a picture from. Only one <g> is moved, once a frame.

const CLOSEST = 3;
const FARTHEST = 0.02;
const SLACK = 4; // pixels that a pointer may slip in a click
const MARGIN = 24; // kept between what is brought into view and the edge

/** Let `scene` (a <g>) be moved in `svg`. size() gives the picture's [width, height]; moved() hears of moves by hand. */
export function makeSight(svg, scene, size) {
  let [x, y, scale] = [0, 0, 1];
  let frame = 0;
  let touched = false; // by hand: then it is no longer fitted when the room changes
  const pointers = new Map();

  function place(newX, newY, newScale = scale) {
    [x, y, scale] = [newX, newY, newScale];
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      scene.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
    });
  }

  function zoom(factor, atX = svg.clientWidth / 2, atY = svg.clientHeight / 2) {
    const next = Math.min(Math.max(scale * factor, FARTHEST), CLOSEST);
    touched = true;
    place(atX - ((atX - x) * next) / scale, atY - ((atY - y) * next) / scale, next);
  }

  function pan(dx, dy) {
    touched = true;
    place(x + dx, y + dy);
  }

  /** The whole picture, no larger than life; at first no smaller than one can read, with its end in sight. */
  function fit(least = FARTHEST) {
    const [width, height] = size();
    const [roomX, roomY] = [svg.clientWidth, svg.clientHeight];
    if (!roomX || !roomY) return;
    touched = false;
    const next = Math.max(Math.min(roomX / width, roomY / height, 1), least);
    const along = (room, length) => (length * next > room ? room - length * next : (room - length * next) / 2);
    place(along(roomX, width), along(roomY, height), next);
  }

  /** Move as little as it takes to see a box whole. */
  function show(box) {
    const nearest = (start, length, from, room) => {
      const [low, high] = [MARGIN - start * scale, room - MARGIN - (start + length) * scale];
      return low > high ? low : Math.min(Math.max(from, low), high);
    };
    place(nearest(box.x, box.width, x, svg.clientWidth), nearest(box.y, box.height, y, svg.clientHeight));
  }

  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    const { left, top } = svg.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.004)), event.clientX - left, event.clientY - top);
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => event.button === 0 && pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, slipped: 0 }));
  svg.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    if ((last.slipped += Math.hypot(dx, dy)) < SLACK) return;
    svg.setPointerCapture(event.pointerId);
    svg.classList.add("dragged");
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const { left, top } = svg.getBoundingClientRect();
      const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
      zoom(apart({ x: event.clientX, y: event.clientY }) / apart(last), other.x - left, other.y - top);
    } else pan(dx, dy);
    [last.x, last.y] = [event.clientX, event.clientY];
  });
  const released = (event) => {
    const last = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    if (last?.slipped >= SLACK) setTimeout(() => svg.classList.remove("dragged")); // after the click that ends a drag
  };
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, released);
  const watcher = new ResizeObserver(() => touched || fit(0.6));
  watcher.observe(svg);

  return { place, zoom, pan, fit, show, at: () => ({ x, y, scale }), destroy: () => watcher.disconnect() };
}
