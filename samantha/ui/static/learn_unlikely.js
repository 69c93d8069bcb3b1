// The selections for which a likelier token was there: a chart and a list of them; each leads to its token.
import { h, t, number, onLanguage, ready } from "./base.js";
import { PROBABILITY, RANK, SURPRISAL, TEXT, afterDrawing, answer, learned, onLearned, select, unlikely } from "./answers.js";
import { Canvas } from "./learn_canvas.js";
import { bits, quoted, share } from "./learn_words.js";

export async function mount({ element }) {
  await ready;
  new UnlikelyPart(element);
}

class UnlikelyPart {
  constructor(element) {
    this.place = element.closest(".learn-place");
    this.title = h("strong", {});
    this.count = h("span", { class: "where" });
    this.list = h("ol", { class: "unlikely-list" });
    this.canvas = new Canvas(48, (context, size, colour) => this.drawBars(context, size, colour), (share_) => this.pick(share_));
    this.clear();
    element.replaceChildren(h("section", { class: "box" }, h("header", {}, this.title, this.count), this.canvas.element, this.list));
    onLanguage(() => { this.clear(); this.take(); });
    onLearned((what) => {
      if (what.has("chosen")) this.clear();
      if (what.has("tokens") || what.has("chosen")) this.take();
      if (what.has("selected")) { this.mark(); this.canvas.draw(); }
    });
  }

  clear() {
    this.places = [];
    this.taken = 0;
    this.list.replaceChildren();
  }

  take() {
    const tokens = answer()?.tokens || [];
    const before = this.places.length;
    for (; this.taken < tokens.length; this.taken += 1) {
      if (unlikely(tokens[this.taken])) this.add(tokens[this.taken], this.taken);
    }
    this.place.hidden = !tokens.length;
    this.title.textContent = t("learn.unlikely_title");
    this.count.textContent = t("learn.unlikely_count", { count: number(this.places.length), total: number(tokens.length) });
    this.canvas.element.setAttribute("aria-label", t("learn.unlikely_chart"));
    this.canvas.element.hidden = this.list.hidden = !this.places.length;
    if (learned.following && this.places.length > before) afterDrawing(() => { this.list.scrollTop = 1e9; });
    this.canvas.draw();
  }

  add(one, place) {
    this.places.push(place);
    this.list.append(h("li", {}, h("button", { type: "button", class: "unlikely-one", "data-place": place, onclick: () => select(place) },
      h("span", { class: "number" }, number(place + 1)), h("span", { class: "piece" }, quoted(one[TEXT])),
      h("span", { class: "facts" }, t("learn.unlikely_facts", { rank: number(one[RANK]), value: share(one[PROBABILITY]), bits: bits(one[SURPRISAL]) })))));
  }

  mark() {
    this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    this.list.querySelector(`[data-place="${learned.position}"]`)?.setAttribute("aria-current", "true");
  }

  pick(share_) {
    if (this.places.length) select(this.places[Math.min(this.places.length - 1, Math.floor(share_ * this.places.length))]);
  }

  drawBars(context, { width, height }, colour) {
    const tokens = answer()?.tokens || [];
    const values = this.places.map((place) => tokens[place]?.[SURPRISAL] ?? 20);
    const most = Math.max(1, ...values);
    const step = width / Math.max(values.length, 1);
    const gap = step > 6 ? 3 : step > 2 ? 1 : 0;
    const [usual, current] = [colour("--unlikely-line"), colour("--accent")];
    values.forEach((value, index) => {
      context.fillStyle = this.places[index] === learned.position ? current : usual;
      const high = Math.max(2, (value / most) * (height - 2));
      context.fillRect(index * step, height - high, Math.max(0.7, Math.min(step - gap, 60)), high);
    });
  }
}
