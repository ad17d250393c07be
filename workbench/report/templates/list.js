"use strict";
/* The clips: searched, sorted, and one of them chosen. */

class ClipList {
  constructor(choose) {
    this.choose = choose;
    this.list = byId("list");
    this.search = byId("search");
    this.clips = data.clips.map((clip, number) => this.described(clip, number));
    this.orders = this.sortings();
    byId("sort").replaceChildren(...Object.keys(this.orders).map((name) => new Option(name, name)));
    this.search.addEventListener("input", () => this.refresh());
    byId("sort").addEventListener("change", () => this.refresh(true));
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest(".item");
      if (item) this.select(Number(item.dataset.place));
    });
    this.refresh(true);
  }

  described(clip, number) {
    const read = data.networks.flatMap((network) => clip.read[network.role][0]);
    const glosses = [...clip.reference, ...read].map((gloss) => data.glosses[gloss]);
    const errors = Object.fromEntries(data.networks.map(({ role }) => [role, errorsOf(clip, role)]));
    const gain = data.before ? errors[data.before] - errors[data.main] : 0;
    const text = [clip.id, clip.signer, ...glosses].join("\n").toLowerCase();
    return { clip, number, errors, gain, wrong: errors[data.main], text };
  }

  sortings() {
    const rate = (one) => one.wrong / Math.max(1, one.clip.reference.length);
    const orders = {
      "most errors": (a, b) => b.wrong - a.wrong || rate(b) - rate(a),
      "highest error rate": (a, b) => rate(b) - rate(a) || b.wrong - a.wrong,
      "fewest errors": (a, b) => a.wrong - b.wrong || b.clip.reference.length - a.clip.reference.length,
    };
    if (data.before) {
      const over = data.networks.find((network) => network.role === data.before).title;
      orders[`most gained over ${over}`] = (a, b) => b.gain - a.gain || a.wrong - b.wrong;
      orders[`most lost to ${over}`] = (a, b) => a.gain - b.gain || b.wrong - a.wrong;
    }
    orders.longest = (a, b) => b.clip.seconds - a.clip.seconds;
    orders["id"] = () => 0;
    return orders;
  }

  /* Show what matches; the clip that is shown stays chosen, unless the first one is wanted. */
  refresh(first = false) {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = this.orders[byId("sort").value];
    this.shown = this.clips.filter((one) => words.every((word) => one.text.includes(word)));
    this.shown.sort((a, b) => order(a, b) || (a.clip.id < b.clip.id ? -1 : 1));
    this.list.replaceChildren(...this.shown.map((one, place) => this.item(one, place)));
    const all = this.clips.length;
    byId("count").textContent = this.shown.length === all ? `${all} clips` : `${this.shown.length} of ${all} clips`;
    const place = first ? 0 : this.shown.findIndex((one) => one.clip === this.chosen);
    if (this.shown.length) this.select(Math.max(0, place));
    else this.list.removeAttribute("aria-activedescendant");
  }

  item(one, place) {
    const made = (tag, kind, ...content) => {
      const element = document.createElement(tag);
      element.className = kind;
      element.append(...content);
      return element;
    };
    const glosses = one.clip.reference.length;
    const name = document.createElement("bdi");
    name.textContent = one.clip.id;
    const few = data.networks.length <= 4;
    const others = data.networks
      .filter(({ role }) => role !== data.main && (few || role === data.before))
      .flatMap((network) => [made("span", `swatch s${network.style}`), `${one.errors[network.role]} `]);
    const rate = made("span", "rate", made("strong", "", String(one.wrong)), ` of ${glosses}`, document.createElement("br"), ...others);
    const item = made("div", "item", made("span", "id", name), rate, made("span", "more", `${one.clip.signer}, ${one.clip.seconds.toFixed(1)} s`));
    item.id = `clip-${one.number}`;
    item.dataset.place = place;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.setAttribute("aria-label", `${one.clip.id}, ${one.wrong} errors in ${glosses} glosses`);
    return item;
  }

  select(place) {
    const one = this.shown[place];
    this.place = place;
    for (const item of this.list.querySelectorAll('[aria-selected="true"]')) item.setAttribute("aria-selected", "false");
    const item = byId(`clip-${one.number}`);
    item.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", item.id);
    const top = item.offsetTop - this.list.offsetTop;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    if (top + item.offsetHeight > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + item.offsetHeight - this.list.clientHeight;
    if (this.chosen === one.clip) return;
    this.chosen = one.clip;
    this.choose(one.clip);
  }

  moveBy(places) {
    if (this.shown.length) this.select(Math.max(0, Math.min(this.shown.length - 1, this.place + places)));
  }

  onKey(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (!(event.key in moves)) return;
    this.moveBy(moves[event.key]);
    event.preventDefault();
  }
}
