"use strict";
// What of a graph is drawn: steps, or all variants of one as a single node, and the edges between what is drawn.

const MOST_DRAWN = 700; // nodes; a layout of more takes longer than one likes to wait
const MOST_EDGES = 2500;
const AROUND = 120; // nodes that are drawn of a graph that is too large

const STATE_ORDER = Object.keys(MARKS);

/** The graph of `schemas/graph.schema.json`, with its steps by id, by name, and what each needs and feeds. */
class Steps {
  constructor({ steps, edges }) {
    this.byId = new Map(steps.map((step) => [step.step, step]));
    this.variants = new Map();
    for (const step of steps) {
      if (!this.variants.has(step.name)) this.variants.set(step.name, []);
      this.variants.get(step.name).push(step);
    }
    this.edges = edges;
    this.states = STATE_ORDER.filter((state) => steps.some((step) => step.state === state));
  }

  /** The id of the node that stands for a step while only these names are open. */
  nodeOf(step, open) {
    const together = this.variants.get(step.name).length;
    return together === 1 || open.has(step.name) ? step.step : `${step.name}[*]`;
  }
}

/** Returns `{nodes, edges}` to draw: nodes `{id, name, steps}`, edges `{from, to, outputs}`, both in the graph's order. */
function picture(steps, open) {
  const nodes = new Map();
  const drawnAs = new Map();
  for (const step of steps.byId.values()) {
    const id = steps.nodeOf(step, open);
    drawnAs.set(step.step, id);
    if (!nodes.has(id)) nodes.set(id, { id, name: step.name, steps: [] });
    nodes.get(id).steps.push(step);
  }
  const edges = new Map();
  for (const edge of steps.edges) {
    const [from, to] = [drawnAs.get(edge.from), drawnAs.get(edge.to)];
    if (from === to || from === undefined || to === undefined) continue; // a variant that feeds another of its step
    const key = JSON.stringify([from, to]);
    if (!edges.has(key)) edges.set(key, { from, to, outputs: new Set() });
    for (const output of edge.outputs) edges.get(key).outputs.add(output);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** True for what would take too long to lay out as a whole. */
function isTooLarge({ nodes, edges }) {
  return nodes.length > MOST_DRAWN || edges.length > MOST_EDGES;
}

/** Cuts a picture down to the nodes nearest to one, by edges in either direction. */
function neighbourhood({ nodes, edges }, id) {
  const beside = new Map(nodes.map((node) => [node.id, []]));
  for (const { from, to } of edges) {
    beside.get(from).push(to);
    beside.get(to).push(from);
  }
  const near = new Set([id]);
  for (const one of near) {
    for (const other of beside.get(one)) if (near.size < AROUND) near.add(other);
  }
  const isNear = ({ from, to }) => near.has(from) && near.has(to);
  return { nodes: nodes.filter((node) => near.has(node.id)), edges: edges.filter(isNear) };
}

/** The state that matters most among steps, or null. */
function worstState(steps) {
  const found = new Set(steps.map((step) => step.state));
  return STATE_ORDER.find((state) => found.has(state)) ?? null;
}

/** How many steps are in each state, the one that matters most first: `[["failed", 1], ["complete", 3]]`. */
function countStates(steps) {
  const count = new Map();
  for (const { state } of steps) count.set(state, (count.get(state) ?? 0) + 1);
  return STATE_ORDER.filter((state) => count.has(state)).map((state) => [state, count.get(state)]);
}

/** Returns the steps whose name, callable, tags, state or outputs hold all words of a query, in the graph's order. */
function findSteps(steps, query) {
  const words = plainText(query).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  return [...steps.byId.values()].filter((step) => {
    const text = plainText([step.step, step.call, ...step.tags, step.state ?? "", ...step.outputs].join(" "));
    return words.every((word) => text.includes(word));
  });
}

function plainText(text) {
  return text.normalize("NFKC").toLowerCase();
}
