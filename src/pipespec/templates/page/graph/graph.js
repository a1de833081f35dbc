"use strict";
// The graph that one can look at: drawn, moved, searched, opened, walked by keyboard, with a panel for what is chosen.

const WAYS = [1.6, 3.2, 0.8, 0.4].flatMap((block) => [{ rank: 64, block }, { rank: 30, block }, { down: true, rank: 26, block }]);
const FEW = 60; // nodes; of more one way is tried
const PANEL = 400; // as wide as its style says

class GraphView {
  /**
   * Draws a graph of `schemas/graph.schema.json` into an empty element.
   * `wheel`: the wheel scales without Ctrl, for a graph that is the page. `more(step)`: further elements for its panel.
   */
  constructor(host, graph, { wheel = false, more = () => [] } = {}) {
    this.steps = new Steps(graph);
    this.more = more;
    this.open = new Set(); // names of steps whose variants are drawn
    this.middle = null; // the step that a graph too large to draw is drawn around
    this.found = [];
    this.#build(host, wheel);
    this.#redraw();
    this.#begin();
  }

  /** Chooses a step: draws it where it is not, moves to it, and tells of it in the panel. */
  choose(id) {
    const step = this.steps.byId.get(id);
    this.#uncover(step);
    this.#showPanel(stepPanel(step, this.steps, this.#actions).concat(this.more(step)));
    this.#focus(id);
    this.#markChosen();
  }

  /** Marks what a query finds. */
  search(query) {
    this.input.value = query;
    this.found = findSteps(this.steps, query);
    this.next = 0;
    const count = this.found.length;
    this.count.textContent = query.trim() ? `${count} of ${this.steps.byId.size}` : "";
    this.#mark();
  }

  // ------------------------------------------------------------------------------------------------ building

  #build(host, wheel) {
    const group = drawing("g");
    this.svg = drawing("svg", { class: "graph-picture", role: "group", "aria-label": "Graph of the steps" }, group);
    this.viewport = new Viewport(this.svg, group, { wheel });
    this.stage = group;
    this.input = element("input", {
      type: "search", placeholder: "Search  /", "aria-label": "Search by name, function, tag, state", spellcheck: "false", autocomplete: "off",
    });
    this.count = element("span", { class: "faint count", role: "status" });
    this.notice = element("p", { class: "graph-notice", hidden: true, role: "status" });
    this.panel = element("aside", { class: "graph-panel", hidden: true, "aria-label": "The step that is chosen" });
    // It listens in place of the picture: Chromium lets one tab to an SVG that does.
    this.tip = element("div", { class: "graph-tip", hidden: true, "aria-hidden": "true" });
    this.canvas = element("div", { class: "graph-canvas" }, this.svg, this.notice, this.#zoomButtons(), this.tip);
    host.classList.add("graph");
    this.said = element("p", { class: "visually-hidden", role: "status" }); // for screen readers
    host.append(this.#bar(), element("div", { class: "graph-stage" }, this.canvas, this.panel), this.said);
    this.host = host;
    this.#listen();
    this.#actions = { go: (id) => this.choose(id), fold: (name) => this.#fold(name) };
  }

  #actions;

  #bar() {
    const states = countStates([...this.steps.byId.values()]).map(([state, count]) => {
      const made = button("", () => this.search(this.input.value === state ? "" : state));
      made.append(element("span", { class: "state", "data-state": state }, `${MARKS[state]} ${count} ${state}`));
      made.title = `Mark what is ${state}`;
      return made;
    });
    return element("div", { class: "graph-bar", role: "search" }, this.input, this.count, element("div", { class: "states" }, ...states));
  }

  #zoomButtons() {
    const made = [
      ["+", "Larger", () => this.viewport.zoom(SCALE.step)],
      ["−", "Smaller", () => this.viewport.zoom(1 / SCALE.step)],
      ["Fit", "Show all", () => this.viewport.fit()],
    ].map(([text, name, act]) => {
      const one = button(text, act);
      one.setAttribute("aria-label", name);
      one.title = name;
      return one;
    });
    return element("div", { class: "graph-zoom" }, ...made, keysHelp());
  }

  #listen() {
    this.input.addEventListener("input", () => this.search(this.input.value));
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.found.length) this.#jump(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") this.search("");
    });
    this.svg.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      if (this.viewport.wasDragged) return;
      if (node) this.#activate(node.dataset.number);
      else this.#hidePanel();
    });
    this.canvas.addEventListener("focusin", (event) => this.#light(event.target.closest(".node")));
    this.canvas.addEventListener("focusout", () => this.#light(null));
    this.canvas.addEventListener("pointerover", (event) => this.#light(event.target.closest(".node")));
    this.canvas.addEventListener("pointermove", (event) => this.#name(event.target.closest(".edge"), event));
    this.canvas.addEventListener("pointerleave", () => this.#name(null));
    this.canvas.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !isTyping(event.target)) {
        event.preventDefault();
        this.input.focus();
        this.input.select();
      } else if (event.key === "Escape" && !isTyping(event.target)) this.#hidePanel();
    });
  }

  // ------------------------------------------------------------------------------------------------- drawing

  #redraw() {
    let drawn = picture(this.steps, this.open);
    const count = drawn.nodes.length;
    if (isTooLarge(drawn)) {
      const all = [...this.steps.byId.values()];
      this.middle ??= (all.find((step) => step.state === "failed") ?? all[0]).step;
      drawn = neighbourhood(drawn, this.steps.nodeOf(this.steps.byId.get(this.middle), this.open));
      this.notice.textContent =
        `${count.toLocaleString("en")} nodes are too many to draw at once: these are the ${drawn.nodes.length} around `
        + `${shown(this.middle)}. Search, or choose a step in the panel, to see what is around another.`;
    } else this.middle = null;
    this.notice.hidden = this.middle === null;
    measure(drawn.nodes);
    this.way ??= this.#bestWay(drawn);
    this.layout = layOut(drawn.nodes, drawn.edges, this.way);
    this.drawn = draw(drawn, this.layout);
    this.nodes = new Map(drawn.nodes.map((node) => [node.id, node]));
    this.edges = drawn.edges;
    this.order = drawn.nodes;
    drawn.nodes.forEach((node, number) => { this.drawn.nodes.get(node.id).dataset.number = number; });
    this.stage.replaceChildren(this.drawn.group);
    this.viewport.size = this.layout;
    this.current = null;
    if (this.order.length) this.#setCurrent(this.order[0].id);
    this.#mark();
  }

  /** The way to lay out in which all is shown largest, also beside the panel: from left to right where that is large enough. */
  #bestWay({ nodes, edges }) {
    if (nodes.length > FEW) return WAYS[0];
    const isNarrow = matchMedia("(max-width: 760px)").matches;
    const panel = isNarrow ? { width: 0, height: 0 } : { width: PANEL, height: 0 };
    const scales = WAYS.map((way) => this.viewport.scaleOf(layOut(nodes, edges, way), panel));
    const best = Math.min(Math.max(...scales), 1);
    return WAYS[scales.findIndex((scale) => scale >= best)];
  }

  #begin() {
    const worst = this.order.find((node) => node.steps.some((step) => step.state === "failed")) ?? this.order[0];
    this.viewport.begin(worst && this.layout.nodes[worst.id]);
  }

  /** Draws what has to be, for a step to be seen: its variants, or what is around it. */
  #uncover(step) {
    const opens = this.steps.nodeOf(step, this.open) !== step.step;
    if (opens) this.open.add(step.name);
    if (opens || !this.nodes.has(step.step)) {
      this.middle = step.step;
      this.#redraw();
    }
  }

  #fold(name) {
    this.open.delete(name);
    this.#hidePanel();
    this.viewport.keep(() => this.#redraw());
    this.#focus(`${name}[*]`);
  }

  #activate(number) {
    const node = this.order[number];
    if (!isFolded(node)) {
      this.choose(node.id);
      return;
    }
    this.open.add(node.name);
    this.middle = node.steps[0].step;
    this.viewport.keep(() => this.#redraw());
    this.#showPanel(variantsPanel(node.name, this.steps, this.#actions));
    this.#focus(node.steps[0].step);
  }

  // ------------------------------------------------------------------------------------------------- walking

  #onKey(event) {
    const keys = { "+": () => this.viewport.zoom(SCALE.step), "-": () => this.viewport.zoom(1 / SCALE.step), 0: () => this.viewport.fit() };
    const node = event.target.closest(".node");
    if (node) {
      Object.assign(keys, {
        Enter: () => this.#activate(node.dataset.number), " ": () => this.#activate(node.dataset.number),
        ...this.#arrows(),
        PageDown: () => this.#goto(this.order[Number(node.dataset.number) + 1]?.id),
        PageUp: () => this.#goto(this.order[Number(node.dataset.number) - 1]?.id),
        Home: () => this.#goto(this.order[0].id), End: () => this.#goto(this.order.at(-1).id),
        Backspace: () => this.open.has(this.nodes.get(this.current).name) && this.#fold(this.nodes.get(this.current).name),
      });
    }
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** Those along edges, and those to what is beside a node: which are which depends on the way of the layout. */
  #arrows() {
    const [at, { down }] = [this.layout.nodes, this.way];
    const [forth, back, next, previous] = down
      ? ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"] : ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"];
    return {
      [forth]: () => this.#goto(alongEdge(this.edges, at, this.current, "from", "to", down)),
      [back]: () => this.#goto(alongEdge(this.edges, at, this.current, "to", "from", down)),
      [next]: () => this.#goto(beside(at, this.current, 1, down)),
      [previous]: () => this.#goto(beside(at, this.current, -1, down)),
    };
  }

  #goto(id) {
    if (id !== undefined) this.#focus(id);
  }

  #focus(id) {
    this.#setCurrent(id);
    this.viewport.show(this.layout.nodes[id], { scale: SCALE.legible });
    this.drawn.nodes.get(id).focus({ preventScroll: true });
  }

  /** One node can be reached by Tab; arrows lead on from there. */
  #setCurrent(id) {
    this.drawn.nodes.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = id;
    this.drawn.nodes.get(id).setAttribute("tabindex", "0");
  }

  // ----------------------------------------------------------------------------------------- marks and panel

  #jump(by) {
    const count = this.found.length;
    if (by < 0) this.next = (this.next + count - 2) % count;
    const step = this.found[this.next];
    this.next = (this.next + 1) % count;
    this.count.textContent = `${this.found.indexOf(step) + 1} of ${count}`;
    this.choose(step.step);
    this.input.focus({ preventScroll: true });
  }

  #mark() {
    const found = new Set(this.found);
    const isSearching = Boolean(this.input.value.trim());
    this.host.classList.toggle("searching", isSearching);
    for (const node of this.order) {
      this.drawn.nodes.get(node.id).classList.toggle("found", isSearching && node.steps.some((step) => found.has(step)));
    }
  }

  /** Lights the edges of a node, and what they lead to. */
  #light(element_) {
    for (const lit of this.stage.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!element_) return;
    const { id } = this.order[element_.dataset.number];
    this.edges.forEach((edge, number) => {
      if (edge.from === id || edge.to === id) this.drawn.edges[number].classList.add("lit");
    });
  }

  /** Names an edge beside the pointer: by what is handed on. */
  #name(edge, { clientX, clientY } = {}) {
    this.tip.hidden = !edge;
    if (!edge) return;
    this.tip.replaceChildren(element("b", {}, edge.dataset.outputs), element("div", { class: "faint" }, edge.dataset.ends));
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const place = (at, size, room) => Math.max(4, at + 14 + size > room ? at - 14 - size : at + 14);
    this.tip.style.left = `${place(clientX - left, this.tip.offsetWidth, width)}px`;
    this.tip.style.top = `${place(clientY - top, this.tip.offsetHeight, height)}px`;
  }

  #showPanel(content) {
    const close = button("Close", () => this.#hidePanel());
    close.className = "close";
    this.panel.replaceChildren(close, ...content.filter(Boolean));
    this.viewport.keep(() => { this.panel.hidden = false; });
    this.panel.scrollTop = 0;
    this.said.textContent = `${this.panel.querySelector("h2").textContent}: details are in the panel`;
  }

  #markChosen() {
    for (const one of this.stage.querySelectorAll(".chosen")) one.classList.remove("chosen");
    if (!this.panel.hidden) this.drawn.nodes.get(this.current).classList.add("chosen");
  }

  #hidePanel() {
    if (this.panel.hidden) return;
    const hadFocus = this.panel.contains(document.activeElement);
    this.viewport.keep(() => { this.panel.hidden = true; });
    this.#markChosen();
    if (hadFocus) this.#focus(this.current);
  }
}
