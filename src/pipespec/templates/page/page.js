"use strict";
// What every script of a page uses: its data, and elements that are built of text, never of markup.

/** The mark of each state; it stands with the state's word or colour, which alone would not be enough. */
const MARKS = {
  complete: "✓", stale: "↻", missing: "○", running: "▶", failed: "✕",
  ran: "✓", reused: "=", blocked: "⊘", cancelled: "■",
};

/** Returns what the page holds by this name. */
function readData(name) {
  return JSON.parse(document.getElementById(`data-${name}`).textContent);
}

/** Spells out as an escape what a page would obey or hide: control characters, changes of direction. Spaces stay. */
function shown(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) => {
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
    const code = character.codePointAt(0).toString(16);
    if (known) return known;
    if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
  });
}

/** Makes a text of several lines, of which only the breaks are obeyed; for elements with `class="as-written"`. */
function lines(text) {
  return document.createTextNode(text.split(/\r\n|\r|\n/).map(shown).join("\n"));
}

/** Makes an element of HTML. Children are elements, texts, or null for nothing; a text stays text, and is `shown`. */
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an element of SVG, as `element` does. */
function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : shown(String(value)));
    }
  }
  const there = children.filter((child) => child !== null && child !== undefined);
  made.append(...there.map((child) => (child instanceof Node ? child : shown(String(child)))));
  return made;
}

/** Makes the word of a state with its mark, in its colour. */
function stateWord(state, { onGround = false } = {}) {
  const classes = onGround ? "state on-ground" : "state";
  return element("span", { class: classes, "data-state": state }, `${MARKS[state] ?? ""} ${state}`.trim());
}

/** Says a duration as the terminal does: `0.04 s`, `2.1 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
function secondsText(seconds) {
  if (seconds < 0.995) return `${Math.max(seconds, 0).toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const inTwo = (large, name, small, rest) => {
    const left = Math.floor((whole % large) / small);
    return `${Math.floor(whole / large)} ${name}${left ? ` ${left} ${rest}` : ""}`;
  };
  if (whole < 3600) return inTwo(60, "min", 1, "s");
  if (whole < 86400) return inTwo(3600, "h", 60, "min");
  return inTwo(86400, "d", 3600, "h");
}

/** Writes a metric with four digits that count, and whole numbers whole. */
function numberText(value) {
  if (value === null) return "not finite";
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(4)));
}
