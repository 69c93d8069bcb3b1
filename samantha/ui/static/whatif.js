// What if: for the selected token, what other settings would have left of its candidates, and what would have come.
// No model is asked: the recorded logits answer. One question at a time, the newest wish next; what is shown stays
// until it is replaced as a whole.
import { h, t, plural, number, onLanguage, onNews, ready } from "./base.js";
import { act, problemOf, sayingLine } from "./asking.js";
import { quoted, share } from "./learn_words.js";
import { Sliders } from "./sliders.js";

const KNOBS = ["temperature", "top_k", "top_p", "min_p", "typical_p", "tfs_z", "top_n_sigma", "repeat_penalty",
  "presence_penalty", "frequency_penalty", "repeat_last_n"];
const PAUSE = 50; // milliseconds that sliders may move on before the next question

export async function mount({ element, props }) {
  await ready;
  new WhatIf(element, KNOBS.map((name) => props.knobs.find((knob) => knob.name === name)));
}

class WhatIf {
  constructor(element, knobs) {
    this.place = null;
    this.answer = null;
    this.timer = 0;
    this.asking = false;
    this.again = false;
    this.title = h("strong", { id: "what-if-title" });
    this.note = h("span", { class: "where" });
    this.sliders = new Sliders(knobs, "what-if", () => this.wish());
    this.status = sayingLine();
    this.said = h("p", { class: "said", role: "status" });
    this.warning = h("div", { class: "approximate" });
    this.table = h("table", { class: "candidates" });
    this.wide = h("div", { class: "wide-table", tabindex: "0", role: "group" }, this.table);
    this.funnel = h("div", { class: "funnels" });
    element.replaceChildren(h("section", { class: "box what-if", "aria-labelledby": "what-if-title" },
      h("header", {}, this.title, this.note, h("span", { class: "tools" }, this.sliders.reset)),
      this.sliders.element, this.status.line, this.said, this.warning, this.funnel, this.wide));
    onLanguage(() => this.draw());
    onNews("learn-token", (place) => this.look(place));
  }

  look(place) {
    this.place = place && place.run ? place : null;
    if (!this.place) this.answer = null;
    this.draw();
    this.wish();
  }

  wish() {
    if (!this.place || this.timer) return;
    this.timer = setTimeout(() => { this.timer = 0; this.ask(); }, PAUSE);
  }

  async ask() {
    if (this.asking) { this.again = true; return; }
    const place = this.place;
    if (!place) return;
    this.asking = true;
    const answer = await act("what-if", { ...place, changes: this.sliders.changes });
    this.asking = false;
    if (this.again) { this.again = false; this.ask(); }
    if (this.place) this.take(answer);
  }

  take(answer) {
    if (!this.status.say(problemOf(answer))) {
      this.answer = null;
    } else {
      this.answer = answer;
      this.sliders.values = answer.values;
    }
    this.draw();
  }

  draw() {
    const shown = this.answer && !this.answer.unchanged ? this.answer : null;
    this.title.textContent = t("what_if.title");
    this.note.textContent = this.place ? t("what_if.subtitle", { number: number(this.place.position + 1) }) : t("what_if.none_selected");
    this.sliders.element.hidden = !this.place;
    this.wide.hidden = this.funnel.hidden = this.warning.hidden = !shown;
    this.said.hidden = !this.answer || !this.place;
    if (this.answer) this.said.replaceChildren(...(shown ? this.choice(shown) : [t("what_if.unchanged")]));
    if (!shown) return;
    this.wide.setAttribute("aria-label", t("what_if.candidates"));
    this.drawWarning(shown.left_out);
    this.drawFunnel(shown);
    this.drawTable(shown);
  }

  /** What would have come, in a sentence. */
  choice({ selected, shares, others, same_luck: sameLuck }) {
    const first = shares[0];
    const token = h("b", { class: "token" }, named(first));
    const certain = shares.length === 1 && !others;
    const key = !certain ? (sameLuck ? "either" : "unknown_draw") : first.id === selected.id ? "same" : "other";
    if (certain) return filled(t(`what_if.${key}`), { token, selected: h("b", { class: "token" }, named(selected)) });
    const list = shares.map((one) => `${named(one)} ${number(one.share * 100, one.share < 0.1 ? 1 : 0)} %`).join(", ");
    return filled(t(`what_if.${key}`), { list: h("b", {}, list + (others ? ` ${plural("what_if.others", others)}` : "")) });
  }

  drawWarning(codes) {
    this.warning.hidden = !codes.length;
    this.warning.replaceChildren(h("strong", {}, `≈ ${t("what_if.approximate")}`),
      h("ul", {}, codes.map((code) => h("li", {}, t(`what_if.left_${code}`)))));
  }

  /** How many candidates each sampler left, as recorded and now. */
  drawFunnel({ all, recorded, now, order }) {
    const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
    const names = [...new Set([...now, ...recorded].map((stage) => stage.name))].sort((one, other) => place(one) - place(other));
    const most = Math.log(1 + all);
    const bar = (stage, kind) => h("i", { class: kind, style: `width:${stage ? Math.max(1, (Math.log(1 + stage.survivors) / most) * 100) : 0}%` });
    const count = (stage) => (stage ? number(stage.survivors) : t("what_if.off"));
    const rows = [{ name: t("what_if.all"), then: { survivors: all }, after: { survivors: all } },
      ...names.map((name) => ({ name, then: recorded.find((one) => one.name === name), after: now.find((one) => one.name === name) }))];
    this.funnel.replaceChildren(h("p", { class: "label" }, t("what_if.survivors"), " ", h("span", { class: "hint" }, t("what_if.survivors_note"))),
      ...rows.map(({ name, then, after }) => h("div", { class: "funnel-row" }, h("span", { class: "name" }, name),
        h("span", { class: "bars" }, bar(then, "before"), bar(after, "after")),
        h("span", { class: "numbers" }, `${count(then)} → ${count(after)}`))));
  }

  /** The candidates after each sampler as it is set now, and what they had in the end when it was recorded. */
  drawTable({ candidates, now, selected, shares }) {
    const heads = ["rank", "token", "before"].map((name) => h("th", { scope: "col", class: name === "token" ? "text" : "" }, t(`what_if.column_${name}`)));
    const last = h("th", { scope: "col", class: "then", title: t("what_if.column_recorded_help") }, t("what_if.column_recorded"));
    const chosen = shares[0].id;
    const rows = candidates.map((one) => h("tr", { class: one.id === chosen ? "chosen" : null, "data-id": one.id },
      h("td", {}, number(one.rank)),
      h("td", { class: "text" }, named(one), one.id === selected.id ? h("span", { class: "where", title: t("what_if.was_chosen") }, " ◁") : "",
        one.id === chosen ? h("span", { class: "mark", title: t("what_if.now_chosen") }, " ◀") : ""),
      h("td", {}, share(one.probability)),
      h("td", { class: "then" }, !one.known ? "·" : one.recorded === null ? t("what_if.out") : share(one.recorded)), ...cells(one.after, now)));
    this.table.replaceChildren(h("thead", {}, h("tr", {}, heads, last, now.map((stage) => h("th", { scope: "col" }, stage.name)))), h("tbody", {}, rows));
  }
}

/** The probability after each sampler; the one that removed the candidate says so. */
function cells(after, stages) {
  const out = after.indexOf(null);
  return stages.map((stage, place) => (out < 0 || place < out ? h("td", {}, share(after[place]))
    : place === out ? h("td", { class: "out" }, t("what_if.out")) : h("td", { class: "gone" }, "–")));
}

const named = (token) => (token.id < 0 ? t("what_if.beyond") : token.piece === null ? `id ${token.id}` : quoted(token.piece));

/** A text whose {blanks} are filled with elements. */
function filled(text, values) {
  return text.split(/\{(\w+)\}/).map((part, place) => (place % 2 ? values[part] : part));
}
