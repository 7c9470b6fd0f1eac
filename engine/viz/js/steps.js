// The walk through the chain rule: forward along the values, backward along the gradients, with a question before each step.

import { choice, iconButton, make } from "./dom.js";
import { judge, questionFor } from "./predict.js";
import { besides, nodeName, rangeText, shapeText, singleNumber } from "./words.js";

export function makeSteps(app) {
  const { facts, state } = app;
  const last = () => (state.direction === "backward" ? facts.backward.length : facts.nodes.length) - 1;
  const now = () => (state.direction === "backward" ? state.step : state.forward);
  const directions = choice("Direction of the walk", [["forward", "Forward"], ["backward", "Backward"]], (direction) => app.change({ direction, asked: null, verdict: null }));
  const slider = make("input", { type: "range", min: -1, "aria-label": "Step", oninput: () => to(Number(slider.value)) });
  const count = make("span", { class: "count" });
  const predict = make("input", { type: "checkbox", onchange: () => app.change({ predict: predict.checked, asked: null, verdict: null }) });
  const buttons = [
    iconButton("To the start", "M4 3v10M12 3l-6 5 6 5z", () => to(-1)),
    iconButton("Step back", "M11 3l-6 5 6 5z", () => walk(-1)),
    iconButton("Next step", "M5 3l6 5-6 5z", () => walk(1), { class: "icon next" }),
    iconButton("To the end", "M12 3v10M4 3l6 5-6 5z", () => to(last())),
  ];
  const element = make("div", { class: "steps", role: "group", "aria-label": "Walk through the graph", onkeydown }, directions.element,
    make("span", { class: "buttons" }, buttons), slider, count, make("label", { class: "predict" }, predict, "Predict first"));
  const card = make("div", { class: "card" });

  function to(step) {
    if (state.direction === "backward") app.goto(step);
    else app.change({ forward: step, selected: facts.nodes[step]?.id ?? state.selected, which: "value", asked: null, verdict: null, paths: false });
  }

  /** One step on or back. If the learner wants to predict, a step on asks first; a second one skips the question. */
  function walk(by) {
    const step = Math.min(Math.max(now() + by, -1), last());
    if (step === now()) return;
    const question = by > 0 && state.predict && state.direction === "backward" && state.asked === null && questionFor(facts, step);
    if (!question) return to(step);
    app.change({ asked: step, verdict: null, selected: facts.backward[step], which: "grad", paths: false });
    card.querySelector("input")?.focus();
  }

  function onkeydown(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    walk(by);
  }

  function askedCard() {
    const question = questionFor(facts, state.asked);
    const isNumber = singleNumber(question.tensor) !== null;
    const field = (name, label) => make("label", {}, label, make("input", { name, autocomplete: "off", spellcheck: "false" }));
    const { element: asked } = question;
    const fields = isNumber ? [field("number", "The number")] : [field("shape", "Its shape"), asked && field("element", `Element ${asked.index} (if you like)`)];
    const onsubmit = (event) => {
      event.preventDefault();
      reveal(judge(question, Object.fromEntries(new FormData(event.target))));
    };
    const onkeydown = (event) => (event.key === "Escape" ? reveal(null) : event.stopPropagation());
    return make("form", { onsubmit, onkeydown, "aria-label": "Predict" }, make("strong", {}, question.what), question.rule && make("code", {}, `g is ${gradientWords(question)}`), fields,
      make("div", { class: "buttons" }, make("button", { type: "submit", class: "primary" }, "Check"), make("button", { type: "button", onclick: () => reveal(null) }, "Show me")));
  }

  function gradientWords({ arriving }) {
    const { grad } = facts.nodes[facts.backward[state.asked]];
    return grad ? `${shapeText(arriving)}, ${rangeText(grad)}` : shapeText(arriving);
  }

  function reveal(verdict) {
    app.goto(state.asked, undefined, verdict);
    element.querySelector(".next").focus();
  }

  return {
    element,
    card,
    walk,
    show(changes) {
      directions.show(state.direction);
      slider.max = last();
      slider.value = now();
      slider.disabled = last() < 0;
      const words = stepWords(app);
      slider.setAttribute("aria-valuetext", words);
      count.textContent = `${now() + 1} / ${last() + 1}`;
      predict.checked = state.predict;
      predict.disabled = state.direction === "forward" || last() < 0;
      buttons.forEach((button, i) => button.setAttribute("aria-disabled", String(i < 2 ? now() < 0 : now() >= last())));
      if ("asked" in changes || "verdict" in changes) {
        const content = state.asked !== null ? askedCard() : state.verdict && make("p", { class: state.verdict.right ? "verdict right" : "verdict" }, state.verdict.text);
        card.replaceChildren(...(content ? [content] : []));
      }
      if (["step", "forward", "direction"].some((name) => name in changes)) app.say([state.verdict?.text, words].filter(Boolean).join(" "));
    },
  };
}

/** A step in words, for the live region. */
export function stepWords({ facts, state }) {
  if (state.direction === "forward") {
    const node = facts.nodes[state.forward];
    return node ? `Forward step ${state.forward + 1} of ${facts.nodes.length}: ${nodeName(node)} is ${rangeText(node.value)}` : "Before the forward pass";
  }
  const id = facts.backward[state.step];
  if (id === undefined) return facts.backward.length ? "Before the backward pass: no gradient yet" : "There is no backward pass to walk";
  const sends = facts.inputs[id].filter((edge) => edge.text ?? edge.rule).map((edge) => {
    const parts = [edge.text ?? edge.rule, besides(edge), edge.numbers ?? edge.shapes].filter(Boolean).join(", ");
    return `to ${nodeName(facts.nodes[edge.source])}: ${parts}`;
  });
  return `Backward step ${state.step + 1} of ${facts.backward.length}: ${nodeName(facts.nodes[id])}${sends.length ? ` sends ${sends.join("; ")}` : ""}`;
}
