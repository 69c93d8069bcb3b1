// Pictures of surprisal: running text whose tokens are coloured by it, and a chart of bars. Colour never stands alone:
// unlikely tokens are underlined, less likely ones dotted, and a selected one is framed.
import { h } from "./base.js";
import { running } from "./asking.js";

const SPACE = "http://www.w3.org/2000/svg";
const BARS = 240;

/** How likely a token was: "likely", "less" (the likeliest, with less than half of the probability), "unlikely". */
export function level(surprisal, rank) {
  if (rank === null) return "unknown";
  return rank > 1 ? "unlikely" : surprisal === null || surprisal >= 1 ? "less" : "likely";
}

/** How the bits of two models differ: "same" within a tenth of a bit, else who is more surprised. */
export function side(difference) {
  if (difference === null) return "none";
  return Math.abs(difference) < 0.1 ? "same" : difference > 0 ? "second" : "first";
}

/** Running text of pieces, of which one is selected by mouse or arrow keys. */
export class Flow {
  constructor(id, selected) {
    this.id = id;
    this.selected = selected;
    this.place = -1;
    this.spans = [];
    this.element = h("div", { class: "tokens", id, role: "listbox", tabindex: "0", onkeydown: (event) => this.key(event),
      onclick: (event) => { const token = event.target.closest(".t"); if (token) this.select(Number(token.dataset.place)); } });
  }

  /** Adds pieces: [text with marks, class, spoken title]. */
  add(pieces) {
    const made = document.createDocumentFragment();
    for (const [text, kind, title] of pieces) {
      const place = this.spans.length;
      this.spans.push(h("span", { class: `t ${kind}`, role: "option", "aria-selected": "false", id: `${this.id}-${place}`, "data-place": place, title }, running(text)));
      made.append(this.spans[place]);
      if (text.endsWith("↵")) made.append("\n");
    }
    this.element.append(made);
  }

  select(place) {
    const before = this.token(this.place);
    mark(before, false);
    this.place = place;
    const token = this.token(place);
    if (!token) return;
    mark(token, true);
    this.element.setAttribute("aria-activedescendant", token.id);
    this.selected(place);
    const box = this.element.getBoundingClientRect();
    const own = token.getBoundingClientRect();
    if (own.top < box.top || own.bottom > box.bottom) this.element.scrollTop += own.top - box.top - box.height / 3;
  }

  token(place) {
    return this.spans[place] || null;
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? this.spans.length - 1 : step ? this.place + step : null;
    if (to === null || !this.spans.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.select(Math.max(0, Math.min(this.spans.length - 1, to)));
  }
}

function mark(token, on) {
  token?.setAttribute("aria-selected", String(on));
  token?.classList.toggle("sel", on);
}

/** Bars of values, upwards from a line or both ways; many are drawn as the largest of their neighbours. */
export function chart(values, label, choose, kinds = null) {
  const known = values.map((value) => (value === null || value === undefined ? 0 : value));
  const count = Math.min(BARS, known.length);
  const bars = Array.from({ length: count }, (_, bar) => {
    const begin = Math.floor((bar * known.length) / count);
    let place = begin;
    for (let other = begin; other < Math.floor(((bar + 1) * known.length) / count); other++) if (Math.abs(known[other]) > Math.abs(known[place])) place = other;
    return place;
  });
  const highest = Math.max(0, ...bars.map((place) => Math.abs(known[place])));
  const most = Math.max(1, highest);
  const signed = known.some((value) => value < 0);
  const [height, base] = signed ? [80, 40] : [64, 64];
  const svg = document.createElementNS(SPACE, "svg");
  const set = (element, given) => Object.entries(given).forEach(([name, value]) => element.setAttribute(name, value));
  set(svg, { viewBox: `0 0 ${Math.max(count, 24) * 4} ${height}`, preserveAspectRatio: "none", class: "chart", role: "img", "aria-label": label });
  bars.forEach((place, bar) => {
    const tall = Math.max(0.8, (Math.abs(known[place]) / most) * (base - 2));
    const rectangle = document.createElementNS(SPACE, "rect");
    set(rectangle, { x: bar * 4 + 0.4, width: 3.2, y: known[place] < 0 ? base : base - tall, height: tall, class: kinds ? kinds(place) : "" });
    rectangle.addEventListener("click", () => choose(place));
    svg.append(rectangle);
  });
  const line = document.createElementNS(SPACE, "line");
  set(line, { x1: 0, x2: Math.max(count, 24) * 4, y1: base, y2: base, class: "ground" });
  svg.append(line);
  return { svg, highest };
}

/** What the colours and lines mean: [class, name, explanation]. */
export const legend = (kinds) => h("p", { class: "legend where" }, kinds.map(([kind, name, text]) =>
  h("span", { class: "pair" }, h("span", { class: `t ${kind}` }, name), text)));
