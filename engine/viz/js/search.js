// Search by name, label, operation, module path and shape; from one place found to the next.

import { iconButton, make } from "./dom.js";
import { shapeText } from "./words.js";

export function makeSearch(app) {
  const { facts } = app;
  let [found, at, texts] = [[], -1, null];
  const count = make("span", { class: "count", role: "status" });
  const label = "Search names, operations, modules and shapes";
  const input = make("input", { type: "search", placeholder: "Search", "aria-label": label, title: label, oninput: look, onkeydown });
  const turns = make("span", { hidden: "" },
    iconButton("Previous found", "M4 10l4-4 4 4", () => go(-1)), iconButton("Next found", "M4 6l4 4 4-4", () => go(1)));
  const element = make("div", { class: "search", role: "search" }, input, count, turns);

  function look() {
    const wanted = input.value.toLowerCase().replaceAll(" ", "");
    texts ??= facts.nodes.map((node) => searchText(facts, node));
    found = wanted ? facts.nodes.map((node) => node.id).filter((id) => texts[id].includes(wanted)) : [];
    at = -1;
    turns.hidden = !found.length;
    count.textContent = wanted ? `${found.length} found` : "";
    app.change({ found: wanted ? found : null, paths: false });
  }

  function go(by) {
    if (!found.length) return;
    at = at < 0 && by < 0 ? found.length - 1 : (at + by + found.length) % found.length;
    count.textContent = `${at + 1} of ${found.length}`;
    app.reveal(found[at]);
  }

  function onkeydown(event) {
    event.stopPropagation();
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") ((input.value = ""), look());
  }

  return { element, show() {} };
}

function searchText(facts, node) {
  const groups = facts.around[node.id].map((id) => facts.groupOf.get(id));
  const parts = [node.module, node.name, node.label, node.op, shapeText(node.shape), ...groups.flatMap(({ path, type, label }) => [path, type, label])];
  return parts.filter(Boolean).join("\n").toLowerCase().replaceAll(" ", "");
}
