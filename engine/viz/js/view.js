// The viewer of a graph document: state in one place, parts that show it, and the link to a kernel if there is one.

import { choice, make } from "./dom.js";
import { studied } from "./facts.js";
import { makeHeat } from "./heat.js";
import { makeInspector } from "./inspect.js";
import { makePicture } from "./picture.js";
import { makeSearch } from "./search.js";
import { makeSource } from "./source.js";
import { makeSteps } from "./steps.js";
import { STYLE } from "./style.js";
import { makeTable } from "./table.js";

const TRAITS = ["selected", "step", "open"]; // shared with the kernel
const TALLEST = 560; // pixels, until the learner drags the lower edge
const LOWEST = 380;

/** Show a document in an element. model: null, or the link to a kernel (see docs/graphs.md). */
export function start(element, graph, model = null) {
  const facts = studied(graph);
  const failed = facts.nodes.find((node) => node.kind === "failed");
  const state = {
    selected: failed?.id ?? null, step: -1, open: [...graph.open], // the traits
    direction: graph.backward.length || !graph.nodes.length ? "backward" : "forward", forward: -1, // the walk
    predict: false, asked: null, verdict: null, // the question before a step
    which: "value", tab: "node", table: false, heat: "", // what is looked at
    found: null, lit: null, paths: false, // what stands out
  };
  const app = { facts, state, model, anchor: null, change, reveal, toggle, goto, walk: (by) => steps.walk(by), say, still: () => matchMedia("(prefers-reduced-motion: reduce)").matches };
  if (model) adopt(Object.fromEntries(TRAITS.map((name) => [name, model.get(name)])));

  const live = make("div", { class: "spoken", role: "status", "aria-live": "polite" });
  const steps = makeSteps(app);
  const heat = makeHeat(app);
  const search = makeSearch(app);
  const picture = makePicture(app);
  const table = makeTable(app);
  const inspector = makeInspector(app);
  const source = graph.sources.length > 0 && makeSource(app);
  const views = choice("View", [[false, "Picture"], [true, "Table"]], (chosen) => change({ table: chosen }));
  const tabs = choice("Panel", [["node", "Node"], ["code", "Code"]], (tab) => change({ tab }));
  const parts = [steps, heat, search, picture, table, inspector, source].filter(Boolean);

  const body = make("div", { class: "body" }, picture.element, table.element,
    make("aside", { class: "panel", tabindex: -1 }, source && tabs.element, steps.card, inspector.element, source && source.element));
  const toolbar = make("div", { class: "toolbar", role: "toolbar", "aria-label": "Graph" }, steps.element, jumps(), make("span", { class: "space" }), search.element, heat.element, views.element);
  const root = make("section", { class: "viewer", "aria-label": graph.title }, make("h2", {}, graph.title, graph.notes.map((note) => make("small", {}, note))),
    toolbar, heat.legend, body, live);
  const host = make("div", { class: "chainrule-graph", "data-lm-suppress-shortcuts": "true" });
  host.attachShadow({ mode: "open" }).append(make("style", {}, STYLE), root);
  element.replaceChildren(host);

  /** Change the state; each part shows what concerns it, the kernel hears of its traits. */
  function change(changes) {
    Object.assign(state, changes);
    parts.forEach((part) => part.show(changes));
    views.show(state.table);
    tabs.show(state.tab);
    picture.element.hidden = state.table;
    inspector.element.hidden = source && state.tab === "code";
    if (source) source.element.hidden = state.tab !== "code";
    for (const name of TRAITS) {
      if (name in changes && model && !same(model.get(name), state[name])) model.set(name, state[name]);
    }
  }

  /** Take over what the kernel says, as far as it makes sense here; true if that is new. */
  function adopt({ selected, step, open }) {
    const before = TRAITS.map((name) => state[name]);
    if (selected === null || facts.nodes[selected]) state.selected = selected;
    if (Number.isInteger(step)) state.step = Math.min(Math.max(step, -1), facts.backward.length - 1);
    if (Array.isArray(open)) state.open = open.filter((id) => facts.groupOf.has(id));
    return !same(before, TRAITS.map((name) => state[name]));
  }

  function heard(name) {
    if (!host.isConnected && !element.contains(host)) return;
    if (!adopt({ [name]: model.get(name) })) return;
    if (name === "step") goto(state.step);
    else change({ [name]: state[name] });
  }

  /** To a step of the backward pass, -1 being before the first. selected: to look at another node than the step's. */
  function goto(step, selected = facts.backward[step] ?? state.selected, verdict = null) {
    const bounded = Math.min(Math.max(step, -1), facts.backward.length - 1);
    change({ direction: "backward", step: bounded, selected, which: "grad", asked: null, verdict, paths: false, lit: null, found: null });
  }

  /** Choose a node and open the groups around it, so that it is seen. */
  function reveal(id) {
    const open = [...new Set([...state.open, ...facts.around[id]])];
    app.anchor = null;
    change(open.length > state.open.length ? { open, selected: id, paths: false } : { selected: id, paths: false });
  }

  /** Open or close a group, whose box keeps its place. */
  function toggle(group, box) {
    const open = state.open.includes(group) ? state.open.filter((id) => id !== group) : [...state.open, group];
    app.anchor = box;
    change({ open });
    app.anchor = null;
  }

  function jumps() {
    return [["value", "First differing value"], ["grad", "First differing gradient"]].map(([first, text]) => {
      const node = facts.nodes.find((each) => each.match?.first === first);
      return node && make("button", { type: "button", onclick: () => (reveal(node.id), change({ which: first })) }, text);
    });
  }

  function say(text) {
    live.textContent = text;
  }

  const unlink = followTheme(host);
  change({ ...state });
  const [, height] = picture.size();
  root.style.height = `${Math.min(Math.max(height + 110, LOWEST), TALLEST)}px`;
  picture.fit(0.6);
  const stops = model ? TRAITS.map((name) => model.on(name, () => heard(name))) : [];

  return {
    select: (id) => (id === null ? change({ selected: null }) : reveal(id)),
    goto,
    destroy() {
      stops.forEach((stop) => typeof stop === "function" && stop());
      unlink();
      picture.destroy();
      host.remove();
    },
  };
}

function same(a, b) {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** Light or dark as JupyterLab is, or else as the system is; returns what stops following. */
function followTheme(host) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const light = document.body.dataset.jpThemeLight;
    host.dataset.theme = (light ? light === "false" : system.matches) ? "dark" : "light";
  };
  const watcher = new MutationObserver(follow);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", follow);
  follow();
  return () => (watcher.disconnect(), system.removeEventListener("change", follow));
}
