// Pan and zoom: from where one looks at a picture. One CSS transform of the whole <svg>, at most once a frame: were a
// <g> in it scaled, Chromium would lay out every text anew, and draw a tenth of the frames.

const CLOSEST = 3;
const FARTHEST = 0.02;
const LEGIBLE = 0.6; // the scale below which a picture is not shrunk to be seen whole
const SLACK = 4; // pixels that a pointer may slip in a click
const CLEARANCE = 30; // pixels kept between what is brought into view and the border
const FOOT = 30; // pixels at the bottom, where buttons are
const GLIDE = 240; // milliseconds

/** Let `svg` be moved over `sheet`. size() gives the picture's [width, height], still() whether to move at once. */
export function makeSight(sheet, svg, size, still) {
  let [x, y, scale] = [0, 0, 1];
  let byHand = false; // then the picture is no longer fitted when its room changes
  let frame = 0;
  let gliding = 0;
  const pointers = new Map();

  function place(newX, newY, newScale = scale) {
    [x, y, scale] = [newX, newY, newScale];
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      svg.style.transform = `translate(${x.toFixed(2)}px, ${y.toFixed(2)}px) scale(${scale.toFixed(4)})`;
    });
  }

  function moved(...to) {
    byHand = true;
    gliding++;
    place(...to);
  }

  function glide(toX, toY, toScale = scale) {
    if (still()) return place(toX, toY, toScale);
    const [[fromX, fromY, fromScale], began, turn] = [[x, y, scale], performance.now(), ++gliding];
    const step = (now) => {
      if (turn !== gliding) return;
      const t = Math.min(Math.max((now - began) / GLIDE, 0), 1);
      const done = t * (2 - t);
      const between = (from, to) => from + (to - from) * done;
      place(between(fromX, toX), between(fromY, toY), between(fromScale, toScale));
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Zoom by a factor around a point of the svg. */
  function zoom(factor, atX = sheet.clientWidth / 2, atY = sheet.clientHeight / 2) {
    const next = Math.min(Math.max(scale * factor, FARTHEST), CLOSEST);
    moved(atX - ((atX - x) * next) / scale, atY - ((atY - y) * next) / scale, next);
  }

  /** The whole picture, no larger than life; not below `least`, but then with its end in sight. */
  function fit(least = FARTHEST) {
    const [width, height] = size();
    const [roomX, roomY] = [sheet.clientWidth, sheet.clientHeight - FOOT];
    if (!roomX || !roomY) return;
    byHand = false;
    gliding++;
    const next = Math.max(Math.min(roomX / width, roomY / height, 1), least);
    const along = (room, length) => (length * next > room ? room - length * next : (room - length * next) / 2);
    place(along(roomX, width), along(roomY, height), next);
  }

  /** See a box, and others with it if there is room; at life size, unless the scale was chosen by hand. */
  function show(box, others) {
    const next = byHand ? scale : Math.max(scale, 1);
    const all = rectangleAround([box, ...(others ?? [])]);
    const room = [sheet.clientWidth, sheet.clientHeight - FOOT].map((side) => (side - 2 * CLEARANCE) / next);
    const hasRoom = all.width <= room[0] && all.height <= room[1];
    keep(hasRoom ? all : box, next);
  }

  /** Move as little as it takes to see a box. */
  function keep(box, next = scale) {
    const nearest = (start, length, from, room) => {
      const [low, high] = [CLEARANCE - start * next, room - CLEARANCE - (start + length) * next];
      return low > high ? low : Math.min(Math.max(from, low), high);
    };
    const [middleX, middleY] = [box.x + box.width / 2, box.y + box.height / 2];
    const aroundX = x + middleX * (scale - next);
    const aroundY = y + middleY * (scale - next);
    const toX = nearest(box.x, box.width, aroundX, sheet.clientWidth);
    const toY = nearest(box.y, box.height, aroundY, sheet.clientHeight - FOOT);
    if (toX !== x || toY !== y || next !== scale) glide(toX, toY, next);
  }

  function onwheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    const { left, top } = sheet.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.004)), event.clientX - left, event.clientY - top);
  }

  function onpointermove(event) {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    last.slipped += Math.hypot(dx, dy);
    if (last.slipped < SLACK) return;
    sheet.setPointerCapture(event.pointerId);
    sheet.classList.add("dragged");
    const other = [...pointers.values()].find((each) => each !== last);
    if (other) {
      const { left, top } = sheet.getBoundingClientRect();
      const apart = (clientX, clientY) => Math.hypot(clientX - other.x, clientY - other.y) || 1;
      zoom(apart(event.clientX, event.clientY) / apart(last.x, last.y), other.x - left, other.y - top);
    } else moved(x + dx, y + dy);
    [last.x, last.y] = [event.clientX, event.clientY];
  }

  function released(event) {
    pointers.delete(event.pointerId);
    setTimeout(() => sheet.classList.remove("dragged")); // after the click that ends a drag
  }

  sheet.addEventListener("wheel", onwheel, { passive: false });
  sheet.addEventListener("pointerdown", ({ button, pointerId, clientX, clientY }) => {
    if (button === 0) pointers.set(pointerId, { x: clientX, y: clientY, slipped: 0 });
  });
  sheet.addEventListener("pointermove", onpointermove);
  sheet.addEventListener("pointerup", released);
  sheet.addEventListener("pointercancel", released);
  const watcher = new ResizeObserver(() => byHand || fit(LEGIBLE));
  watcher.observe(sheet);

  return {
    zoom,
    fit,
    show,
    keep,
    pan: (dx, dy) => moved(x + dx, y + dy),
    shift: (dx, dy) => place(x + dx * scale, y + dy * scale), // by so much of the picture
    destroy: () => watcher.disconnect(),
  };
}

/** The rectangle around boxes. */
function rectangleAround(boxes) {
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
