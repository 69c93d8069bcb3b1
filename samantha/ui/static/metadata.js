// A model by its file's head: sizes, context, vocabulary, chat template, and every key in a table that can be searched.
// It follows the model of the answer that is looked at until another is chosen, and tells "learn-model" which it is.
import { h, t, number, size, short, copyButton, onLanguage, onNews, ready, tell } from "./base.js";
import { look, modelField, problemOf, sayingLine } from "./asking.js";

export async function mount({ element }) {
  await ready;
  new Metadata(element);
}

class Metadata {
  constructor(element) {
    this.name = "tiny";
    this.own = this.seen = false;
    this.found = null;
    this.title = h("strong", { id: "metadata-title" });
    this.label = h("label", { for: "model-choice" });
    this.field = modelField("model-choice", () => this.choose(this.field.value.trim(), true));
    this.status = sayingLine();
    this.facts = h("dl", { class: "facts" });
    this.summary = h("summary", {});
    this.search = h("input", { type: "search", id: "metadata-search", autocomplete: "off", spellcheck: "false", oninput: () => this.rows() });
    this.count = h("span", { class: "where", role: "status" });
    this.table = h("div", { class: "scrolled", tabindex: "0" });
    this.folded = h("details", { class: "fold", id: "metadata-keys" }, this.summary, h("div", { class: "finding" }, this.search, this.count), this.table);
    this.templateSummary = h("summary", {});
    this.template = h("pre", { class: "template", tabindex: "0" });
    this.templateTools = h("p", { class: "tools" });
    this.templateFold = h("details", { class: "fold", id: "metadata-template" }, this.templateSummary, this.templateTools, this.template);
    element.replaceChildren(h("section", { class: "box about-model", "aria-labelledby": "metadata-title" },
      h("header", {}, this.title, this.label, this.field), this.status.line, this.facts, this.folded, this.templateFold));
    this.field.value = this.name;
    onLanguage(() => this.draw());
    onNews("learn-token", (place) => { this.place = place; this.follow(); });
    onNews("learn-answers", ({ answers }) => { this.answers = answers; this.follow(); });
    onNews("show-model", ({ name }) => { this.choose(name, true); element.scrollIntoView({ block: "start" }); });
    new IntersectionObserver((entries) => {
      if (!this.seen && entries.some((entry) => entry.isIntersecting)) { this.seen = true; this.read(); }
    }).observe(element);
    tell("learn-model", { name: this.name });
  }

  /** The model of the answer that is looked at, while none was chosen here. */
  follow() {
    const { place, answers } = this;
    if (this.own || !place || !answers) return;
    const found = answers.find((one) => one.step === place.step && one.branch === place.branch);
    if (found?.model && found.model !== this.name) this.choose(found.model, false);
  }

  choose(name, own) {
    if (own && name === this.name) return;
    this.own = own && Boolean(name);
    this.name = name || "tiny";
    this.field.value = this.name;
    tell("learn-model", { name: this.name });
    if (this.seen) this.read();
  }

  async read() {
    const name = this.name;
    const answer = await look("metadata", { model: name });
    if (name !== this.name) return;
    this.found = this.status.say(problemOf(answer)) ? answer : null;
    this.draw();
  }

  draw() {
    this.title.textContent = t("model.title");
    this.label.textContent = t("model.of");
    this.field.placeholder = t("model.choose");
    this.search.placeholder = t("model.search_keys");
    this.search.setAttribute("aria-label", t("model.search_keys"));
    this.table.setAttribute("aria-label", t("model.metadata"));
    this.template.setAttribute("aria-label", t("model.template"));
    for (const part of [this.facts, this.folded, this.templateFold]) part.hidden = !this.found;
    if (!this.found) return;
    this.facts.replaceChildren(...this.lines().flatMap(([key, value, title]) => [h("dt", {}, t(`model.${key}`)), h("dd", { title: title || null }, value)]));
    this.summary.textContent = t("model.keys", { count: number(this.found.rows.length) });
    this.templateFold.hidden = !this.found.template;
    this.templateSummary.textContent = t("model.template");
    this.template.textContent = this.found.template;
    this.templateTools.replaceChildren(copyButton(() => this.found.template));
    this.rows();
  }

  lines() {
    const found = this.found;
    const parts = found.parts > 1 ? ` · ${t("model.parts", { count: number(found.parts) })}` : "";
    const rows = [["file", found.file, `${found.folder}/${found.file}`], ["size", `${size(found.size)}${parts}`],
      ["architecture", found.architecture], ["parameters", large(found.parameters)], ["quantization", found.quantization || "–"],
      ["context", found.n_ctx_train ? t("model.tokens", { count: number(found.n_ctx_train) }) : "–"],
      ["vocabulary", found.n_vocab ? t("model.tokens", { count: number(found.n_vocab) }) : "–"],
      ["tensors", number(found.tensors)], ["fingerprint", h("code", {}, found.hash.replace(/^.*:/, "").slice(0, 16)), found.hash]];
    return found.title && found.title !== short(found.name) ? [["own_name", found.title], ...rows] : rows;
  }

  rows() {
    const wanted = this.search.value.trim().toLowerCase();
    const shown = this.found.rows.filter((row) => !wanted || row.key.toLowerCase().includes(wanted) || (row.value || "").toLowerCase().includes(wanted));
    this.count.textContent = wanted ? t("model.keys_found", { count: number(shown.length), all: number(this.found.rows.length) }) : "";
    this.table.replaceChildren(shown.length ? h("table", { class: "keys" }, h("tbody", {}, shown.map((row) =>
      h("tr", {}, h("th", { scope: "row" }, row.key), h("td", {}, this.value(row)))))) : h("p", { class: "note" }, t("model.no_key", { text: this.search.value })));
  }

  value(row) {
    if ("items" in row) return h("span", { class: "where" }, t("model.items", { count: number(row.items) }));
    return row.cut ? [row.value, h("span", { class: "where" }, ` … ${t("model.cut", { count: number(row.cut) })}`)] : row.value;
  }
}

/** A count of parameters as models are named: 5.1 M, 1.2 B. */
function large(value) {
  const [by, unit] = value >= 1e9 ? [1e9, "B"] : value >= 1e6 ? [1e6, "M"] : [1, ""];
  return unit ? `${number(value / by, 1)} ${unit}` : number(value);
}
