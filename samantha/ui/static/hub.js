// Models of the hub: pasted links looked up, used, downloaded and kept; all links of a repository; search.
import { h, t, number, onLanguage, ready } from "./base.js";
import { act, button, bytes, fits, look, onEnter, onState, pause, problemOf, sayingLine, state, use } from "./models_state.js";
import { Downloads } from "./downloads.js";

const FAMILIES = ["llama", "qwen", "gemma", "phi", "mistral", "granite", "smollm", "deepseek", "glm", "falcon"];
const KINDS = ["Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "Q3_K_M", "Q2_K", "IQ4_XS", "F16", "BF16"];
const OVER = ["done", "stopped", "failed"];

export async function mount({ element }) {
  await ready;
  new Hub(element);
}

class Hub {
  constructor(element) {
    this.found = this.listed = this.searched = null;
    this.title = h("strong", { id: "hub-title" });
    this.disk = h("span", { class: "where", role: "status" });
    this.text = h("textarea", { id: "hub-links", rows: "3", spellcheck: "false", onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.lookUp(); }
    } });
    this.tools = h("div", { class: "finding" });
    this.said = sayingLine();
    this.results = h("ul", { class: "links", id: "hub-found" });
    this.repository = h("div", { class: "repository", id: "hub-repository" });
    this.summary = h("summary", {});
    this.words = this.field("hub-words");
    this.family = this.field("hub-family", FAMILIES);
    this.kind = this.field("hub-kind", KINDS);
    this.largest = this.field("hub-largest");
    this.searching = h("div", { class: "finding" });
    this.hits = h("div", { class: "scrolled", id: "hub-hits", tabindex: "0", hidden: true });
    this.downloads = new Downloads((asked, testing) => this.keep(asked, testing));
    element.replaceChildren(h("section", { class: "box", "aria-labelledby": "hub-title" }, h("header", {}, this.title, this.disk), this.text, this.tools,
      this.said.line, this.results, this.repository, this.downloads.element,
      h("details", { class: "fold", id: "hub-search" }, this.summary, this.searching, this.hits)));
    onLanguage(() => this.draw());
    onState("downloads", (jobs) => {
      const listed = jobs.map((job) => job.number).join();
      if (this.downloads.draw(jobs) || listed !== this.jobs) this.again();
      this.jobs = listed;
    });
  }

  field(id, choices = null) {
    const list = choices ? h("datalist", { id: `${id}-list` }, choices.map((one) => h("option", { value: one }))) : "";
    return h("span", { class: "labelled" }, h("label", { for: id }), h("input", { type: "text", id, list: choices ? `${id}-list` : null, autocomplete: "off", spellcheck: "false",
      onkeydown: onEnter(() => this.search()) }), list);
  }

  draw() {
    this.title.textContent = t("hub.title");
    this.text.placeholder = t("hub.placeholder");
    this.text.setAttribute("aria-label", t("hub.links"));
    this.tools.replaceChildren(button(t("hub.look_up"), () => this.lookUp(), { id: "hub-look-up", class: "small primary", title: t("hub.look_up_help") }),
      button(t("hub.all_links"), () => this.list(this.text.value), { id: "hub-all-links", title: t("hub.all_links_help") }),
      h("button", { type: "button", class: "small", id: "hub-stop", hidden: true, onclick: () => act("stop") }, t("hub.stop")));
    this.summary.textContent = t("hub.search_title");
    for (const [name, part] of Object.entries({ words: this.words, family: this.family, kind: this.kind, largest: this.largest })) {
      part.firstChild.textContent = t(`hub.${name}`);
    }
    this.searching.replaceChildren(this.words, this.family, this.kind, this.largest, button(t("hub.search"), () => this.search(), { id: "hub-search-start" }));
    this.drawFound();
    this.drawListed();
    this.drawHits();
    this.downloads.draw(state.downloads, true);
  }

  /** Begins a task and follows it to its end; `drawn` is called with each answer. */
  async task(path, values, drawn) {
    const begun = await act(path, values);
    if (!this.said.say(problemOf(begun), t("hub.looking"))) return;
    const stop = document.getElementById("hub-stop");
    stop.hidden = false;
    for (;;) {
      const answer = await look(path);
      if (answer.number !== begun.number) break;
      drawn(answer);
      if (OVER.includes(answer.phase)) {
        this.said.say(problemOf(answer), answer.phase === "stopped" ? t("hub.stopped") : "");
        break;
      }
      this.said.say("", answer.total ? t("hub.looking_at", { done: number(answer.done), total: number(answer.total) }) : t("hub.looking"));
      await pause(200);
    }
    document.getElementById("hub-stop").hidden = true;
  }

  lookUp() {
    return this.task("lookup", { text: this.text.value }, (answer) => { this.found = answer; this.drawFound(); });
  }

  /** After a download ended: what is there already is said anew. */
  async again() {
    if (!this.found) return;
    const answer = await look("lookup");
    if (answer.rows) { this.found = answer; this.drawFound(); }
  }

  list(text) {
    this.listed = null;
    this.drawListed();
    return this.task("links", { text }, (answer) => { if (OVER.includes(answer.phase)) { this.listed = answer.phase === "done" ? answer : null; this.drawListed(); } });
  }

  search() {
    const value = (part) => part.querySelector("input").value;
    const asked = { words: value(this.words), family: value(this.family), quantization: value(this.kind), largest: value(this.largest) };
    return this.task("search", asked, (answer) => { if (OVER.includes(answer.phase)) { this.searched = answer.phase === "done" ? answer : null; this.drawHits(); } });
  }

  async download(asked) {
    const answer = await act("download", { asked });
    this.said.say(problemOf(answer));
  }

  async keep(asked, testing) {
    const folder = document.getElementById("keep-folder")?.value || "";
    const answer = await act("keep", { asked, testing, folder });
    this.said.say(problemOf(answer), t("hub.kept", { path: answer.path || "" }));
  }

  take(name, title) {
    use(name);
    this.said.say("", t("library.used", { name: title }));
  }

  drawFound() {
    this.disk.textContent = this.found?.free !== undefined ? t("hub.free", { free: bytes(this.found.free) }) : "";
    this.results.replaceChildren(...(this.found?.rows || []).map((row) => (row.problem ? this.bad(row) : this.good(row))));
  }

  good(row) {
    const facts = [row.quantization || "–", bytes(row.size), row.parts > 1 ? t("library.parts", { count: number(row.parts) }) : "",
      row.needed ? t("hub.needs", { needed: bytes(row.needed) }) : ""].filter(Boolean).join(" · ");
    const there = row.there ? t("hub.there") : row.arrived ? t("hub.begun", { done: bytes(row.arrived) }) : "";
    const tools = [button(t("hub.use"), () => this.take(row.asked, row.title), { "data-do": "use", title: t("hub.use_help") })];
    const known = state.downloads.some((job) => job.asked === row.asked && job.phase !== "failed");
    if (row.there && !known) tools.push(...this.keeping(row.asked));
    else if (!known) tools.push(button(t("hub.download"), () => this.download(row.asked), { "data-do": "download" }));
    return h("li", { "data-asked": row.asked }, h("div", { class: "what" }, h("strong", {}, row.title), row.repository ? h("span", { class: "where" }, row.repository) : "",
      h("span", { class: "where" }, facts, " ", fits(row.fits), there ? ` · ${there}` : "")), h("div", { class: "tools" }, tools));
  }

  keeping(asked) {
    return [button(t("hub.keep"), () => this.keep(asked, false), { "data-do": "keep", title: t("hub.keep_help") }),
      button(t("hub.testing"), () => this.keep(asked, true), { "data-do": "testing", title: t("hub.testing_help") })];
  }

  bad(row) {
    const trust = row.host ? button(t("hub.trust", { host: row.host }), async () => {
      if (this.said.say(problemOf(await act("confirm", { host: row.host })))) await this.lookUp();
    }, { "data-do": "trust", title: t("hub.trust_help") }) : "";
    return h("li", { "data-asked": row.asked, class: "unusable" }, h("div", { class: "what" }, h("strong", {}, row.title), h("span", { class: "wrong" }, row.problem)), h("div", { class: "tools" }, trust));
  }

  drawListed() {
    const rows = this.listed?.rows;
    if (!rows) { this.repository.replaceChildren(); return; }
    const close = h("button", { type: "button", class: "link", "data-closes": true, onclick: () => { this.listed = null; this.drawListed(); } }, t("page.close"));
    const head = ["file", "quantization", "size", "fits"].map((name) => h("th", { scope: "col", class: name === "size" ? "number" : null }, t(`hub.column_${name}`)));
    const body = rows.map((row) => h("tr", { "data-file": row.file }, h("td", { class: "name" }, row.file, row.gated ? h("span", { class: "where" }, ` ${t("hub.gated")}`) : ""),
      h("td", {}, row.quantization || "–"), h("td", { class: "number" }, bytes(row.size)), h("td", {}, fits(row.fits)),
      h("td", { class: "doing" }, this.links(row))));
    this.repository.replaceChildren(h("p", { class: "label" }, t("hub.all_links"), " ", h("span", { class: "hint" }, number(rows.length)), " ", close),
      h("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": t("hub.all_links") },
        h("table", { class: "files" }, h("thead", {}, h("tr", {}, head, h("th", {}))), h("tbody", {}, body))));
  }

  links(row) {
    return [h("button", { type: "button", class: "link", "data-do": "use", onclick: () => this.take(row.asked, row.file) }, t("hub.use")),
      h("button", { type: "button", class: "link", "data-do": "download", onclick: () => this.download(row.asked) }, t("hub.download"))];
  }

  drawHits() {
    const rows = this.searched?.rows;
    this.hits.hidden = !rows;
    if (!rows) return;
    this.hits.setAttribute("aria-label", t("hub.search_title"));
    const head = ["repository", "parameters", "downloads", "updated", "quantizations"].map((name) => h("th", { scope: "col" }, t(`hub.column_${name}`)));
    const body = rows.map((row) => h("tr", { "data-repository": row.repository }, h("td", { class: "name" }, row.repository, row.gated ? h("span", { class: "where" }, ` ${t("hub.gated")}`) : ""),
      h("td", {}, row.parameters ? `${number(row.parameters / 1e9, 1)} B` : "–"), h("td", {}, number(row.downloads)), h("td", {}, row.updated),
      h("td", { class: "kinds" }, row.quantizations.join(" ")),
      h("td", { class: "doing" }, h("button", { type: "button", class: "link", onclick: () => this.list(row.repository) }, t("hub.all_links")))));
    this.hits.replaceChildren(rows.length ? h("table", { class: "files" }, h("thead", {}, h("tr", {}, head, h("th", {}))), h("tbody", {}, body)) : h("p", { class: "note" }, t("hub.nothing_found")));
  }
}
