// The walk through the graph: forward along the values, backward along the gradients, with a question before a step.

import { button, choice, iconButton, make } from "./dom.js";
import { judge, questionFor } from "./predict.js";
import { nodeName, rangeText, ruleText, shapeText, singleNumber } from "./words.js";

export function makeSteps(app) {
  const { facts, state } = app;
  const isBackward = () => state.direction === "backward";
  const now = () => (isBackward() ? state.step : state.forward);
  const last = () => (isBackward() ? facts.backward : facts.nodes).length - 1;

  const sides = [["forward", "Forward"], ["backward", "Backward"]];
  const directions = choice("Direction", sides, (direction) => app.change({ direction }));
  const buttons = [
    iconButton("To the start", "M4 3v10M12 3l-6 5 6 5z", () => to(-1)),
    iconButton("Step back", "M11 3l-6 5 6 5z", () => walk(-1)),
    iconButton("Next step", "M5 3l6 5-6 5z", () => walk(1), "icon next"),
    iconButton("To the end", "M12 3v10M4 3l6 5-6 5z", () => to(last())),
  ];
  const slide = () => to(Number(slider.value));
  const slider = make("input", { type: "range", min: -1, "aria-label": "Step", oninput: slide });
  const count = make("span", { class: "count" });
  const predict = make("input", { type: "checkbox", onchange: () => app.change({ predict: predict.checked }) });
  const element = make("div", { class: "steps", role: "group", "aria-label": "Walk through the graph", onkeydown },
    directions.element, make("span", {}, buttons), slider, count, make("label", {}, predict, " Predict first"));
  const card = make("div", { class: "card" });

  function to(step) {
    if (isBackward()) app.goto(step);
    else app.change({ forward: step, selected: step < 0 ? state.selected : step, which: "value" });
  }

  /** A step on or back. If one wants to predict, a step on asks first, and another one then skips the question. */
  function walk(by) {
    const step = Math.min(Math.max(now() + by, -1), last());
    if (step === now()) return;
    const asks = by > 0 && state.predict && isBackward() && state.asked === null && questionFor(facts, step);
    if (!asks) return to(step);
    app.change({ asked: step, verdict: null, selected: facts.backward[step], which: "grad" });
    card.querySelector("input").focus();
  }

  function onkeydown(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    walk(by);
  }

  function questionCard() {
    const question = questionFor(facts, state.asked);
    const { element } = question;
    const { grad } = facts.nodes[facts.backward[state.asked]];
    const arrived = state.asked > 0 && grad && `g, which has arrived: ${shapeText(grad.shape)}, ${rangeText(grad)}`;
    const plainText = { autocomplete: "off", spellcheck: "false" };
    const field = (name, label) => make("label", {}, label, make("input", { name, ...plainText }));
    const fields = singleNumber(question.tensor) !== null
      ? field("number", "The number")
      : [field("shape", "Its shape"), element && field("element", `Element ${element.index}, if you like`)];
    const [check, show] = [make("button", { class: "primary" }, "Check"), button("Show me", () => reveal(null))];
    const onsubmit = (event) => {
      event.preventDefault();
      reveal(judge(question, Object.fromEntries(new FormData(event.target))));
    };
    const onkeydown = (event) => {
      if (event.key === "Escape") reveal(null);
      if (event.key !== "Enter" || !event.target.matches("input")) return;
      event.preventDefault(); // JupyterLab keeps an Enter within a cell from sending the form
      event.currentTarget.requestSubmit();
    };
    return make("form", { onsubmit, onkeydown, "aria-label": "Predict" },
      make("strong", {}, question.what), arrived && make("p", {}, arrived), fields, make("div", {}, check, " ", show));
  }

  function reveal(verdict) {
    app.goto(state.asked, undefined, verdict);
    slider.focus(); // its arrow keys step on; a button would be pressed by the same Enter that sent the answer
  }

  return {
    element,
    card,
    walk,
    show(changes) {
      const { asked, verdict } = state;
      directions.show(state.direction);
      slider.max = last();
      slider.value = now();
      slider.disabled = last() < 0;
      count.textContent = `${now() + 1} / ${last() + 1}`;
      predict.checked = state.predict;
      predict.disabled = !isBackward() || last() < 0;
      buttons.forEach((each, i) => each.setAttribute("aria-disabled", String(i < 2 ? now() < 0 : now() >= last())));
      if ("asked" in changes) {
        const said = verdict && make("p", { class: verdict.right ? "verdict right" : "verdict" }, verdict.text);
        card.replaceChildren(...[asked === null ? said : questionCard()].filter(Boolean));
      }
      if (!["step", "forward", "direction"].some((name) => name in changes)) return;
      const words = isBackward() ? backwardWords(facts, state.step) : forwardWords(facts, state.forward);
      slider.setAttribute("aria-valuetext", words);
      app.say([verdict?.text, words].filter(Boolean).join(" "));
    },
  };
}

function forwardWords({ nodes }, step) {
  if (step < 0) return "Before the forward pass.";
  return `Forward, step ${step + 1} of ${nodes.length}: ${nodeName(nodes[step])} is ${rangeText(nodes[step].value)}.`;
}

function backwardWords({ nodes, backward, inputs }, step) {
  if (!backward.length) return "There is no backward pass to walk through.";
  if (step < 0) return "Before the backward pass: no gradient yet.";
  const node = nodes[backward[step]];
  const sent = inputs[node.id].filter(ruleText).map((edge) => {
    const rule = [ruleText(edge), edge.numbers ?? edge.shapes].filter(Boolean).join(", ");
    return `to ${nodeName(nodes[edge.source])}: ${rule}`;
  });
  const what = sent.length ? ` sends ${sent.join("; ")}` : node.grad && ` has the gradient ${rangeText(node.grad)}`;
  return `Backward, step ${step + 1} of ${backward.length}: ${nodeName(node)}${what || ""}.`;
}
