// What came of scoring a text: figures, the text coloured by surprisal, a chart, the most surprising tokens; of two models
// side by side, or where they differ.
import { h, t, number, short } from "./base.js";
import { bits, look, share } from "./asking.js";
import { Flow, chart, legend, level, side } from "./surprisal.js";

const ID = 0, TEXT = 1, SURPRISAL = 2, RANK = 3, ENTROPY = 4;
const FIGURES = ["perplexity", "per_byte", "per_character", "mean", "bits", "scored"];

export class Results {
  constructor() {
    this.sides = [];
    this.view = "difference";
    this.figures = h("div", { class: "figures" });
    this.views = h("div", { class: "views", role: "radiogroup" });
    this.legend = h("div", {});
    this.body = h("div", {});
    this.element = h("div", { class: "results", hidden: true }, this.figures, this.views, this.legend, this.body);
  }

  clear(models) {
    this.sides = models.map((model, place) => new Side(this, model, place));
    this.comparison = null;
    this.begun = 0;
    this.element.hidden = true;
    this.draw();
  }

  /** How many tokens of each side are there already. */
  have() {
    return [0, 1].map((place) => this.sides[place]?.tokens.length || 0);
  }

  take(state) {
    state.sides.forEach((found, place) => this.sides[place].take(found));
    this.element.hidden = !this.sides.some((one) => one.tokens.length);
    const fresh = state.comparison && !this.comparison;
    if (fresh) this.comparison = new Difference(this, state.comparison);
    const begun = this.sides.filter((one) => one.tokens.length || one.totals).length;
    if (fresh || state.ended || begun !== this.begun) this.draw();
    this.begun = begun;
  }

  words() {
    this.sides.forEach((one) => one.words());
    this.comparison?.words();
    this.draw();
  }

  draw() {
    this.drawFigures();
    const both = Boolean(this.comparison);
    this.views.hidden = !both;
    this.views.setAttribute("aria-label", t("scoring.view"));
    this.views.replaceChildren(...["difference", "sides"].map((view) => h("button", { type: "button", class: "small", role: "radio", id: `score-${view}`,
      "aria-checked": String(this.view === view), onclick: () => { this.view = view; this.draw(); } }, t(`scoring.view_${view}`))));
    const differing = both && this.view === "difference";
    this.legend.replaceChildren(differing ? this.comparison.legend() : legend(["likely", "less", "unlikely"].map((kind) =>
      [kind, t(`learn.legend_${kind}`), t(`learn.legend_${kind}_text`)])));
    const shown = differing ? [this.comparison.element] : this.sides.filter((one) => one.tokens.length).map((one) => one.element);
    if (shown.some((one, place) => this.body.children[place] !== one) || this.body.children.length !== shown.length) this.body.replaceChildren(...shown);
    this.body.className = shown.length > 1 ? "sides" : "";
    this.sides.forEach((one) => one.ended());
  }

  drawFigures() {
    const known = this.sides.filter((one) => one.totals);
    const heads = this.sides.length > 1 && known.length ? h("thead", {}, h("tr", {}, h("td", {}), known.map((one) => h("th", { scope: "col", title: one.model }, one.name())))) : "";
    this.figures.classList.toggle("one", known.length === 1);
    this.figures.replaceChildren(known.length ? h("table", {}, heads, h("tbody", {}, FIGURES.map((name) =>
      h("tr", { title: t(`scoring.${name}_help`) }, h("th", { scope: "row" }, t(`scoring.${name}`)),
        known.map((one) => h("td", { "data-figure": name }, name === "scored" ? number(one.totals.scored) : bits(one.totals[name]))))))) : "",
    known.length ? h("p", { class: "note" }, t(known.length > 1 ? "scoring.compare_note" : "scoring.perplexity_note")) : "");
  }
}

/** The text as one model sees it. */
class Side {
  constructor(results, model, place) {
    Object.assign(this, { results, model, place, tokens: [], totals: null, asked: 0 });
    this.title = h("p", { class: "label" });
    this.flow = new Flow(`score-flow-${place}`, (token) => this.select(token));
    this.detail = h("p", { class: "token-line", role: "status" });
    this.best = h("div", { class: "best" });
    this.picture = h("div", { class: "picture" });
    this.list = h("div", {});
    this.element = h("div", { class: "seen" }, this.title, this.flow.element, this.detail, this.best, this.picture, this.list);
    this.words();
  }

  name() {
    const [own, other] = [short(this.model), this.results.sides[1 - this.place]];
    return other && short(other.model) === own && other.model !== this.model ? this.model : own;
  }

  take({ from, tokens, totals }) {
    if (from !== this.tokens.length) return;
    this.tokens.push(...tokens);
    this.flow.add(tokens.map((token) => [token[TEXT], level(token[SURPRISAL], token[RANK]), this.said(token)]));
    if (totals && !this.totals) {
      this.totals = totals;
      this.finished = false;
    }
  }

  said(token) {
    return token[RANK] === null ? t("scoring.first") : t("scoring.said", { bits: bits(token[SURPRISAL]), rank: number(token[RANK]) });
  }

  words() {
    this.flow.element.setAttribute("aria-label", t("scoring.flow", { model: short(this.model) }));
    for (const [place, token] of this.tokens.entries()) this.flow.token(place)?.setAttribute("title", this.said(token));
    this.finished = false;
    if (this.flow.place >= 0) this.select(this.flow.place);
  }

  /** Chart and list, once, when every token is there. */
  ended() {
    this.title.textContent = this.results.sides.length > 1 ? this.name() : "";
    this.title.hidden = !this.title.textContent;
    if (!this.totals || this.finished) return;
    this.finished = true;
    const most = this.tokens.reduce((high, token) => Math.max(high, token[SURPRISAL] ?? 0), 0);
    const drawn = chart(this.tokens.map((token) => (token[RANK] === null ? 0 : token[SURPRISAL] ?? most * 1.2)), t("scoring.chart", { count: number(this.tokens.length) }),
      (place) => this.flow.select(place), (place) => level(this.tokens[place][SURPRISAL], this.tokens[place][RANK]));
    this.picture.replaceChildren(h("p", { class: "caption" }, h("span", {}, t("scoring.chart_title")), h("span", {}, t("scoring.up_to", { bits: bits(drawn.highest) }))), drawn.svg);
    const surprising = this.totals.surprising.filter((place) => (this.tokens[place][SURPRISAL] ?? 1) >= 0.1);
    this.list.replaceChildren(h("p", { class: "label" }, t("scoring.surprising")), h("ol", { class: "surprising" }, surprising.map((place) =>
      h("li", {}, h("button", { type: "button", class: "small piece", title: this.said(this.tokens[place]), onclick: () => this.flow.select(place) },
        this.tokens[place][TEXT], h("small", {}, bits(this.tokens[place][SURPRISAL])))))));
    if (this.flow.place < 0 && this.results.sides.length === 1 && this.totals.surprising.length) this.flow.select(this.totals.surprising[0]);
  }

  async select(place) {
    const token = this.tokens[place];
    const values = { place: number(place + 1), text: token[TEXT], id: token[ID], rank: number(token[RANK] ?? 0), bits: bits(token[SURPRISAL]),
      probability: token[SURPRISAL] === null ? "0" : share(2 ** -token[SURPRISAL]), entropy: bits(token[ENTROPY]) };
    this.detail.textContent = t(token[RANK] === null ? "scoring.detail_first" : "scoring.detail", values);
    const asked = ++this.asked;
    const answer = token[RANK] === null ? { best: [] } : await look("score/token", { side: this.place, place });
    if (asked !== this.asked) return;
    const best = answer.best || [];
    this.best.replaceChildren(best.length ? h("table", { class: "words" }, h("caption", {}, t("scoring.best")), h("tbody", {}, best.map(([id, text, part], rank) =>
      h("tr", { class: id === token[ID] ? "chosen" : "" }, h("td", {}, String(rank + 1)), h("td", {}, String(id)), h("td", { class: "piece" }, text, id === token[ID] ? ` ◀ ${t("scoring.this")}` : ""),
        h("td", {}, share(part)), h("td", { class: "gauge" }, gauge(part)))))) : "");
  }
}

function gauge(part) {
  const bar = h("i", {});
  bar.style.width = `${Math.max(1, part * 100)}%`;
  return bar;
}

/** Where two models differ. */
class Difference {
  constructor(results, found) {
    Object.assign(this, { results, found });
    this.flow = new Flow("score-flow-difference", (place) => this.select(place));
    this.detail = h("p", { class: "token-line", role: "status" });
    this.picture = h("div", { class: "picture" });
    this.list = h("div", { class: "differences" });
    this.sum = h("p", { class: "note" });
    this.element = h("div", { class: "seen" }, this.flow.element, this.detail, this.picture, this.sum, this.list);
    this.flow.add(found.pieces.map((piece) => [piece[0], side(this.difference(piece)), this.said(piece)]));
    this.words();
  }

  /** Bits of the second less bits of the first; null where one of them has none. What is infinite is drawn large. */
  difference([, first, second, difference]) {
    return difference !== null ? difference : first === null || second === null ? null : 99;
  }

  said(piece) {
    const [, first, second] = piece;
    const difference = this.difference(piece);
    if (difference === null) return t("scoring.first");
    return t("scoring.difference_said", { first: bits(first), second: bits(second), difference: signed(difference) });
  }

  words() {
    const [first, second] = this.results.sides.map((one) => one.name());
    this.flow.element.setAttribute("aria-label", t("scoring.view_difference"));
    const { pieces, bits: all, bytes } = this.found;
    const biggest = this.found.biggest.filter((place) => Math.abs(this.difference(pieces[place])) >= 0.005);
    pieces.forEach((piece, place) => this.flow.token(place)?.setAttribute("title", this.said(piece)));
    const drawn = chart(pieces.map((piece) => this.difference(piece) ?? 0), t("scoring.difference_chart"), (place) => this.flow.select(place), (place) => side(this.difference(pieces[place])));
    this.picture.replaceChildren(h("p", { class: "caption" }, h("span", {}, t("scoring.difference_title", { first, second })), h("span", {}, t("scoring.up_to", { bits: bits(drawn.highest) }))), drawn.svg);
    this.sum.textContent = t("scoring.sum", { first, second, bits_first: bits(all[0]), bits_second: bits(all[1]), difference: signed((all[1] ?? 0) - (all[0] ?? 0)), bytes: number(bytes) });
    this.list.replaceChildren(biggest.length ? h("table", { class: "words" }, h("caption", {}, t("scoring.biggest")),
      h("thead", {}, h("tr", {}, ["piece", "", "", "difference"].map((name, column) => h("th", { scope: "col" }, column === 1 ? first : column === 2 ? second : t(`scoring.column_${name}`))))),
      h("tbody", {}, biggest.map((place) => this.row(place)))) : h("p", { class: "note" }, t("scoring.no_difference")));
    if (this.flow.place >= 0) this.select(this.flow.place);
  }

  legend() {
    const [first, second] = this.results.sides.map((one) => one.name());
    return legend([["same", t("scoring.same"), t("scoring.same_text")], ["first", t("scoring.first_more"), t("scoring.more_text", { model: first })],
      ["second", t("scoring.second_more"), t("scoring.more_text", { model: second })]]);
  }

  row(place) {
    const piece = this.found.pieces[place];
    return h("tr", {}, h("td", {}, h("button", { type: "button", class: "small piece", onclick: () => this.flow.select(place) }, piece[0])),
      h("td", {}, bits(piece[1])), h("td", {}, bits(piece[2])), h("td", {}, signed(this.difference(piece))));
  }

  select(place) {
    const piece = this.found.pieces[place];
    this.detail.textContent = `'${piece[0]}' · ${this.said(piece)}`;
    const [first, second] = this.results.sides;
    first.flow.select(piece[4]);
    second.flow.select(piece[5]);
  }
}

const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value), Math.abs(value) < 10 ? 2 : 1)}`;
