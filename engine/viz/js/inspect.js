// Inside a node: what it is, the chain rule there, its tensors, where it comes from.

import { button, choice, make } from "./dom.js";
import { gradientState, hasValue, lastArrival } from "./facts.js";
import { mistakePart } from "./mistake.js";
import { shownBadges } from "./marks.js";
import { noTensor, tensorView } from "./tensors.js";
import { amountText, nodeName, numberText, plural, rangeText, ruleText, shapeText } from "./words.js";

const KINDS = { parameter: "parameter", input: "input", op: "operation", output: "output", failed: "failed operation" };
const STATUS_WORDS = {
  same: "✓ The same as in the reference",
  differs: "≠ Differs from the reference",
  extra: "+ Not in the reference",
  missing: "− Only in the reference",
};
const AMOUNTS = [
  ["forward", "seconds", "s"],
  ["backward", "backward_seconds", "s"],
  ["result", "bytes", "B"],
  ["saved", "saved_bytes", "B"],
];
const STATE_SHOWN = ["selected", "step", "forward", "direction", "which", "paths", "predict", "asked"];
const HELP =
  "Keys: arrows go from box to box, with Shift they move the picture; Enter opens a group; . and , step; + − 0 zoom.";

export function makeInspector(app) {
  const { facts, state } = app;
  const element = make("div", { class: "inside" });

  function parts() {
    const node = facts.nodes[state.selected];
    if (!node) return [overview(facts)];
    return [heading(node), mistakePart(node), chainRule(node), tensors(node), origin(node)];
  }

  function heading(node) {
    const { kind, shape, dtype, device, module, match } = node;
    const words = [KINDS[kind] ?? kind, shapeText(shape), dtype?.replace("torch.", ""), device, module];
    const badges = shownBadges(app, [node.id]).map((mark) => make("span", { class: "badge" }, mark));
    return make("header", {}, make("h3", {}, nodeName(node), badges),
      make("p", { class: "soft" }, words.filter(Boolean).join(" · ")),
      match && make("p", { class: match.status }, STATUS_WORDS[match.status]));
  }

  const hasSent = (id) => facts.compared || facts.turn.get(id) <= state.step;
  const link = (id) => button(nodeName(facts.nodes[id]), () => app.reveal(id), { class: "link" });

  /** What comes back to the node, if from several users, and what it sends back to each input. */
  function chainRule({ id }) {
    const users = facts.users[id].filter((edge) => facts.turn.has(edge.target));
    const back = facts.inputs[id].filter(ruleText);
    if (!back.length && users.length < 2) return null;
    const sum = users.length > 1 && make("div", {}, `Used ${users.length} times, so what comes back is added up (+=):`,
      make("ul", {}, users.map(({ target, grad }) =>
        make("li", {}, "from ", link(target), ": ", hasSent(target) ? rangeText(grad) : "not yet"))));
    const isHidden = state.predict && !hasSent(id); // nothing is given away before it was asked for
    const rules = isHidden ? noTensor("What it sends back is shown when you have predicted it.") : back.map(ruleView);
    return make("section", {}, make("h4", {}, "Chain rule"), sum, rules);
  }

  function ruleView(edge) {
    const sum = edge.summed?.length > 0 && "summed, because the input was broadcast along it";
    const numbers = hasSent(edge.target) && (edge.numbers ?? (edge.grad && `= ${rangeText(edge.grad)}`));
    const notes = [edge.shapes, sum, numbers].filter(Boolean).map((text) => make("small", {}, text));
    const target = make("small", {}, "to ", link(edge.source));
    return make("div", { class: "rule" }, make("code", {}, ruleText(edge)), notes, target);
  }

  function tensors(node) {
    if (node.error || node.kind === "more") return null;
    const views = { value: valueView, grad: gradientView, ...(node.kind === "parameter" && { stored: storedView }) };
    const which = state.which in views ? state.which : "grad";
    const names = { value: "Value", grad: "Gradient", stored: ".grad" };
    const choices = Object.keys(views).map((key) => [key, names[key]]);
    const tabs = choice("Tensor", choices, (key) => app.change({ which: key }));
    tabs.show(which);
    return make("section", {}, tabs.element, views[which](node), comparison(node, which));
  }

  function view(node, which, what) {
    const ask = app.model && which !== "stored" && ((index) => app.model.ask({ node: node.id, which, index }));
    return tensorView(node[which], `${what} of ${nodeName(node)}`, ask);
  }

  function valueView(node) {
    if (!hasValue(node.id, state)) return noTensor("Not computed yet: the forward pass has not come here.");
    return node.value ? view(node, "value", "value") : noTensor("Not known: the value was not kept.");
  }

  function gradientView(node) {
    const known = gradientState(facts, node.id, state);
    if (known === "none") return noTensor("No gradient comes here.");
    if (known === "all") {
      return node.grad ? view(node, "grad", "gradient") : noTensor("Not known: the gradient was not kept.");
    }
    const why = {
      part: "Only a part of the gradient has come; more will be added.",
      yet: "No gradient yet: backward has not come here.",
    }[known];
    const go = (text, step) => button(text, () => app.goto(step, node.id));
    const ways = [go("Go there", lastArrival(facts, node.id)), go("Show all", facts.backward.length - 1)];
    return noTensor(why, !state.predict && make("div", {}, ways));
  }

  function storedView(node) {
    const why = "As it is stored now. It adds up over several backward passes, until it is set to None.";
    const stored = node.stored ? view(node, "stored", ".grad") : noTensor(".grad is None.");
    return make("div", {}, stored, make("p", { class: "soft" }, why));
  }

  function origin(node) {
    const { line, constants } = node;
    const source = line && facts.document.sources[line.source];
    const code = source && make("code", {}, source.lines[line.number - source.first]?.trim());
    const words = source && [make("small", {}, `${source.file}:${line.number}`), code];
    const openCode = () => app.change({ tab: "code" });
    const excerpt = source && button(words, openCode, { class: "excerpt", title: "Show the code" });
    const pressed = { "aria-pressed": String(state.paths) };
    const end = nodeName(facts.nodes[facts.output]);
    const paths = button(`Paths to ${end}`, () => app.change({ paths: !state.paths }), pressed);
    const known = AMOUNTS.filter(([, key]) => typeof node[key] === "number");
    const amounts = known.map(([name, key, unit]) => [name, amountText(node[key], unit)]);
    if (constants) amounts.push(["besides", plural(constants, "constant")]);
    const list = amounts.map(([name, amount]) => make("div", {}, make("dt", {}, name), make("dd", {}, amount)));
    return make("section", {}, excerpt, paths, make("dl", {}, list));
  }

  return {
    element,
    show(changes) {
      if (STATE_SHOWN.some((name) => name in changes)) element.replaceChildren(...parts().filter(Boolean));
    },
  };
}

function overview({ nodes }) {
  const counts = Object.keys(KINDS).map((kind) => [kind, nodes.filter((node) => node.kind === kind).length]);
  const list = counts.filter(([, count]) => count).map(([kind, count]) =>
    make("li", {}, make("i", { class: `swatch ${kind}` }), plural(count, KINDS[kind])));
  return make("div", {}, make("p", {}, "Choose a box to look inside, or step through the chain rule."),
    make("ul", { class: "kinds" }, list), make("p", { class: "soft" }, HELP));
}

/** The reference's tensor and how far mine is from it. */
function comparison({ kind, match, ...node }, which) {
  const reference = match?.[which];
  if (!reference) return null;
  const largest = `Difference, at most ${numberText(match[which === "grad" ? "grad_difference" : "value_difference"])}`;
  const difference = differenceOf(kind === "missing" ? null : node[which], reference);
  const part = (title, tensor) => [make("h4", {}, title), tensor && tensorView({ ...tensor, histogram: null }, title)];
  return make("section", {}, part("Reference", reference), part(largest, difference));
}

/** Mine less the reference in the slice, where both have numbers; null where that makes no sense. */
function differenceOf(mine, reference) {
  if (!mine?.slice || !reference.slice || String(mine.shape) !== String(reference.shape)) return null;
  const less = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : "nan");
  const rows = mine.slice.rows.map((row, i) => row.map((value, j) => less(value, reference.slice.rows[i][j])));
  return { shape: mine.shape, size: mine.size, slice: { of: mine.slice.of, rows } };
}
