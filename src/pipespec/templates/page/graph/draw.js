"use strict";
// A picture and its layout as SVG. Sizes of nodes come from their texts as the browser measures them.

const NODE = { height: 46, least: 96, most: 270, padding: 14, bar: 5 };

/** Gives each node its two lines, cut to fit, and its size. */
function measure(nodes) {
  const widths = { name: ruler("node-name"), note: ruler("node-note") };
  for (const node of nodes) {
    const room = NODE.most - 2 * NODE.padding - NODE.bar;
    const [name, note] = [shown(nameOf(node)), shown(noteOf(node))];
    node.lines = { name: fit(name, room, widths.name), note: fit(note, room, widths.note) };
    const text = Math.max(widths.name(node.lines.name), widths.note(node.lines.note));
    node.width = Math.ceil(Math.max(NODE.least, text + 2 * NODE.padding + NODE.bar));
    node.height = NODE.height;
  }
}

function isFolded(node) {
  return node.steps.length > 1;
}

function nameOf(node) {
  return isFolded(node) ? `${node.name} ×${node.steps.length}` : node.id;
}

/** The second line: the state, or of variants how many are in each, or else the function. */
function noteOf(node) {
  const states = countStates(node.steps);
  if (isFolded(node)) {
    if (!states.length) return `${node.steps.length} variants`;
    return states.map(([state, count]) => `${MARKS[state] ?? ""} ${count} ${state}`).join("  ");
  }
  const [step] = node.steps;
  if (step.state === null) return step.call;
  const took = step.run?.shown.took;
  return `${MARKS[step.state] ?? ""} ${step.state}${took ? ` · ${took}` : ""}`;
}

/** Returns a function that tells how wide a text is in the font of a class. */
function ruler(name) {
  const probe = element("span", { class: name });
  document.body.append(probe);
  const context = document.createElement("canvas").getContext("2d");
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(probe);
  context.font = `${fontWeight} ${fontSize} ${fontFamily}`;
  probe.remove();
  return (text) => context.measureText(text).width;
}

/** Cuts a text that is too wide, at its end, and says so by `…`. */
function fit(text, room, width) {
  if (width(text) <= room) return text;
  const characters = Array.from(text.slice(0, 400));
  let [fits, tooMany] = [0, characters.length];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (width(`${characters.slice(0, middle).join("")}…`) <= room) fits = middle;
    else tooMany = middle;
  }
  return `${characters.slice(0, fits).join("")}…`;
}

/** Draws all; returns `{group, nodes, edges}`, the elements of nodes by id and of edges in their order. */
function draw({ nodes, edges }, layout) {
  const drawnEdges = edges.map((edge, number) => drawEdge(edge, layout.edges[number]));
  const drawnNodes = new Map(nodes.map((node) => [node.id, drawNode(node, layout.nodes[node.id])]));
  const group = drawing(
    "g", {}, ...layout.frames.map((frame) => drawing("rect", { class: "frame", rx: 10, ...frame })),
    drawing("g", { class: "edges", "aria-hidden": "true" }, ...drawnEdges), drawing("g", {}, ...drawnNodes.values()),
  );
  return { group, nodes: drawnNodes, edges: drawnEdges };
}

function drawEdge(edge, path) {
  const outputs = [...edge.outputs];
  const kind = outputs.length ? "edge" : "edge order";
  return drawing(
    "g", { class: kind, "data-outputs": outputs.join(", ") || "order only", "data-ends": `${edge.from} → ${edge.to}` }, drawing("path", { class: "touch", d: path }), drawing("path", { class: "line", d: path }),
    drawing("path", { class: "tip", d: tipOf(path) }),
  );
}

/** An arrow's tip at the end of a path, which always arrives level from the left, or straight from above. */
function tipOf(path) {
  const [, x, y, way, end] = /(-?[\d.]+) (-?[\d.]+)([HV])(-?[\d.]+)$/.exec(path);
  return way === "H" ? `M${end} ${y}l-7 -3.5v7z` : `M${x} ${end}l-3.5 -7h7z`;
}

function drawNode(node, { x, y, width, height }) {
  const state = worstState(node.steps);
  const folded = isFolded(node);
  const inner = [drawing("title", {}, node.steps.length > 1 ? nameOf(node) : node.id)];
  if (folded) inner.push(...[8, 4].map((by) => drawing("rect", { class: "behind", x: by, y: -by, width, height, rx: 8 })));
  inner.push(
    drawing("rect", { class: "body", width, height, rx: 8 }),
    drawing("path", { class: "bar", d: `M8 0h-3a5 5 0 0 0 -5 5v${height - 10}a5 5 0 0 0 5 5h3z` }),
    drawing("text", { class: "node-name", x: NODE.padding + NODE.bar, y: 19 }, node.lines.name),
    drawing("text", { class: "node-note", x: NODE.padding + NODE.bar, y: 36 }, node.lines.note),
  );
  return drawing(
    "g",
    {
      class: folded ? "node folded" : "node", "data-state": state ?? "", "data-id": node.id, transform: `translate(${x} ${y})`,
      role: "button", tabindex: "-1", "aria-label": spoken(node, state), "aria-expanded": folded ? "false" : null,
    },
    ...inner,
  );
}

function spoken(node, state) {
  const states = countStates(node.steps).map(([one, count]) => `${count} ${one}`).join(", ");
  if (isFolded(node)) return `${node.name}, ${node.steps.length} variants${states ? `, ${states}` : ""}`;
  return `${node.id}${state ? `, ${state}` : ""}`;
}
