"use strict";
// Moving and scaling what is drawn: by dragging, wheel, two fingers, buttons, and to show a given place.

const SCALE = { least: 0.02, most: 3, step: 1.25, legible: 0.6, large: 1.25 };
const MARGIN = 12;

class Viewport {
  /** `group` is moved within `svg`; `wheel` says whether the wheel alone scales, or only with Ctrl. */
  constructor(svg, group, { wheel }) {
    Object.assign(this, { svg, group, x: 0, y: 0, scale: 1, size: { width: 1, height: 1 }, pointers: new Map(), moved: 0 });
    svg.addEventListener("wheel", (event) => (wheel || event.ctrlKey) && this.#onWheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.#onDown(event));
    svg.addEventListener("pointermove", (event) => this.#onMove(event));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
  }

  /** True while what ends now was a drag and no click. */
  get wasDragged() {
    return this.moved > 4;
  }

  /** Shows all, never much larger than life. */
  fit() {
    const { width, height } = this.#room();
    this.scale = Math.max(this.#scaleOfAll(), SCALE.least);
    this.x = (width - this.size.width * this.scale) / 2;
    this.y = (height - this.size.height * this.scale) / 2;
    this.#apply();
  }

  /** Shows as much as can be read: all where that is large enough, else the part around a place. */
  begin(place) {
    this.fit();
    if (this.scale >= SCALE.legible || !place) return;
    this.show(place, { scale: 0.8 });
    this.x = Math.min(this.x, 24); // no empty room before the first column
    this.#apply();
  }

  /** Does what changes the picture or its room: what was in view as a whole stays so, where it can be read. */
  keep(change) {
    const { width, height } = this.#room();
    const [right, bottom] = [this.x + this.size.width * this.scale, this.y + this.size.height * this.scale];
    const wasWhole = this.x >= 0 && this.y >= 0 && right <= width && bottom <= height;
    change();
    if (wasWhole && this.#scaleOfAll() >= SCALE.legible) this.fit();
  }

  zoom(factor, at = null) {
    const { width, height } = this.#room();
    const [x, y] = at ?? [width / 2, height / 2];
    const scale = Math.min(SCALE.most, Math.max(SCALE.least, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.#apply();
  }

  /** Moves a place into view, with `scale` at least that large; what is in view stays where it is. */
  show({ x, y, width, height }, { scale = 0 } = {}) {
    const room = this.#room();
    if (this.scale < scale) this.scale = scale;
    else {
      const [left, top] = [x * this.scale + this.x, y * this.scale + this.y];
      const isInside = left >= 12 && top >= 12 && left + width * this.scale <= room.width - 12 && top + height * this.scale <= room.height - 12;
      if (isInside) return;
    }
    this.x = room.width / 2 - (x + width / 2) * this.scale;
    this.y = room.height / 2 - (y + height / 2) * this.scale;
    this.#apply();
  }

  /** How large all of a size is shown, where `taken` of the room is somebody else's. */
  scaleOf(size, taken = { width: 0, height: 0 }) {
    const { width, height } = this.#room();
    const room = [width - taken.width - 2 * MARGIN, height - taken.height - 2 * MARGIN];
    return Math.min(SCALE.large, room[0] / size.width, room[1] / size.height);
  }

  #scaleOfAll() {
    return this.scaleOf(this.size);
  }

  #room() {
    const { clientWidth, clientHeight } = this.svg;
    return { width: clientWidth || 1, height: clientHeight || 1 };
  }

  #apply() {
    this.group.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.scale})`);
    this.svg.classList.toggle("far", this.scale < 0.35);
  }

  #onWheel(event) {
    event.preventDefault();
    const { left, top } = this.svg.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), [event.clientX - left, event.clientY - top]);
  }

  #onDown(event) {
    if (event.button > 0) return;
    if (!this.pointers.size) this.moved = 0;
    this.pointers.set(event.pointerId, event);
  }

  #onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    if (others.length) {
      const distance = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const { left, top } = this.svg.getBoundingClientRect();
      const middle = [(event.clientX + others[0].clientX) / 2 - left, (event.clientY + others[0].clientY) / 2 - top];
      this.zoom(distance(event, others[0]) / Math.max(distance(before, others[0]), 1), middle);
    } else {
      this.x += event.clientX - before.clientX;
      this.y += event.clientY - before.clientY;
      this.#apply();
    }
    this.moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    if (this.wasDragged && !this.svg.hasPointerCapture(event.pointerId)) this.svg.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
  }
}
