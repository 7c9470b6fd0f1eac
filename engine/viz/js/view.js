// The viewer of a graph document: the state in one place, the parts that show it, the link to a kernel if there is one.

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
import { plural } from "./words.js";

const TRAITS = ["selected", "step", "open"]; // shared with the kernel
const HEIGHTS = [400, 560]; // pixels, at least and at most, until one drags the lower edge
const AROUND_PICTURE = 120; // pixels that title, toolbar and buttons take

/** Show a document in an element. model: null, or the link to a kernel (see docs/graphs.md). */
export function start(element, graph, model = null) {
  const facts = studied(graph);
  const state = {
    selected: facts.nodes.find((node) => node.kind === "failed")?.id ?? null, step: -1, open: [...graph.open], // the traits
    direction: graph.backward.length ? "backward" : "forward", forward: -1, // the walk
    predict: false, asked: null, verdict: null, // the question before a step
    which: "value", tab: "node", table: false, heat: "", // what is looked at
    found: null, lit: null, paths: false, // what stands out
  };
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const app = { facts, state, model, anchor: null, change, reveal, toggle, goto, say, still, walk: (by) => steps.walk(by) };
  const live = make("div", { class: "spoken", role: "status", "aria-live": "polite" });
  const steps = makeSteps(app);
  const [heat, search, picture, table, inspector] = [makeHeat, makeSearch, makePicture, makeTable, makeInspector].map((part) => part(app));
  const source = graph.sources.length > 0 && makeSource(app);
  const parts = [steps, heat, search, picture, table, inspector, source].filter(Boolean);
  const views = choice("View", [[false, "Picture"], [true, "Table"]], (chosen) => change({ table: chosen }));
  const tabs = choice("Panel", [["node", "Node"], ["code", "Code"]], (tab) => change({ tab }));

  const root = make("section", { class: "viewer", "aria-label": graph.title },
    make("header", { class: "top" }, make("h2", {}, graph.title, graph.notes.map((note) => make("small", {}, note))), views.element),
    make("div", { class: "toolbar" }, steps.element, search.element, heat.element),
    comparisonStrip(app), heat.legend,
    make("div", { class: "body" }, picture.element, table.element,
      make("aside", { class: "panel" }, source && tabs.element, steps.card, inspector.element, source && source.element)),
    live);
  const host = make("div");
  (element.getRootNode().host ?? host).dataset.lmSuppressShortcuts = "true"; // keys meant for the graph are not JupyterLab's
  host.attachShadow({ mode: "open" }).append(make("style", {}, STYLE), root);
  element.replaceChildren(host);

  /** Change the state; each part shows what concerns it, and the kernel hears of its traits. */
  function change(changes) {
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
    if (name === "step") return Number.isInteger(value) ? Math.min(Math.max(value, -1), facts.backward.length - 1) : state.step;
    return value === null || facts.nodes[value] ? value : state.selected;
  }

  function hear(name) {
    const value = sensible(name, model.get(name));
    if (same(value, state[name])) return;
    if (name === "step") goto(value);
    else if (name === "selected") select(value);
    else change({ open: value });
  }

  /** To a step of the backward pass, -1 being before the first. selected: a node to look at, if not the step's own. */
  function goto(step, selected = facts.backward[step] ?? state.selected, verdict = null) {
    const bounded = sensible("step", step);
    change({ direction: "backward", step: bounded, selected, which: "grad", asked: null, verdict, paths: false, lit: null, found: null });
  }

  /** Choose a node and open the groups around it, so that it is seen. */
  function reveal(id) {
    const open = [...new Set([...state.open, ...facts.around[id]])];
    change({ selected: id, paths: false, ...(open.length > state.open.length && { open }) });
  }

  function select(id) {
    if (facts.nodes[id]) reveal(id);
    else change({ selected: null, paths: false });
  }

  /** Open or close a group, whose box keeps its place. */
  function toggle(group, box) {
    app.anchor = box;
    change({ open: state.open.includes(group) ? state.open.filter((id) => id !== group) : [...state.open, group] });
    app.anchor = null;
  }

  function say(text) {
    live.textContent = text;
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
function comparisonStrip(app) {
  const { nodes, compared } = app.facts;
  if (!compared) return null;
  const count = (status) => nodes.filter((node) => node.match?.status === status).length;
  const jump = (which, text) => {
    const node = nodes.find((each) => each.match?.first.includes(which));
    return node && make("button", { type: "button", onclick: () => (app.reveal(node.id), app.change({ which })) }, text);
  };
  const words = `✓ ${count("same")} same, ≠ ${plural(count("differs"), "node")} differing, + ${count("extra")} extra, − ${count("missing")} missing`;
  return make("div", { class: "strip" }, make("span", {}, words), jump("value", "First differing value"), jump("grad", "First differing gradient"));
}

function same(a, b) {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

/** Light or dark as JupyterLab is, or else as the system is; returns what ends that. */
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
  return () => {
    watcher.disconnect();
    system.removeEventListener("change", follow);
  };
}
