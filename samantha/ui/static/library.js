// The model files: a table that follows the folders, and what can be done with each.
import { h, t, number, onLanguage, ready, tell } from "./base.js";
import { act, button, bytes, fits, follow, onEnter, onState, problemOf, sayingLine, state, use } from "./models_state.js";

const COLUMNS = ["name", "architecture", "quantization", "size", "context", "needed"];
const NUMBERS = new Set(["size", "context", "needed"]);

export async function mount({ element }) {
  await ready;
  new Library(element);
}

class Library {
  constructor(element) {
    this.sort = "name";
    this.down = false;
    this.asked = "";
    this.title = h("strong", { id: "library-title" });
    this.count = h("span", { class: "where", role: "status" });
    this.search = h("input", { type: "search", id: "library-search", autocomplete: "off", spellcheck: "false",
      onkeydown: (event) => event.stopPropagation(), oninput: () => this.rows() });
    this.said = sayingLine();
    this.heads = h("tr", {});
    this.body = h("tbody", {});
    this.none = h("p", { class: "note" });
    this.table = h("div", { class: "scrolled", tabindex: "0" }, h("table", { class: "files" }, h("thead", {}, this.heads), this.body));
    this.summary = h("summary", {});
    this.folders = h("ul", { class: "folders" });
    this.field = h("input", { type: "text", id: "folder-path", autocomplete: "off", spellcheck: "false", onkeydown: onEnter(() => this.add()) });
    this.adding = h("div", { class: "finding" });
    this.folderNote = h("p", { class: "note" });
    this.programs = h("div", { class: "programs" });
    element.replaceChildren(h("section", { class: "box", "aria-labelledby": "library-title" }, h("header", {}, this.title, this.count, this.search),
      this.said.line, this.table, this.none, h("details", { class: "fold", id: "model-folders" }, this.summary, this.folders, this.adding, this.folderNote, this.programs)));
    onLanguage(() => this.draw());
    onState("library", () => { this.draw(); });
    follow(element);
  }

  draw() {
    const { folders = [], problem } = state.library;
    this.title.textContent = t("library.title");
    this.search.placeholder = t("library.search");
    this.search.setAttribute("aria-label", t("library.search"));
    this.table.setAttribute("aria-label", t("library.title"));
    this.heads.replaceChildren(...COLUMNS.map((name) => this.head(name)), h("th", {}, h("span", { class: "unseen" }, t("library.actions"))));
    if (problem) this.said.say(problem);
    this.rows();
    this.summary.textContent = t("library.folders", { count: number(folders.length) });
    this.folders.replaceChildren(...folders.map((one) => h("li", {}, h("span", { class: "path" }, one.path),
      one.there ? "" : h("span", { class: "where" }, t("library.folder_gone")),
      h("button", { type: "button", class: "link", "aria-label": t("library.folder_remove", { path: one.path }), title: t("library.folder_remove", { path: one.path }),
        onclick: () => this.change("folder/remove", { path: one.path }) }, "✕"))));
    this.field.placeholder = t("library.folder_path");
    this.field.setAttribute("aria-label", t("library.folder_path"));
    this.adding.replaceChildren(this.field, button(t("library.folder_add"), () => this.add(), { id: "folder-add" }));
    this.programs.replaceChildren(h("p", { class: "label" }, t("library.programs")), ...(state.library.programs || []).map((one) => h("label", { class: "flag" },
      h("input", { type: "checkbox", "data-program": one.name, checked: one.on, onchange: (event) => this.change("program", { name: one.name, on: event.target.checked }) }), one.name)));
    this.folderNote.textContent = t(state.library.chosen ? "library.folders_note" : "library.folders_usual");
  }

  head(name) {
    const on = this.sort === name;
    return h("th", { scope: "col", class: NUMBERS.has(name) ? "number" : null, "aria-sort": on ? (this.down ? "descending" : "ascending") : "none" },
      h("button", { type: "button", class: "link", "data-sort": name, title: name === "needed" ? t("library.needed_help") : null, onclick: () => {
        this.down = on && !this.down;
        this.sort = name;
        this.draw();
        this.heads.querySelector(`[data-sort=${name}]`)?.focus();
      } }, t(`library.column_${name}`), h("span", { "aria-hidden": "true" }, on ? (this.down ? " ↓" : " ↑") : "")));
  }

  shown() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = state.library.rows.filter((row) => words.every((word) =>
      [row.name, row.file, row.folder, row.title, row.architecture, row.quantization].join(" ").toLowerCase().includes(word)));
    const value = (row) => (NUMBERS.has(this.sort) ? row[this.sort] ?? -1 : String(row[this.sort] ?? "").toLowerCase());
    const order = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (this.down ? -1 : 1);
    return found.sort(order);
  }

  rows() {
    const found = this.shown();
    const all = state.library.rows.length;
    this.count.textContent = found.length === all ? t("library.count", { count: number(all) }) : t("library.found", { count: number(found.length), all: number(all) });
    this.body.replaceChildren(...found.flatMap((row) => [this.row(row), this.asked === row.path ? this.question(row) : null]).filter(Boolean));
    this.none.textContent = all > 1 || !all ? "" : t("library.only_tiny");
    this.none.hidden = !this.none.textContent;
  }

  row(row) {
    const notes = [];
    if (row.own) notes.push(t("library.own"));
    if (row.parts > 1) notes.push(t("library.parts", { count: number(row.parts) }));
    if (row.program) notes.push(t("library.of_program", { program: row.program }));
    if (row.copies.length) notes.push(t("library.copies", { paths: row.copies.join(", ") }));
    const name = h("td", { class: "name", title: [row.path, ...row.copies].join("\n") }, h("span", { class: "called" }, row.name),
      notes.length ? h("span", { class: "where" }, notes.join(" · ")) : "", row.problem ? h("span", { class: "wrong" }, row.problem) : "");
    const cells = [row.architecture || "–", row.quantization || "–", bytes(row.size), row.context ? number(row.context) : "–"];
    const needed = row.needed ? [h("span", { class: "amount", title: t("library.needed_title", { context: number(row.window), cache: bytes(row.cache) }) }, bytes(row.needed)), " ", fits(row.fits)] : ["–"];
    return h("tr", { "data-model": row.name, class: row.problem ? "unusable" : null }, name,
      h("td", {}, cells[0]), h("td", {}, cells[1]), h("td", { class: "number" }, cells[2]), h("td", { class: "number" }, cells[3]),
      h("td", { class: "number memory" }, needed), h("td", { class: "doing" }, this.tools(row)));
  }

  tools(row) {
    const tool = (key, doing, attributes = {}) => h("button", { type: "button", class: "link", "data-do": key, "aria-label": t(`library.${key}_of`, { name: row.name }), onclick: doing, ...attributes }, t(`library.${key}`));
    return [row.problem ? "" : tool("use", () => { use(row.name); this.said.say("", t("library.used", { name: row.name })); }),
      row.problem ? "" : tool("metadata", () => { tell("show-model", { name: row.name }); document.getElementById("learn-tab-button")?.click(); }),
      row.own || row.program ? "" : tool("delete", () => { this.asked = row.path; this.rows(); this.body.querySelector("#delete-no")?.focus(); })];
  }

  /** Asked once, in the row itself. */
  question(row) {
    const close = () => { this.asked = ""; this.rows(); };
    return h("tr", { class: "question" }, h("td", { colspan: String(COLUMNS.length + 1) }, h("div", { class: "warning on", role: "alertdialog", "aria-label": t("library.delete_of", { name: row.name }) },
      h("p", {}, t("library.delete_ask", { name: row.file, size: bytes(row.size), folder: row.folder })),
      button(t("library.delete"), async () => { await this.change("delete", { name: row.name }, t("library.deleted", { name: row.file })); close(); }, { id: "delete-yes" }),
      button(t("library.delete_keep"), close, { id: "delete-no", "data-closes": true }))));
  }

  async change(path, values, good = "") {
    const answer = await act(path, values);
    return this.said.say(problemOf(answer), good);
  }

  async add() {
    if (await this.change("folder/add", { path: this.field.value }, t("library.folder_added"))) this.field.value = "";
  }
}
