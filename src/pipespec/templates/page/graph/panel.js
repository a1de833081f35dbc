"use strict";
// What is known of one step, or of a step with its variants, as it stands in the panel beside the graph.

/** Everything about a step. `go(id)` shows another one, `fold(name)` folds its variants. */
function stepPanel(step, steps, { go, fold }) {
  const variants = steps.variants.get(step.name).length;
  return [
    element("h2", { tabindex: "-1" }, step.step),
    step.state === null ? null : element("p", {}, stateWord(step.state, { onGround: true })),
    variants > 1 ? button(`Fold the ${variants} variants`, () => fold(step.name)) : null,
    step.description ? element("p", { class: "as-written" }, lines(step.description)) : null,
    section("Function", element("p", {}, element("code", {}, step.call), place(step.place))),
    table("Params", Object.entries(step.params), paramRow),
    table("Inputs", Object.entries(step.inputs), ([argument, text]) => [code(argument), code(text)]),
    table("Outputs", step.outputs, (output) => [code(output), code(step.files[output])]),
    links("Needs", steps.edges.filter((edge) => edge.to === step.step).map((edge) => edge.from), go),
    links("Read by", steps.edges.filter((edge) => edge.from === step.step).map((edge) => edge.to), go),
    step.tags.length ? section("Tags", element("p", {}, ...step.tags.flatMap((tag) => [code(tag), " "]))) : null,
    runSection(step.run, step.state),
  ];
}

/** A step with variants: how they stand, and each of them. */
function variantsPanel(name, steps, { go, fold }) {
  const variants = steps.variants.get(name);
  return [
    element("h2", { tabindex: "-1" }, name),
    element("p", { class: "states" }, ...countStates(variants).flatMap(([state, count]) => [
      element("span", { class: "state on-ground", "data-state": state }, `${MARKS[state]} ${count} ${state}`), " ",
    ])),
    button(`Fold the ${variants.length} variants`, () => fold(name)),
    section("Function", element("p", {}, element("code", {}, variants[0].call), place(variants[0].place))),
    links("Variants", variants.map((step) => step.step), go, (id) => steps.byId.get(id).state),
  ];
}

function section(title, ...content) {
  return element("section", {}, element("h3", {}, title), ...content);
}

function code(text) {
  return element("code", {}, text ?? "");
}

function button(text, act) {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", act);
  return made;
}

function place(text) {
  return text ? element("span", { class: "faint place" }, text) : null;
}

function table(title, rows, cells) {
  if (!rows.length) return null;
  const body = rows.map((row) => element("tr", {}, ...cells(row).map((cell) => element("td", {}, cell))));
  return section(title, element("table", {}, element("tbody", {}, ...body)));
}

/** A param: its name, its value as JSON, and below it the place and layer that set it. */
function paramRow([name, { value, file, line, layer }]) {
  const origin = layer === "set" ? file : `${file}:${line}${layer === "file" ? "" : ` (${layer})`}`;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  return [code(name), element("div", {}, element("code", { class: "as-written" }, lines(text)), place(origin))];
}

function links(title, ids, go, stateOf = () => null) {
  const items = [...new Set(ids)].map((id) => {
    const made = button(id, () => go(id));
    made.className = "link";
    const state = stateOf(id);
    return element("li", {}, made, state ? " " : null, state ? stateWord(state) : null);
  });
  return items.length ? section(title, element("ul", {}, ...items)) : null;
}

function runSection(run, state) {
  if (!run) return null;
  const metrics = Object.entries(run.shown.metrics);
  const id = run.url
    ? element("a", { href: run.url, target: "_blank", rel: "noopener noreferrer" }, `Run ${run.run_id} in MLflow`)
    : element("span", {}, "Run ", code(run.run_id));
  return section(
    ["stale", "missing"].includes(state) ? "Last run" : "Run",
    element("p", {}, id),
    run.url || !run.open ? null : element("p", { class: "faint" }, "Look at it with ", code(run.open), "."),
    run.shown.took ? element("p", {}, `Took ${run.shown.took}.`) : null,
    table("Metrics", metrics, ([name, text]) => [code(name), element("span", { class: "number" }, text)]),
  );
}
