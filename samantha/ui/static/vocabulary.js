// The vocabulary of the model that is looked at, page by page, and how its tokenizer cuts a text.
import { h, t, number, onLanguage, onNews, ready } from "./base.js";
import { act, doing, look, pause, problemOf, sayingLine } from "./asking.js";

const ROWS = 100;
const KINDS = ["normal", "control", "byte", "user_defined", "unused", "unknown"];

export async function mount({ element }) {
  await ready;
  const words = new Vocabulary();
  const cutter = new Tokenizer();
  element.replaceChildren(h("section", { class: "box vocabulary", "aria-labelledby": "vocabulary-title" }, words.element, cutter.element));
  onLanguage(() => { words.words(); cutter.words(); });
  onNews("learn-model", ({ name }) => { words.change(name); cutter.change(name); });
}

class Vocabulary {
  constructor() {
    this.model = "tiny";
    this.asked = 0;
    this.found = null;
    this.first = 0;
    this.title = h("strong", { id: "vocabulary-title" });
    this.where = h("span", { class: "where" });
    this.open = h("button", { type: "button", class: "small", id: "vocabulary-open", onclick: () => this.read() });
    this.query = h("input", { type: "search", id: "vocabulary-search", autocomplete: "off", spellcheck: "false", maxlength: "200", oninput: () => this.typed() });
    this.kind = h("select", { id: "vocabulary-kind", onchange: () => this.page(0) });
    this.ends = h("input", { type: "checkbox", id: "vocabulary-ends", onchange: () => this.page(0) });
    this.endsLabel = h("label", { class: "flag", for: "vocabulary-ends" });
    this.hint = h("p", { class: "note" });
    this.status = sayingLine();
    this.count = h("span", { class: "where", role: "status" });
    this.back = this.step("vocabulary-back", "←", -ROWS);
    this.on = this.step("vocabulary-on", "→", ROWS);
    this.pager = h("div", { class: "pager" }, this.count, this.back, this.on);
    this.table = h("div", { class: "scrolled", tabindex: "0" });
    this.finding = h("div", { class: "finding" }, this.query, this.kind, this.endsLabel);
    this.element = h("div", {}, h("header", {}, this.title, this.where), this.open, this.finding, this.hint, this.status.line, this.pager, this.table);
  }

  step(id, label, by) {
    return h("button", { type: "button", class: "small", id, onclick: () => this.page(this.found.from + by) }, label);
  }

  change(model) {
    if (model === this.model) return;
    this.model = model;
    this.found = null;
    this.asked += 1;
    this.status.say("");
    this.words();
  }

  typed() {
    clearTimeout(this.due);
    this.due = setTimeout(() => this.page(0), 150);
  }

  page(first) {
    this.first = Math.max(0, first);
    return this.read();
  }

  async read() {
    const asked = ++this.asked;
    const values = { model: this.model, query: this.query.value, kind: this.kind.value, ends: this.ends.checked ? "1" : "", from: this.first };
    for (;;) {
      const answer = await look("vocabulary", values);
      if (asked !== this.asked) return;
      const problem = problemOf(answer);
      if (problem || answer.phase === "stopped") {
        this.status.say(problem || t("model.stopped"));
        this.pager.hidden = this.table.hidden = true; // what was found before does not answer this
        return;
      }
      if (answer.phase === "done") { this.status.say(""); this.found = answer; this.draw(); return; }
      this.status.say("", doing(answer));
      await pause(300);
    }
  }

  words() {
    this.title.textContent = t("vocabulary.title");
    this.open.textContent = t("vocabulary.open");
    this.query.placeholder = t("vocabulary.search");
    this.query.setAttribute("aria-label", t("vocabulary.search"));
    this.kind.setAttribute("aria-label", t("vocabulary.kind"));
    this.hint.textContent = t("vocabulary.hint");
    this.table.setAttribute("aria-label", t("vocabulary.title"));
    for (const [button, key] of [[this.back, "back"], [this.on, "on"]]) {
      button.title = t(`vocabulary.${key}`);
      button.setAttribute("aria-label", t(`vocabulary.${key}`));
    }
    this.draw();
  }

  draw() {
    const found = this.found;
    for (const part of [this.finding, this.hint, this.pager, this.table]) part.hidden = !found;
    this.open.hidden = Boolean(found);
    this.where.textContent = found ? t("model.tokens", { count: number(found.size) }) : t("vocabulary.closed");
    if (!found) return;
    this.choices(found);
    const last = found.from + found.rows.length;
    this.count.textContent = found.found ? t("vocabulary.shown", { from: number(found.from + 1), to: number(last), found: number(found.found) }) : t("vocabulary.none");
    this.back.disabled = !found.from;
    this.on.disabled = last >= found.found;
    const scored = found.rows.some((row) => row[4]);
    const heads = ["id", "text", "bytes", "kind", ...(scored ? ["score"] : [])];
    this.table.replaceChildren(found.rows.length ? h("table", { class: "words" },
      h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, t(`vocabulary.${name}`))))),
      h("tbody", {}, found.rows.map((row) => this.row(row, scored)))) : "");
    this.table.scrollTop = 0;
  }

  row([id, text, kind, ends, score, bytes], scored) {
    return h("tr", {}, h("td", {}, String(id)), h("td", { class: "piece" }, text || h("span", { class: "where" }, t("vocabulary.empty"))), h("td", { class: "bytes" }, bytes),
      h("td", {}, t(`vocabulary.kind_${kind}`), ends ? h("span", { class: "ends" }, ` ■ ${t("vocabulary.ends_mark")}`) : ""),
      scored ? h("td", {}, number(score, 2)) : null);
  }

  choices(found) {
    const chosen = this.kind.value;
    this.kind.replaceChildren(h("option", { value: "" }, t("vocabulary.all_kinds")), ...KINDS.filter((kind) => found.kinds[kind] || kind === chosen)
      .map((kind) => h("option", { value: kind }, `${t(`vocabulary.kind_${kind}`)} (${number(found.kinds[kind] || 0)})`)));
    this.kind.value = chosen;
    this.endsLabel.replaceChildren(this.ends, t("vocabulary.ends", { count: number(found.ends) }));
  }
}

/** How a model cuts a typed text: each token between edges, its id beneath. */
class Tokenizer {
  constructor() {
    this.model = "tiny";
    this.asked = 0;
    this.answer = null;
    this.summary = h("summary", {});
    this.label = h("label", { class: "unseen", for: "tokenizer-text" });
    this.text = h("textarea", { id: "tokenizer-text", rows: "3", spellcheck: "false", onkeydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.read();
    } });
    this.button = h("button", { type: "button", class: "small", id: "tokenizer-cut", onclick: () => this.read() });
    this.count = h("span", { class: "where", role: "status" });
    this.status = sayingLine();
    this.list = h("ol", { class: "cut" });
    this.element = h("details", { class: "fold", id: "tokenizer" }, this.summary, this.label, this.text,
      h("p", { class: "pager" }, this.button, this.count), this.status.line, this.list);
  }

  change(model) {
    if (model === this.model) return;
    this.model = model;
    this.asked += 1;
    this.answer = null;
    this.status.say("");
    this.words();
  }

  async read() {
    const asked = ++this.asked;
    for (;;) {
      const answer = await act("tokenize", { model: this.model, text: this.text.value });
      if (asked !== this.asked) return;
      const problem = problemOf(answer);
      if (problem || answer.phase === "done" || answer.phase === "stopped") {
        this.status.say(problem || (answer.phase === "stopped" ? t("model.stopped") : ""));
        this.answer = answer.tokens ? answer : null;
        this.words();
        return;
      }
      this.status.say("", doing(answer));
      await pause(300);
    }
  }

  words() {
    this.summary.textContent = t("vocabulary.tokenizer");
    this.label.textContent = t("vocabulary.tokenizer_text");
    this.text.placeholder = t("vocabulary.tokenizer_text");
    this.button.textContent = t("vocabulary.tokenizer_cut");
    this.list.setAttribute("aria-label", t("vocabulary.tokenizer"));
    this.count.textContent = this.answer ? t("vocabulary.tokenizer_count", { tokens: number(this.answer.tokens.length), characters: number(this.answer.characters), bytes: number(this.answer.bytes) }) : "";
    this.list.replaceChildren(...(this.answer ? this.answer.tokens.map(([id, text, bytes]) =>
      h("li", { title: `${t("vocabulary.bytes")}: ${bytes}` }, h("span", { class: "piece" }, text), h("small", {}, String(id)))) : []));
  }
}
