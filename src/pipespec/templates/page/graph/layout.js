"use strict";
// Where nodes stand and how edges run, from left to right, or downwards. Takes sizes, gives coordinates; knows neither browser
// nor page, so that pages and `graph --format svg` share it. dagre places the layers; what it is not made for is done before and after:
// many like siblings become a block of columns with a frame, where edges end; parts that hang together are packed; and edges
// keep clear of nodes.

const GAP = { rank: 64, node: 18, edge: 12, block: 12, frame: 12, beside: 120, below: 40 };
const FEWEST_IN_BLOCK = 12;
const SHAPE = 1.6; // width by height that a picture strives for
const MANY_EDGES = 250; // of one part: more take seconds by the best way, so they are laid out by a quicker one
const BENDS_BY_BLOCK = 2; // that dagre places in a large part; the longest edges, which would have more, go straight

/**
 * Lays out nodes `{id, width, height}` and edges `{from, to}`.
 * Returns `{width, height, nodes: {id: {x, y, width, height}}, frames: [{x, y, width, height}], edges: [path]}`, edges in
 * their order, `y` downwards. `rank` is the room between columns; with `down` they are rows: all is laid out lying on its side.
 * `block` is the shape that a block of siblings strives for, width by height.
 */
function layOut(nodes, edges, { down = false, rank = GAP.rank, block = SHAPE } = {}) {
  const way = { down, rank, shape: down ? 1 / SHAPE : SHAPE, block: down ? 1 / block : block };
  const blocks = inBlocks(down ? nodes.map(turned) : nodes, edges, way);
  const blockOf = new Map(blocks.flatMap((block) => block.nodes.map((node) => [node.id, block])));
  const between = edges.map((edge) => ({ edge, from: blockOf.get(edge.from), to: blockOf.get(edge.to) }));
  const parts = inParts(blocks, between).map((part) => layOutPart(part, way));
  const size = pack(parts, way);
  const placed = Object.create(null); // a step may be called like anything that objects have
  for (const part of parts) {
    for (const block of part.blocks) placeBlock(block, part, placed);
  }
  const paths = new Map();
  for (const part of parts) {
    for (const link of part.links) paths.set(link.edge, pathOf(link, part, way));
  }
  const frames = blocks.filter((block) => block.nodes.length > 1).map((block) => block.place);
  const places = [...Object.values(placed), ...frames];
  for (const place of down ? [size, ...places] : []) Object.assign(place, turned(place));
  places.forEach(round);
  return { ...size, nodes: placed, frames, edges: edges.map((edge) => paths.get(edge)) };
}

/** What lies on its side: the same with its axes exchanged. */
function turned({ x, y, width, height, ...rest }) {
  return { ...rest, ...(x === undefined ? {} : { x: y, y: x }), width: height, height: width };
}

/** Puts together what has the same size and the same neighbours, where it is many; all others stand alone. */
function inBlocks(nodes, edges, way) {
  const above = new Map(nodes.map((node) => [node.id, []]));
  const below = new Map(nodes.map((node) => [node.id, []]));
  for (const { from, to } of edges) {
    above.get(to).push(from);
    below.get(from).push(to);
  }
  const alike = new Map();
  for (const node of nodes) {
    const [ins, outs] = [above.get(node.id).sort(), below.get(node.id).sort()];
    const kind = ins.length + outs.length ? JSON.stringify([ins, outs]) : "alone";
    if (!alike.has(kind)) alike.set(kind, []);
    alike.get(kind).push(node);
  }
  const sets = [...alike.values()].map((set) => (set.length < FEWEST_IN_BLOCK ? set.map((one) => [one]) : [set]));
  let id = 0;
  return sets.flatMap((set, kind) => set.map((together) => asBlock(together, String(id++), kind, way)));
}

function asBlock(nodes, id, kind, { block: shape }) {
  const width = Math.max(...nodes.map((node) => node.width));
  const height = Math.max(...nodes.map((node) => node.height));
  const columns = nodes.length === 1 ? 1 : Math.ceil(Math.sqrt((nodes.length * height * shape) / width));
  const rows = Math.ceil(nodes.length / columns);
  const frame = nodes.length > 1 ? GAP.frame : 0;
  return {
    id, kind, nodes, columns, frame, cell: { width, height },
    width: columns * (width + GAP.block) - GAP.block + 2 * frame,
    height: rows * (height + GAP.block) - GAP.block + 2 * frame,
  };
}

/** Splits blocks into parts that no edge joins, in the order of their first block. */
function inParts(blocks, between) {
  const partOf = new Map(blocks.map((block) => [block, { blocks: [block], links: [] }]));
  for (const { from, to } of between) {
    const [one, other] = [partOf.get(from), partOf.get(to)];
    if (one === other) continue;
    const [large, small] = one.blocks.length >= other.blocks.length ? [one, other] : [other, one];
    for (const block of small.blocks) partOf.set(block, large);
    large.blocks.push(...small.blocks);
  }
  for (const link of between) partOf.get(link.from).links.push(link);
  return [...new Set(blocks.map((block) => partOf.get(block)))];
}

/** Lets dagre place the blocks of one part, and notes the columns that they make. */
function layOutPart({ blocks, links }, { rank }) {
  const graph = new dagre.graphlib.Graph();
  const isLarge = links.length > MANY_EDGES;
  const lengths = isLarge ? lengthsOf(blocks, links) : new Map(links.map((link) => [link, 1]));
  graph.setGraph({
    rankdir: "LR", ranker: isLarge ? "tight-tree" : "network-simplex",
    ranksep: rank, nodesep: GAP.node, edgesep: GAP.edge, marginx: 0, marginy: 0,
  });
  for (const { id, width, height } of blocks) graph.setNode(id, { width, height });
  for (const [{ from, to }, minlen] of lengths) graph.setEdge(from.id, to.id, { minlen });
  dagre.layout(graph);
  const slots = slotsInOrder(blocks, graph);
  const columns = new Map();
  for (const block of blocks) {
    const { x, y } = graph.node(slots.get(block));
    Object.assign(block, { left: x - block.width / 2, top: y - block.height / 2 });
    const column = columns.get(Math.round(x)) ?? { left: x, right: x };
    columns.set(Math.round(x), {
      left: Math.min(column.left, block.left), right: Math.max(column.right, block.left + block.width),
    });
  }
  const bends = ({ from, to }) => graph.edge(slots.get(from), slots.get(to))?.points.slice(1, -1) ?? [];
  const { width, height } = graph.graph();
  return { blocks, links: links.map((link) => ({ ...link, bends: bends(link) })), columns, width, height };
}

/**
 * Returns for the links that dagre shall place how many columns each spans: the short ones, and what holds all together.
 * The others go straight, behind nodes; as each column is given by the lengths, none of them leads back.
 */
function lengthsOf(blocks, links) {
  const columns = columnsOf(blocks, links);
  if (columns.size < blocks.length) return new Map(links.map((link) => [link, 1])); // folded variants can make a circle
  const length = ({ from, to }) => columns.get(to) - columns.get(from);
  const groups = new Map(blocks.map((block) => [block, [block]]));
  const lengths = new Map();
  let bends = 0;
  for (const link of [...links].sort((one, other) => length(one) - length(other))) {
    const [one, other] = [groups.get(link.from), groups.get(link.to)];
    bends += length(link);
    if (one === other && bends > BENDS_BY_BLOCK * blocks.length) continue;
    lengths.set(link, length(link));
    if (one !== other) {
      one.push(...other);
      for (const block of other) groups.set(block, one);
    }
  }
  return lengths;
}

/** The column of each block: behind all that it needs, and what needs nothing directly before what reads it first. */
function columnsOf(blocks, links) {
  const [into, outOf] = ["to", "from"].map((end) => {
    const at = new Map(blocks.map((block) => [block, []]));
    for (const link of links) at.get(link[end]).push(link);
    return at;
  });
  const columns = new Map();
  const waiting = new Map(blocks.map((block) => [block, into.get(block).length]));
  const order = blocks.filter((block) => !waiting.get(block));
  for (const block of order) {
    columns.set(block, Math.max(0, ...into.get(block).map(({ from }) => columns.get(from) + 1)));
    for (const { to } of outOf.get(block)) {
      waiting.set(to, waiting.get(to) - 1);
      if (!waiting.get(to)) order.push(to);
    }
  }
  for (const block of order) {
    if (!into.get(block).length) columns.set(block, Math.min(...outOf.get(block).map(({ to }) => columns.get(to))) - 1);
  }
  return columns;
}

/** Lets blocks with the same neighbours, which could stand for each other, stand in their order: by whose place each takes. */
function slotsInOrder(blocks, graph) {
  const likes = new Map();
  for (const block of blocks) {
    const like = `${block.kind} ${graph.node(block.id).x}`;
    likes.set(like, [...(likes.get(like) ?? []), block]);
  }
  const slots = new Map();
  for (const like of likes.values()) {
    const ids = like.map((block) => block.id).sort((one, other) => graph.node(one).y - graph.node(other).y);
    like.forEach((block, number) => slots.set(block, ids[number]));
  }
  return slots;
}

/** Sets parts side by side in rows, the tall ones first, so that the whole comes near the shape of a screen. */
function pack(parts, { shape }) {
  const area = parts.reduce((sum, part) => sum + (part.width + GAP.beside) * (part.height + GAP.below), 0);
  const most = Math.max(1.1 * Math.sqrt(area * shape), ...parts.map((part) => part.width));
  let [x, y, tallest, width] = [0, 0, 0, 0];
  for (const part of [...parts].sort((one, other) => other.height - one.height)) {
    if (x > 0 && x + part.width > most) [x, y, tallest] = [0, y + tallest + GAP.below, 0];
    Object.assign(part, { x, y });
    x += part.width + GAP.beside;
    width = Math.max(width, x - GAP.beside);
    tallest = Math.max(tallest, part.height);
  }
  return { width: Math.ceil(width), height: Math.ceil(y + tallest) };
}

function placeBlock(block, part, placed) {
  block.place = { x: part.x + block.left, y: part.y + block.top, width: block.width, height: block.height };
  block.nodes.forEach((node, number) => {
    const [column, row] = [number % block.columns, Math.floor(number / block.columns)];
    placed[node.id] = {
      x: block.place.x + block.frame + column * (block.cell.width + GAP.block),
      y: block.place.y + block.frame + row * (block.cell.height + GAP.block),
      width: node.width, height: node.height,
    };
  });
}

function round(place) {
  place.x = Math.round(place.x * 10) / 10;
  place.y = Math.round(place.y * 10) / 10;
}

/** Leaves a block in the middle of its right side; passes each column on a level, and bends only between columns. */
function pathOf({ from, to, bends }, part, { down }) {
  const [start, end] = [from.place, to.place];
  const stops = [{ x: start.x + start.width, y: start.y + start.height / 2, leave: part.x + rightOf(part, from) }];
  for (const bend of bends) {
    const column = part.columns.get(Math.round(bend.x));
    if (!column) continue; // dagre bends between columns, too, to make room for labels; we have none
    stops.push({ x: part.x + column.left, y: part.y + bend.y, leave: part.x + column.right });
  }
  const arrive = part.x + leftOf(part, to);
  const level = down ? "V" : "H";
  const text = (number) => String(Math.round(number * 10) / 10);
  const point = (x, y) => (down ? [y, x] : [x, y]).map(text).join(" ");
  let path = `M${point(stops[0].x, stops[0].y)}`;
  stops.forEach((stop, number) => {
    const next = stops[number + 1] ?? { x: arrive, y: end.y + end.height / 2 };
    const middle = (stop.leave + next.x) / 2;
    path += `${level}${text(stop.leave)}C${point(middle, stop.y)} ${point(middle, next.y)} ${point(next.x, next.y)}`;
  });
  return `${path}${level}${text(end.x)}`;
}

function rightOf(part, block) {
  return part.columns.get(Math.round(block.left + block.width / 2)).right;
}

function leftOf(part, block) {
  return part.columns.get(Math.round(block.left + block.width / 2)).left;
}
