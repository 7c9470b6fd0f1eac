// Search by name, label, operation, module path and shape; from one place found to the next.

import { iconButton, make } from "./dom.js";
import { shapeText } from "./words.js";

export function makeSearch(app) {
  const { facts } = app;
  let [found, at, texts] = [[], -1, null];
  const label = "Search names, operations, modules and shapes";
  const words = { placeholder: "Search", "aria-label": label, title: label };
  const input = make("input", { type: "search", ...words, oninput: look, onkeydown });
  const count = make("span", { class: "count", role: "status" });
  const turns = make("span", { hidden: "" }, iconButton("Previous found", "M4 10l4-4 4 4", () => go(-1)),
    iconButton("Next found", "M4 6l4 4 4-4", () => go(1)));

  function look() {
    const wanted = plain(input.value);
    texts ??= facts.nodes.map((node) => searchText(facts, node));
    found = facts.nodes.map((node) => node.id).filter((id) => wanted && texts[id].includes(wanted));
    at = -1;
    turns.hidden = !found.length;
    count.textContent = wanted ? `${found.length} found` : "";
    app.change({ found: wanted ? new Set(found) : null, paths: false });
  }

  function go(by) {
    if (!found.length) return;
    at = at < 0 && by < 0 ? found.length - 1 : (at + by + found.length) % found.length;
    count.textContent = `${at + 1} of ${found.length}`;
    app.reveal(found[at]);
  }

  function onkeydown(event) {
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    if (event.key !== "Escape") return;
    input.value = "";
    look();
  }

  return { element: make("div", { class: "search", role: "search" }, input, count, turns), show() {} };
}

const plain = (text) => text.toLowerCase().replaceAll(" ", "");

function searchText(facts, { id, name, label, op, module, shape }) {
  const groups = facts.around[id].map((each) => facts.groupOf.get(each));
  const ofGroups = groups.flatMap(({ path, type, label }) => [path, type, label]);
  return plain([name, label, op, module, shapeText(shape), ...ofGroups].filter(Boolean).join("\n"));
}
