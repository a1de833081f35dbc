"use strict";
// Where the arrows lead, given the places of nodes, and what the keys do in words.

/** The other end of the edge that turns least, given the place where it ends, or undefined. */
function alongEdge(edges, places, id, here, there, down) {
  const across = (one) => (down ? places[one].x + places[one].width / 2 : places[one].y);
  const away = (one) => Math.abs(across(one) - across(id));
  const ends = edges.filter((edge) => edge[here] === id).map((edge) => edge[there]);
  return ends.sort((one, other) => away(one) - away(other))[0];
}

/** The next node after (1) or before (-1) that shares a part of a node's column, or with `down` of its row; or undefined. */
function beside(places, id, by, down) {
  const [along, size, across] = down ? ["y", "height", "x"] : ["x", "width", "y"];
  const at = places[id];
  const isBeside = ([, one]) => one[along] < at[along] + at[size] && at[along] < one[along] + one[size] && Math.sign(one[across] - at[across]) === by;
  const found = Object.entries(places).filter(isBeside);
  return found.sort(([, one], [, other]) => by * (one[across] - other[across]))[0]?.[0];
}

function keysHelp() {
  const keys = [
    ["/", "search; Enter goes to the next that is found"], ["← → ↑ ↓", "along an edge, and to what is beside"],
    ["Page ↑ ↓", "to the next step of the file"], ["Enter", "choose, or open variants"], ["Backspace", "fold variants"],
    ["Esc", "close the panel"], ["+ − 0", "larger, smaller, all"],
  ];
  const rows = keys.map(([key, meaning]) => element("li", {}, element("kbd", {}, key), ` ${meaning}`));
  return element("details", { class: "graph-keys" }, element("summary", {}, "Keys"), element("ul", {}, ...rows));
}

function isTyping(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target.isContentEditable;
}
