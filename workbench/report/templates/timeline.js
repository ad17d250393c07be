"use strict";
/* The glosses of a clip in time: a row for the transcript and one for every network. */

const SVG = "http://www.w3.org/2000/svg";
const ROW = 32;
const BAR = 18; // below the name
const AXIS = 20;

function svg(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (parent) parent.append(made);
  return made;
}

const ruler = document.createElement("canvas").getContext("2d");
const textWidth = (text) => ruler.measureText(text).width;

function cut(text, room) {
  if (textWidth(text) <= room) return text;
  let length = text.length - 1;
  while (length > 1 && textWidth(`${text.slice(0, length)}…`) > room) length--;
  return length > 1 ? `${text.slice(0, length)}…` : "";
}

class Timeline {
  constructor(element, seek) {
    this.element = element;
    this.seek = seek;
    this.boxes = [];
    ruler.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    new ResizeObserver(() => this.clip && this.draw()).observe(element);
    const pointed = (event) => {
      const bounds = element.getBoundingClientRect();
      const share = (event.clientX - bounds.left - this.left) / (bounds.width - this.left);
      seek(Math.max(0, Math.min(1, share)) * this.clip.seconds);
    };
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      pointed(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) pointed(event);
    });
  }

  show(clip) {
    this.clip = clip;
    this.draw();
  }

  rows() {
    const found = data.networks.map((network) => ({ title: network.title, placed: this.clip.rows[network.role] || [] }));
    const reference = this.clip.rows.reference;
    return [{ title: "reference", placed: reference || [], absent: !reference }, ...found];
  }

  draw() {
    const width = this.element.clientWidth;
    const rows = this.rows();
    const height = rows.length * ROW + AXIS;
    this.left = Math.min(130, Math.round(0.3 * width));
    this.width = width - this.left - 2;
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, "aria-hidden": "true" });
    const pattern = svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("defs", {}, root));
    svg("path", { d: "M0 0V5" }, pattern);
    this.boxes = [];
    rows.forEach((row, number) => this.drawRow(root, row, number));
    this.drawAxis(root, rows.length * ROW);
    this.head = svg("path", { class: "head", d: `M0 0V${rows.length * ROW}` }, root);
    this.element.replaceChildren(root);
    this.moveTo(this.time || 0);
  }

  at(seconds) {
    return this.left + (seconds / this.clip.seconds) * this.width;
  }

  drawRow(root, row, number) {
    const top = number * ROW;
    svg("path", { class: "row", d: `M${this.left} ${top + BAR + 4}H${this.left + this.width}` }, root);
    svg("text", { class: "name", x: 0, y: top + BAR + 7 }, root).textContent = cut(row.title, this.left - 8);
    if (row.absent) {
      const why = data.aligned_by ? "its transcript does not fit into the clip" : "not known in time: no weights to align it with";
      svg("text", { class: "absent", x: this.left, y: top + BAR - 4 }, root).textContent = why;
    }
    let free = this.left; // where the last name ends
    row.placed.forEach(([gloss, start, end, operation], index) => {
      const name = (operation === "I" ? "+" : "") + data.glosses[gloss];
      const group = svg("g", { class: operation }, root);
      const next = index + 1 < row.placed.length ? row.placed[index + 1][1] / 1000 : this.clip.seconds;
      free = this.drawGloss(group, name, [start / 1000, end / 1000], free, this.at(next), top);
      this.boxes.push({ group, start: start / 1000, end: end / 1000 });
    });
  }

  /* A bar, and the name above it: from its start to that of the next, and to the left where that is too little. */
  drawGloss(group, name, [start, end], free, next, top) {
    const x = this.at(start);
    svg("rect", { class: "box", x, y: top + BAR, width: Math.max(2, this.at(end) - x), height: 9, rx: 1.5 }, group);
    const wanted = textWidth(name);
    const from = Math.max(free, Math.min(x, next - 4 - wanted));
    const shown = cut(name, next - 4 - from);
    svg("text", { x: from, y: top + BAR - 4 }, group).textContent = shown;
    svg("title", {}, group).textContent = `${name}, ${start.toFixed(2)} to ${end.toFixed(2)} s`;
    return Math.max(free, from + textWidth(shown) + 4);
  }

  drawAxis(root, top) {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60];
    const step = steps.find((one) => this.clip.seconds / one <= this.width / 55) || 60;
    for (let number = 0; number * step <= this.clip.seconds; number++) {
      const x = this.at(number * step);
      svg("path", { class: "row", d: `M${x} ${top}v4` }, root);
      const kind = number === 0 ? "axis" : "axis mid";
      svg("text", { class: kind, x, y: top + 15 }, root).textContent = `${Number((number * step).toFixed(1))}${number ? "" : " s"}`;
    }
  }

  moveTo(time) {
    this.time = time;
    this.head.setAttribute("transform", `translate(${this.at(time).toFixed(1)} 0)`);
    for (const box of this.boxes) box.group.classList.toggle("now", box.start <= time && time < box.end);
  }
}
