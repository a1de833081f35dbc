"use strict";
// Where the arrows lead, given the places of nodes, and what the keys do in words.

/** The other end of the edge that ends nearest in height to a node, or undefined. */
function alongEdge(edges, places, id, here, there) {
  const away = (one) => Math.abs(places[one].y - places[id].y);
  const ends = edges.filter((edge) => edge[here] === id).map((edge) => edge[there]);
  return ends.sort((one, other) => away(one) - away(other))[0];
}

/** The next node below (1) or above (-1) that shares a part of a node's column, or undefined. */
function beside(places, id, by) {
  const at = places[id];
  const isBeside = ([, one]) => one.x < at.x + at.width && at.x < one.x + one.width && Math.sign(one.y - at.y) === by;
  const found = Object.entries(places).filter(isBeside);
  return found.sort(([, one], [, other]) => by * (one.y - other.y))[0]?.[0];
}

function keysHelp() {
  const keys = [
    ["/", "search; Enter goes to the next that is found"], ["← →", "along an edge"], ["↑ ↓", "to what is above or below"],
    ["Page ↑ ↓", "to the next step of the file"], ["Enter", "choose, or open variants"], ["Backspace", "fold variants"],
    ["Esc", "close the panel"], ["+ − 0", "larger, smaller, all"],
  ];
  const rows = keys.map(([key, meaning]) => element("li", {}, element("kbd", {}, key), ` ${meaning}`));
  return element("details", { class: "graph-keys" }, element("summary", {}, "Keys"), element("ul", {}, ...rows));
}

function isTyping(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target.isContentEditable;
}
