// Inside a node: what it is, what it sends back and why, and its tensors.

import { choice, make } from "./dom.js";
import { gradientState, hasValue } from "./facts.js";
import { shownBadges } from "./picture.js";
import { noTensor, tensorView } from "./tensors.js";
import { amountText, besides, nodeName, numberText, rangeText, shapeText } from "./words.js";

const STATUS_WORDS = { same: "✓ the same as the reference", differs: "≠ differs from the reference", extra: "+ not in the reference", missing: "− only in the reference" };

export function makeInspector(app) {
  const { facts, state } = app;
  const element = make("div", { class: "inside", role: "tabpanel", "aria-label": "Node" });

  function filled() {
    if (state.selected === null) return [overview(facts)];
    const node = facts.nodes[state.selected];
    return [heading(node), errorPart(node), matchPart(app, node), chainRule(node), tensors(node), about(node)];
  }

  function heading(node) {
    const path = facts.around[node.id].map((id) => facts.groupOf.get(id).path || facts.groupOf.get(id).label).at(-1);
    const facts_ = [node.kind, shapeText(node.shape), node.dtype?.replace("torch.", ""), node.device, path].filter(Boolean).join(" · ");
    const badges = shownBadges(app, [node.id]).map((mark) => make("span", { class: "badge" }, mark));
    return make("header", {}, make("h3", {}, nodeName(node), badges), make("p", { class: "kind" }, facts_));
  }

  /** What arrives at the node and what it sends back to each input. */
  function chainRule(node) {
    const sent = facts.turn.get(node.id) <= state.step || facts.compared;
    const hide = !sent && state.predict; // an answer is not to be given away before it was asked for
    const back = facts.inputs[node.id].filter((edge) => edge.text ?? edge.rule);
    const users = facts.users[node.id].filter((edge) => facts.turn.has(edge.target));
    if (!back.length && users.length < 2) return null;
    return make("section", { class: "rules" }, make("h4", {}, "Chain rule"),
      users.length > 1 && make("div", { class: "adds" }, `used ${users.length} times, so what comes back is added up (+=):`, make("ul", {}, users.map((edge) => arriving(edge)))),
      hide ? noTensor("What it sends back is shown once you have predicted it.") : back.map((edge) => ruleView(edge, sent)));
  }

  function arriving(edge) {
    const come = facts.compared || facts.turn.get(edge.target) <= state.step;
    return make("li", {}, "from ", link(edge.target), ": ", come ? rangeText(edge.grad) : make("span", { class: "yet" }, "not yet"));
  }

  function ruleView(edge, sent) {
    const notes = [edge.shapes, edge.summed?.length && `sum(dim ${edge.summed.join(", ")}): the input was broadcast along it`, edge.cast && `cast: ${besides({ cast: edge.cast })}`];
    return make("div", { class: "rule" }, make("code", {}, edge.text ?? edge.rule), notes.filter(Boolean).map((note) => make("small", {}, note)),
      sent && edge.numbers && make("small", { class: "numbers" }, edge.numbers), make("small", {}, "to ", link(edge.source), sent && edge.grad && !edge.numbers && `: ${rangeText(edge.grad)}`));
  }

  function link(id) {
    return make("button", { type: "button", class: "link", onclick: () => app.reveal(id) }, nodeName(facts.nodes[id]));
  }

  function tensors(node) {
    if (node.error || node.kind === "more") return null;
    const tabs = [["value", "Value"], ["grad", "Gradient"], ...(node.kind === "parameter" ? [["stored", ".grad"]] : [])];
    const which = tabs.some(([key]) => key === state.which) ? state.which : "grad";
    const choices = choice("Tensor", tabs, (key) => app.change({ which: key }));
    choices.show(which);
    return make("section", {}, choices.element, { value: valueView, grad: gradientView, stored: storedView }[which](node));
  }

  function view(node, which, title) {
    const ask = app.model?.ask && which !== "stored" ? (index) => app.model.ask({ node: node.id, which, index }) : null;
    return tensorView(node[which], `${title} of ${nodeName(node)}`, ask);
  }

  function valueView(node) {
    if (!hasValue(node.id, state)) return noTensor("Not computed yet: the forward pass has not come here.");
    return node.value ? view(node, "value", "value") : noTensor("Not known: the value was not kept.");
  }

  function gradientView(node) {
    const known = gradientState(facts, node.id, state);
    if (known === "none") return noTensor("No gradient comes here.");
    if (known === "all") return node.grad ? view(node, "grad", "gradient") : noTensor("Not known: backward came here, but the gradient was not kept.");
    const turns = facts.users[node.id].map((edge) => facts.turn.get(edge.target)).filter((turn) => turn !== undefined);
    const last = turns.length ? Math.max(...turns) : facts.turn.get(node.id);
    const why = known === "part" ? "Part of the gradient has arrived; more will be added." : "No gradient yet: backward has not come here.";
    const jumps = !state.predict && [["Go there", last], ["Show all", facts.backward.length - 1]].map(([text, step]) =>
      make("button", { type: "button", onclick: () => app.goto(step, node.id) }, text));
    return noTensor(why, jumps || []);
  }

  function storedView(node) {
    const why = make("p", { class: "hint" }, ".grad as it is stored: it adds up over several backward passes, until it is set to None.");
    return make("div", {}, node.stored ? view(node, "stored", ".grad") : noTensor(".grad is None."), why);
  }

  function about(node) {
    const measured = [["forward", "seconds", "s"], ["backward", "backward_seconds", "s"], ["result", "bytes", "B"], ["saved", "saved_bytes", "B"]]
      .filter(([, key]) => node[key] !== null && node[key] !== undefined).map(([name, key, unit]) => [name, amountText(node[key], unit)]);
    if (node.constants) measured.push(["constants", String(node.constants)]);
    const source = node.line && facts.document.sources[node.line.source];
    const text = source?.lines[node.line.number - source.first]?.trim();
    return make("section", { class: "about" },
      make("button", { type: "button", "aria-pressed": String(state.paths), onclick: () => app.change({ paths: !state.paths }) }, `Paths to ${facts.nodes[facts.output].label}`),
      source && make("button", { type: "button", class: "excerpt", title: "Show the code", onclick: () => app.change({ tab: "code" }) }, make("span", {}, `${source.file}:${node.line.number}`), make("code", {}, text ?? "")),
      measured.length > 0 && make("dl", { class: "facts" }, measured.map(([name, words]) => make("div", {}, make("dt", {}, name), make("dd", {}, words)))));
  }

  return {
    element,
    show(changes) {
      const relevant = ["selected", "step", "forward", "direction", "which", "paths", "predict", "asked"];
      if (!element.hasChildNodes() || relevant.some((name) => name in changes)) element.replaceChildren(...filled().filter(Boolean));
    },
  };
}

function overview(facts) {
  const count = (kind) => facts.nodes.filter((node) => node.kind === kind).length;
  const kinds = [["parameter", "parameters: leaves that have a gradient"], ["input", "inputs: data without one"], ["op", "operations and their results"], ["output", "the output"], ["failed", "failed"]];
  return make("div", { class: "overview" }, make("p", {}, "Choose a box to look inside, or step through the chain rule."),
    make("ul", {}, kinds.filter(([kind]) => count(kind)).map(([kind, words]) => make("li", {}, make("i", { class: `swatch ${kind}` }), `${count(kind).toLocaleString("en")} ${words}`))));
}

/** The shapes of an operation that raised, sizes under each other from the right, as broadcasting compares them. */
function errorPart({ error, op }) {
  if (!error) return null;
  const longest = Math.max(0, ...error.shapes.map(([, shape]) => shape.length));
  const name = Math.max(0, ...error.shapes.map(([name]) => [...name].length));
  const wide = Math.max(1, ...error.shapes.flatMap(([, shape]) => shape.map((size) => String(size).length)));
  const clashing = (column) => {
    if (op === "matmul" || op === "linear") return false;
    const sizes = new Set(error.shapes.map(([, shape]) => shape[shape.length - longest + column]).filter((size) => size !== undefined && size !== 1));
    return sizes.size > 1;
  };
  const isMatmul = op === "matmul" && error.shapes.length === 2;
  const rows = error.shapes.map(([each, shape], row) => make("div", {}, `${each.padEnd(name)}  `, Array.from({ length: longest }, (_, column) => {
    const at = shape.length - longest + column;
    const inner = isMatmul && at >= 0 && at === (row === 0 || shape.length === 1 ? shape.length - 1 : shape.length - 2);
    const text = (at < 0 ? "" : String(shape[at])).padStart(wide + 2);
    return clashing(column) || inner ? make("mark", {}, text) : text;
  })));
  return make("section", { class: "error" }, make("h4", {}, `✕ ${error.kind}`), make("p", {}, error.message), rows.length > 0 && make("pre", {}, rows));
}

function matchPart(app, node) {
  const { match } = node;
  if (!match) return null;
  const compared = [["value", "value_difference"], ["grad", "grad_difference"]].filter(([which]) => match[which]).map(([which, difference]) => {
    const what = which === "grad" ? "gradient" : "value";
    const mine = node.kind === "missing" ? null : node[which];
    return make("div", { class: "compared" },
      make("h5", {}, `${what}: largest difference ${numberText(match[difference])}`, match.first === which && make("span", { class: "badge" }, `first ${what} that differs`)),
      [["mine", mine], ["reference", match[which]], ["difference", difference_(mine, match[which])]].map(([title, tensor]) =>
        make("div", {}, make("h6", {}, title), tensor ? tensorView({ ...tensor, histogram: null }, `${title}: ${what} of ${nodeName(node)}`) : noTensor("not known"))));
  });
  return make("section", { class: `match ${match.status}` }, make("h4", {}, STATUS_WORDS[match.status]), compared);
}

/** Mine less the reference, where both slices show numbers. */
function difference_(mine, reference) {
  if (!mine?.slice || !reference?.slice || String(mine.shape) !== String(reference.shape)) return null;
  const less = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : "nan");
  const rows = mine.slice.rows.map((row, i) => row.map((value, j) => less(value, reference.slice.rows[i]?.[j])));
  return { shape: mine.shape, size: mine.size, slice: { of: mine.slice.of, rows } };
}
