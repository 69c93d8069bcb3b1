// Surprisal and entropy over the whole answer: bars and a line; a click leads to the token.
import { h, t, number, onLanguage, ready } from "./base.js";
import { ENTROPY, SURPRISAL, TEXT, answer, learned, onLearned, select } from "./answers.js";
import { Canvas } from "./learn_canvas.js";
import { bits, kind, quoted } from "./learn_words.js";

const COLOURS = { likely: "--accent-line", less: "--less-line", unlikely: "--unlikely-line", unknown: "--line" };

export async function mount({ element }) {
  await ready;
  new CurvePart(element);
}

class CurvePart {
  constructor(element) {
    this.hovered = null;
    this.at = element.closest(".learn-place");
    this.title = h("strong", {});
    this.legend = h("span", { class: "where" });
    this.said = h("p", { class: "note", "aria-hidden": "true" });
    this.canvas = new Canvas(96, (...given) => this.paint(...given), (share) => this.pick(share), (share) => this.hover(share));
    element.replaceChildren(h("section", { class: "box" }, h("header", {}, this.title, this.legend), this.canvas.element, this.said));
    onLanguage(() => this.draw());
    onLearned((what) => { if (what.has("tokens") || what.has("chosen") || what.has("selected")) this.draw(); });
  }

  get tokens() { return answer()?.tokens || []; }

  place(share) { return Math.floor(share * this.tokens.length); }

  pick(share) { if (this.tokens.length) select(this.place(share)); }

  hover(share) {
    this.hovered = share === null || !this.tokens.length ? null : this.place(share);
    this.draw();
  }

  draw() {
    this.at.hidden = !this.tokens.length;
    this.title.textContent = t("learn.curve");
    this.canvas.element.setAttribute("aria-label", t("learn.curve_chart"));
    this.legend.replaceChildren(h("i", { class: "bar-sample surprisal" }), t("learn.curve_surprisal"), h("i", { class: "line-sample" }), t("learn.curve_entropy"));
    const place = this.hovered ?? learned.position;
    const one = this.tokens[place];
    this.said.textContent = one ? [t("learn.token", { number: number(place + 1) }), quoted(one[TEXT]),
      t("learn.surprisal", { value: bits(one[SURPRISAL]) }), t("learn.entropy", { value: bits(one[ENTROPY]) })].join(" · ") : "";
    this.canvas.draw();
  }

  /** Where several tokens share a pixel the most surprising one is drawn there. */
  paint(context, { width, height }, colour) {
    const tokens = this.tokens;
    const most = Math.max(4, ...tokens.map((one) => Math.max(Math.min(one[SURPRISAL] ?? 20, 20), one[ENTROPY] ?? 0)).map(Math.ceil));
    const step = width / Math.max(tokens.length, 1);
    const high = (value) => (Math.min(value ?? 20, 20) / most) * (height - 14);
    context.strokeStyle = colour("--line");
    context.beginPath();
    for (const mark of [0, most / 2, most]) {
      const y = Math.round(height - high(mark)) - 0.5;
      context.moveTo(0, y);
      context.lineTo(width, y);
    }
    context.stroke();
    tokens.forEach((one, place) => {
      const tall = Math.max(1, high(one[SURPRISAL]));
      context.fillStyle = place === learned.position ? colour("--accent") : this.colours(colour)[kind(one)];
      context.fillRect(place * step, height - tall, Math.max(0.6, Math.min(step - (step > 4 ? 1 : 0), 40)), tall);
    });
    this.colourOf = null;
    this.line(context, tokens, step, (one) => height - high(one[ENTROPY] ?? 0), colour("--ink"));
    this.marks(context, [most / 2, most], (mark) => Math.round(height - high(mark)) - 3, colour);
    for (const [place, name] of [[learned.position, "--accent"], [this.hovered, "--faint"]]) {
      if (place === null || place < 0 || place >= tokens.length) continue;
      context.strokeStyle = colour(name);
      context.strokeRect(Math.round(place * step) + 0.5, 0.5, Math.max(1, Math.round(step) - 1), height - 1);
    }
  }

  /** What the lines mean, above whatever is drawn there. */
  marks(context, values, at, colour) {
    context.font = "10px system-ui, sans-serif";
    context.lineJoin = "round";
    for (const mark of values) {
      const text = t("learn.bits", { count: number(mark, mark % 1 ? 1 : 0) });
      context.strokeStyle = colour("--paper");
      context.lineWidth = 3;
      context.strokeText(text, 2, at(mark));
      context.fillStyle = colour("--ink");
      context.fillText(text, 2, at(mark));
    }
    context.lineWidth = 1;
  }

  /** The colours, read once a painting. */
  colours(colour) {
    this.colourOf ||= Object.fromEntries(Object.entries(COLOURS).map(([name, variable]) => [name, colour(variable)]));
    return this.colourOf;
  }

  line(context, tokens, step, high, colour) {
    context.strokeStyle = colour;
    context.lineWidth = 1.2;
    context.beginPath();
    tokens.forEach((one, place) => {
      const x = (place + 0.5) * step;
      if (place) context.lineTo(x, high(one));
      else context.moveTo(x, high(one));
    });
    context.stroke();
    context.lineWidth = 1;
  }
}
