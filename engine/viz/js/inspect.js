// Inside a node: what it is, the chain rule there, its tensors, where it comes from.

import { choice, make } from "./dom.js";
import { mistakePart } from "./mistake.js";
import { gradientState, hasValue, lastArrival } from "./facts.js";
import { shownBadges } from "./picture.js";
import { noTensor, tensorView } from "./tensors.js";
import { amountText, nodeName, numberText, plural, rangeText, ruleText, shapeText } from "./words.js";

const STATUS_WORDS = {
  same: "✓ The same as in the reference",
  differs: "≠ Differs from the reference",
  extra: "+ Not in the reference",
  missing: "− Only in the reference",
};
const KINDS = [["parameter", "parameter"], ["input", "input"], ["op", "operation"], ["output", "output"], ["failed", "failed operation"]];
const AMOUNTS = [["forward", "seconds", "s"], ["backward", "backward_seconds", "s"], ["result", "bytes", "B"], ["saved", "saved_bytes", "B"]];
const SHOWN_IN = ["selected", "step", "forward", "direction", "which", "paths", "predict", "asked"]; // state that matters here
const HELP = "Arrow keys go from box to box, Enter opens a group, . and , step on and back, + − 0 zoom, Shift and arrows move the picture.";

export function makeInspector(app) {
  const { facts, state } = app;
  const element = make("div", { class: "inside" });

  function parts() {
    if (state.selected === null) return [overview(facts)];
    const node = facts.nodes[state.selected];
    return [heading(node), mistakePart(node), chainRule(node), tensors(node), origin(node)];
  }

  function heading(node) {
    const group = facts.groupOf.get(node.group);
    const words = [node.kind, shapeText(node.shape), node.dtype?.replace("torch.", ""), node.device, node.module ?? (group && (group.path || group.label))];
    return make("header", {},
      make("h3", {}, nodeName(node), shownBadges(app, [node.id]).map((mark) => make("span", { class: "badge" }, mark))),
      make("p", { class: "soft" }, words.filter(Boolean).join(" · ")),
      node.match && make("p", { class: `match ${node.match.status}` }, STATUS_WORDS[node.match.status]));
  }

  /** What comes back to the node, if from several users, and what it sends back to each input. */
  function chainRule(node) {
    const users = facts.users[node.id].filter((edge) => facts.turn.has(edge.target));
    const back = facts.inputs[node.id].filter(ruleText);
    if (!back.length && users.length < 2) return null;
    const sent = hasSent(node.id);
    const sum = users.length > 1 && make("div", {}, `Used ${users.length} times, so what comes back is added up (+=):`,
      make("ul", {}, users.map((edge) => make("li", {}, "from ", link(edge.target), ": ", hasSent(edge.target) ? rangeText(edge.grad) : "not yet"))));
    const hidden = state.predict && !sent; // nothing is given away before it was asked for
    const rules = hidden ? noTensor("What it sends back is shown when you have predicted it.") : back.map((edge) => ruleView(edge, sent));
    return make("section", {}, make("h4", {}, "Chain rule"), sum, rules);
  }

  const hasSent = (id) => facts.compared || facts.turn.get(id) <= state.step;

  function ruleView(edge, sent) {
    const sum = edge.summed?.length ? "summed, because the input was broadcast along it" : null;
    const numbers = sent && (edge.numbers ?? (edge.grad && `= ${rangeText(edge.grad)}`));
    return make("div", { class: "rule" }, make("code", {}, ruleText(edge)),
      [edge.shapes, sum, numbers].filter(Boolean).map((text) => make("small", {}, text)), make("small", {}, "to ", link(edge.source)));
  }

  function link(id) {
    return make("button", { type: "button", class: "link", onclick: () => app.reveal(id) }, nodeName(facts.nodes[id]));
  }

  function tensors(node) {
    if (node.error || node.kind === "more") return null;
    const tabs = [["value", "Value"], ["grad", "Gradient"], ...(node.kind === "parameter" ? [["stored", ".grad"]] : [])];
    const which = state.which === "stored" && tabs.length < 3 ? "grad" : state.which;
    const choices = choice("Tensor", tabs, (key) => app.change({ which: key }));
    choices.show(which);
    return make("section", {}, choices.element, { value: valueView, grad: gradientView, stored: storedView }[which](node), comparison(node, which));
  }

  function view(node, which, what) {
    const canAsk = app.model && which !== "stored";
    const ask = canAsk ? (index) => app.model.ask({ node: node.id, which, index }) : null;
    return tensorView(node[which], `${what} of ${nodeName(node)}`, ask);
  }

  function valueView(node) {
    if (!hasValue(node.id, state)) return noTensor("Not computed yet: the forward pass has not come here.");
    return node.value ? view(node, "value", "value") : noTensor("Not known: the value was not kept.");
  }

  function gradientView(node) {
    const known = gradientState(facts, node.id, state);
    if (known === "none") return noTensor("No gradient comes here.");
    if (known === "all") return node.grad ? view(node, "grad", "gradient") : noTensor("Not known: the gradient was not kept.");
    const why = known === "part" ? "Only a part of the gradient has come; more will be added." : "No gradient yet: backward has not come here.";
    const go = (text, step) => make("button", { type: "button", onclick: () => app.goto(step, node.id) }, text);
    const ways = state.predict ? [] : [go("Go there", lastArrival(facts, node.id)), go("Show all", facts.backward.length - 1)];
    return noTensor(why, make("div", {}, ways));
  }

  function storedView(node) {
    const why = "As it is stored now. It adds up over several backward passes, until it is set to None.";
    return make("div", {}, node.stored ? view(node, "stored", ".grad") : noTensor(".grad is None."), make("p", { class: "soft" }, why));
  }

  function origin(node) {
    const source = node.line && facts.document.sources[node.line.source];
    const amounts = AMOUNTS.filter(([, key]) => typeof node[key] === "number").map(([name, key, unit]) => [name, amountText(node[key], unit)]);
    if (node.constants) amounts.push(["inputs apart", plural(node.constants, "constant")]);
    const onclick = () => app.change({ paths: !state.paths });
    return make("section", {},
      source && make("button", { type: "button", class: "excerpt", title: "Show the code", onclick: () => app.change({ tab: "code" }) },
        make("small", {}, `${source.file}:${node.line.number}`), make("code", {}, source.lines[node.line.number - source.first]?.trim())),
      make("button", { type: "button", "aria-pressed": String(state.paths), onclick }, `Paths to ${nodeName(facts.nodes[facts.output])}`),
      make("dl", {}, amounts.map(([name, amount]) => make("div", {}, make("dt", {}, name), make("dd", {}, amount)))));
  }

  return {
    element,
    show(changes) {
      if (SHOWN_IN.some((name) => name in changes)) element.replaceChildren(...parts().filter(Boolean));
    },
  };
}

function overview(facts) {
  const counts = KINDS.map(([kind, word]) => [kind, word, facts.nodes.filter((node) => node.kind === kind).length]).filter(([, , count]) => count);
  return make("div", {}, make("p", {}, "Choose a box to look inside, or step through the chain rule."),
    make("ul", { class: "kinds" }, counts.map(([kind, word, count]) => make("li", {}, make("i", { class: `swatch ${kind}` }), plural(count, word)))),
    make("p", { class: "soft" }, HELP));
}

/** The reference's tensor and how far mine is from it. */
function comparison(node, which) {
  const reference = node.match?.[which];
  if (!reference) return null;
  const mine = node.kind === "missing" ? null : node[which];
  const largest = node.match[which === "grad" ? "grad_difference" : "value_difference"];
  const difference = differenceOf(mine, reference);
  const part = (title, tensor) => [make("h4", {}, title), tensorView({ ...tensor, histogram: null }, title)];
  return make("section", {}, part("Reference", reference),
    difference ? part(`Difference, at most ${numberText(largest)}`, difference) : make("h4", {}, `Difference, at most ${numberText(largest)}`));
}

/** Mine less the reference in the slice, where both have numbers. */
function differenceOf(mine, reference) {
  if (!mine?.slice || !reference.slice || String(mine.shape) !== String(reference.shape)) return null;
  const less = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : "nan");
  const rows = mine.slice.rows.map((row, i) => row.map((value, j) => less(value, reference.slice.rows[i][j])));
  return { shape: mine.shape, size: mine.size, slice: { of: mine.slice.of, rows } };
}
