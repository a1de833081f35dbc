"use strict";
// What every script of a page uses: its data, and elements that are built of text, never of markup.

/** The mark of each state, the state that matters most first; it stands with the state's word or colour, which alone would not be enough. */
const MARKS = readData("marks");

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
