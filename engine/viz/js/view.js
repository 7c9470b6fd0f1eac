// The viewer of a graph document: the state in one place, the parts that show it, the link to a kernel if there is one.

import { button, choice, make } from "./dom.js";
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
const HEIGHTS = [400, 560]; // pixels, at least and at most, until one drags the lower edge
const AROUND_PICTURE = 120; // pixels that title, toolbar and buttons take

/** Show a document in an element. model: null, or the link to a kernel (see docs/graphs.md). */
export function start(element, graph, model = null) {
  const facts = studied(graph);
  const state = {
    selected: facts.nodes.find((node) => node.kind === "failed")?.id ?? null, step: -1, open: [...graph.open], // traits
    direction: graph.backward.length ? "backward" : "forward", forward: -1, // the walk
    predict: false, asked: null, verdict: null, // the question before a step, the word on the answer
    which: "value", tab: "node", table: false, heat: "", // what is looked at
    found: null, lit: null, paths: false, // what stands out
  };
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const live = make("div", { class: "spoken", role: "status", "aria-live": "polite" });
  const say = (text) => (live.textContent = text);
  const walk = (by) => steps.walk(by);
  const app = { facts, state, model, anchor: null, change, reveal, toggle, goto, walk, say, still };
  const makers = [makeSteps, makeHeat, makeSearch, makePicture, makeTable, makeInspector];
  const [steps, heat, search, picture, table, inspector] = makers.map((part) => part(app));
  const source = graph.sources.length > 0 && makeSource(app);
  const parts = [steps, heat, search, picture, table, inspector, source].filter(Boolean);
  const views = choice("View", [[false, "Picture"], [true, "Table"]], (chosen) => change({ table: chosen }));
  const tabs = choice("Panel", [["node", "Node"], ["code", "Code"]], (tab) => change({ tab }));

  const title = make("h2", {}, graph.title, graph.notes.map((note) => make("small", {}, note)));
  const panel = [source && tabs.element, steps.card, inspector.element, source && source.element];
  const root = make("section", { class: "viewer", "aria-label": graph.title },
    make("header", { class: "top" }, title, views.element),
    make("div", { class: "toolbar" }, steps.element, search.element, heat.element),
    comparisonStrip(app), heat.legend,
    make("div", { class: "body" }, picture.element, table.element, make("aside", { class: "panel" }, panel)), live);
  const host = make("div");
  host.attachShadow({ mode: "open" }).append(make("style", {}, STYLE), root);
  element.replaceChildren(host);
  (element.getRootNode().host ?? host).dataset.lmSuppressShortcuts = "true"; // these keys are not JupyterLab's

  /** Change the state; each part shows what concerns it, and the kernel hears of its traits. */
  function change(given) {
    const isNew = (...names) => names.some((name) => name in given);
    const ends = { ...(isNew("selected") && { paths: false }) };
    if (isNew("step", "forward", "direction", "predict")) Object.assign(ends, { asked: null, verdict: null });
    const changes = { ...ends, ...given };
    Object.assign(state, changes);
    picture.element.hidden = state.table;
    inspector.element.hidden = source && state.tab === "code";
    if (source) source.element.hidden = state.tab !== "code";
    views.show(state.table);
    tabs.show(state.tab);
    parts.forEach((part) => part.show(changes));
    for (const name of TRAITS) {
      if (name in changes && model && !same(model.get(name), state[name])) model.set(name, state[name]);
    }
  }

  /** What the kernel says of a trait, as far as it makes sense here; else what it is already. */
  function sensible(name, value) {
    if (name === "open") return Array.isArray(value) ? value.filter((id) => facts.groupOf.has(id)) : state.open;
    if (name === "selected") return value === null || facts.nodes[value] ? value : state.selected;
    return Number.isFinite(value) ? Math.min(Math.max(Math.round(value), -1), facts.backward.length - 1) : state.step;
  }

  function hear(name) {
    const value = sensible(name, model.get(name));
    if (same(value, state[name])) return;
    if (name === "open") change({ open: value });
    else (name === "step" ? goto : select)(value);
  }

  /** To a step of the backward pass, -1 being before the first. selected: a node to look at, if not the step's own. */
  function goto(step, selected, verdict = null) {
    const bounded = sensible("step", step);
    const looked = selected ?? facts.backward[bounded] ?? state.selected;
    change({ direction: "backward", step: bounded, selected: looked, which: "grad", verdict, lit: null, found: null });
  }

  /** Choose a node and open the groups around it, so that it is seen. */
  function reveal(id) {
    const open = [...new Set([...state.open, ...facts.around[id]])];
    change({ selected: id, ...(open.length > state.open.length && { open }) });
  }

  function select(id) {
    if (facts.nodes[id]) reveal(id);
    else change({ selected: null });
  }

  /** Open or close a group, whose box keeps its place. */
  function toggle(group, box) {
    app.anchor = box;
    change({ open: state.open.includes(group) ? state.open.filter((id) => id !== group) : [...state.open, group] });
    app.anchor = null;
  }

  const unfollow = followTheme(host);
  if (model) TRAITS.forEach((name) => (state[name] = sensible(name, model.get(name) ?? state[name])));
  change({ ...state });
  const [least, most] = HEIGHTS;
  root.style.height = `${Math.min(Math.max(picture.size()[1] + AROUND_PICTURE, least), most)}px`;
  const stops = model ? TRAITS.map((name) => model.on(name, () => hear(name))) : [];

  return {
    select,
    goto,
    destroy() {
      stops.forEach((stop) => typeof stop === "function" && stop());
      unfollow();
      picture.destroy();
      host.remove();
    },
  };
}

/** Of a comparison: how much differs, and the ways to where it first does. */
function comparisonStrip({ facts: { nodes, compared }, reveal, change }) {
  if (!compared) return null;
  const count = (status) => nodes.filter((node) => node.match?.status === status).length;
  const counts = { "✓": "same", "≠": "differs", "+": "extra", "−": "missing" };
  const words = Object.entries(counts).map(([mark, status]) => `${mark} ${count(status)} ${status}`).join(", ");
  const jump = (which, text) => {
    const node = nodes.find(({ match }) => match?.first?.includes(which));
    return node && button(text, () => (reveal(node.id), change({ which })));
  };
  const jumps = [jump("value", "First differing value"), jump("grad", "First differing gradient")];
  return make("div", { class: "strip" }, make("span", {}, words), jumps);
}

function same(a, b) {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** Light or dark as JupyterLab is, or else as the system is; returns what ends that. */
function followTheme(host) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const isLight = document.body.dataset.jpThemeLight;
    host.dataset.theme = (isLight ? isLight === "false" : system.matches) ? "dark" : "light";
  };
  const watcher = new MutationObserver(follow);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", follow);
  follow();
  return () => {
    watcher.disconnect();
    system.removeEventListener("change", follow);
  };
}
