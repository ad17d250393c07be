"use strict";
/* One clip: its skeleton, timeline, alignments and relations, all at one time. It never plays by itself. */

class Player {
  constructor() {
    this.canvas = byId("skeleton");
    this.slider = byId("timeline");
    this.timeline = new Timeline(this.slider, (time) => this.seek(time));
    this.playing = false;
    this.time = 0;
    new ResizeObserver(() => this.clip && this.draw()).observe(byId("skeleton").parentElement);
    byId("play").addEventListener("click", () => this.toggle());
    byId("back").addEventListener("click", () => this.stepBy(-1));
    byId("forward").addEventListener("click", () => this.stepBy(1));
    for (const id of ["pictures", "bones"]) byId(id).addEventListener("change", () => this.draw());
    this.slider.addEventListener("keydown", (event) => this.onSliderKey(event));
    this.legends();
  }

  get stepSeconds() {
    return data.every / data.fps;
  }

  async show(clip) {
    this.stop();
    this.clip = clip;
    this.motion = this.bitmap = null;
    this.time = 0;
    byId("clip-name").textContent = clip.id;
    byId("clip-about").textContent = this.about();
    byId("alignments").replaceChildren(alignmentTable(clip));
    this.timeline.time = 0;
    this.timeline.show(clip);
    this.slider.setAttribute("aria-valuemax", clip.seconds);
    this.showMaps();
    const [motion, bitmap] = await Promise.all([motionOf(clip), pictureOf(clip)]);
    if (this.clip !== clip) return; // another one was chosen meanwhile
    this.motion = motion;
    this.bitmap = bitmap;
    byId("pictures-label").hidden = byId("bones-label").hidden = bitmap === null;
    byId("play").disabled = motion === null && bitmap === null;
    this.seek(0);
  }

  about() {
    const errors = data.networks.map((network) => `${network.title} ${errorsOf(this.clip, network.role)}`).join(", ");
    const missing = this.clip.at ? "" : "; this page had no room for its skeleton";
    return `${this.clip.signer}, ${this.clip.seconds.toFixed(2)} s, ${this.clip.reference.length} glosses; errors: ${errors}${missing}`;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  play() {
    if (!this.clip || byId("play").disabled) return;
    if (this.time >= this.clip.seconds) this.time = 0;
    this.playing = true;
    byId("play").textContent = "Stop";
    let last = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      this.time += ((now - last) / 1000) * Number(byId("speed").value);
      last = now;
      if (this.time >= this.clip.seconds) {
        this.time = byId("loop").checked ? this.time % this.clip.seconds : this.clip.seconds;
        if (!byId("loop").checked) this.stop();
      }
      this.draw();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  stop() {
    this.playing = false;
    byId("play").textContent = "Play";
    if (this.clip) this.announce();
  }

  stepBy(steps) {
    this.stop();
    this.seek((this.step + steps + 0.001) * this.stepSeconds);
  }

  seek(time) {
    this.time = Math.max(0, Math.min(this.clip.seconds, time));
    this.draw();
    if (!this.playing) this.announce();
  }

  get step() {
    const steps = this.motion ? this.motion.steps : Math.ceil(this.clip.seconds / this.stepSeconds);
    return Math.max(0, Math.min(steps - 1, Math.floor(this.time / this.stepSeconds)));
  }

  draw() {
    const show = { pictures: byId("pictures").checked, bones: byId("bones").checked };
    drawStage(this.canvas, this.motion, this.step, this.tile(), show);
    this.timeline.moveTo(this.time);
    byId("time").textContent = `${this.time.toFixed(2)} of ${this.clip.seconds.toFixed(2)} s`;
    this.drawMaps();
  }

  tile() {
    if (!this.bitmap) return null;
    const [, , width, height, columns] = this.clip.picture;
    const number = Math.round((this.step * data.every) / data.pictures.every); // the one nearest to the skeleton
    const rows = Math.round(this.bitmap.height / height);
    const last = Math.ceil(Math.round(this.clip.seconds * data.fps) / data.pictures.every) - 1;
    const index = Math.min(number, last, rows * columns - 1);
    return { bitmap: this.bitmap, tile: [(index % columns) * width, Math.floor(index / columns) * height, width, height] };
  }

  /* For readers of screens: not while it plays, twelve times a second would be too much. */
  announce() {
    const read = data.networks.map((network) => {
      const now = (this.clip.rows[network.role] || []).find((one) => one[1] / 1000 <= this.time && this.time < one[2] / 1000);
      return now ? `, ${network.title}: ${data.glosses[now[0]]}` : "";
    });
    this.slider.setAttribute("aria-valuenow", this.time.toFixed(2));
    this.slider.setAttribute("aria-valuetext", `${this.time.toFixed(2)} of ${this.clip.seconds.toFixed(2)} seconds${read.join("")}`);
    this.canvas.setAttribute("aria-label", `skeleton of ${this.clip.id} at ${this.time.toFixed(2)} seconds`);
  }

  onSliderKey(event) {
    const half = Math.max(1, Math.round(0.5 / this.stepSeconds));
    const steps = event.shiftKey ? half : 1;
    const moves = { ArrowLeft: -steps, ArrowDown: -steps, ArrowRight: steps, ArrowUp: steps, PageUp: half, PageDown: -half };
    if (event.key in moves) this.stepBy(moves[event.key]);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.clip.seconds);
    else return;
    event.preventDefault();
  }

  showMaps() {
    const figures = Object.keys(this.clip.related || {}).flatMap((name) =>
      ["teacher", "student"].map((side, number) => {
        const figure = document.createElement("figure");
        const caption = document.createElement("figcaption");
        const which = Object.keys(this.clip.related).length > 1 ? `, ${name}` : "";
        caption.textContent = `relations, ${side}${which}, up to ${this.clip.related[name].most.toFixed(2)}`;
        const canvas = document.createElement("canvas");
        canvas.className = "map";
        canvas.width = canvas.height = 168;
        canvas.dataset.loss = name;
        canvas.dataset.side = number;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `what the steps of this clip listen to, ${side}; the present step is framed`);
        figure.append(caption, canvas);
        return figure;
      }),
    );
    byId("clip-maps").replaceChildren(...figures);
  }

  drawMaps() {
    if (!this.motion) return;
    for (const canvas of byId("clip-maps").querySelectorAll("canvas")) {
      const { size, sides } = this.motion.related[canvas.dataset.loss];
      const row = Math.min(size - 1, Math.floor((this.time / this.clip.seconds) * size));
      drawMap(canvas, sides[canvas.dataset.side], size, row);
    }
  }

  legends() {
    const names = (data.groups || []).map((name, number) => {
      const item = document.createElement("span");
      const sign = document.createElement("span");
      sign.className = "swatch";
      sign.style.color = `var(${groupColour(name, number)})`;
      item.append(sign, name.replace("_", " "));
      return item;
    });
    byId("groups").replaceChildren(...names);
    const by = data.aligned_by ? `Reference: by forced alignment with the ${data.aligned_by}. ` : "";
    byId("timeline-legend").textContent = `${by}Filled: right; hatched, italic: taken for another; with +: inserted.`;
  }
}

/* A column per gloss of the transcript, a row per network: what each read in its place, insertions behind it. */
function alignmentTable(clip) {
  const table = document.createElement("table");
  table.className = "alignment";
  const line = (title, cells) => {
    const row = table.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = title;
    row.append(head);
    for (const pieces of cells) {
      const cell = row.insertCell();
      for (const [text, operation] of pieces) {
        const piece = document.createElement("span");
        piece.textContent = text;
        piece.className = operation;
        if (SAYS[operation]) piece.title = SAYS[operation];
        cell.append(piece, " ");
      }
    }
  };
  const rows = data.networks.map((network) => [network.title, aligned(clip, network.role)]);
  const early = rows.some(([, cells]) => cells[0].length > 0); // something was inserted in front of everything
  const wanted = clip.reference.map((gloss) => [[data.glosses[gloss], "C"]]);
  line("reference", early ? [[], ...wanted] : wanted);
  for (const [title, cells] of rows) line(title, early ? cells : cells.slice(1));
  return table;
}

const SAYS = { S: "substituted", D: "deleted", I: "inserted" };

/* What stands in front of the transcript, then what stands at each of its glosses: texts with their operations. */
function aligned(clip, role) {
  const [read, operations] = clip.read[role];
  const cells = [[]];
  let found = 0;
  for (const operation of operations) {
    if (operation !== "I") cells.push([]);
    const text = operation === "D" ? "–" : data.glosses[read[found++]];
    cells.at(-1).push([operation === "I" ? `+${text}` : text, operation]);
  }
  return cells;
}
