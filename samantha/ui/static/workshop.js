// The tools around code: numbered files, notebooks, tables, databases, executables, what runs in the background, packages.
import { h, t, number, onLanguage, onNews, ready, tabId } from "./base.js";

const KEPT = "samantha-workshop-";

export async function mount({ element, server }) {
  await ready;
  const shop = new Workshop(element, server);
  onLanguage(() => shop.draw());
  onNews("editor", (code) => { shop.code = code; });
  onNews("desk", () => { if (element.offsetParent) shop.refresh(); });
  new IntersectionObserver((seen) => { if (seen.some((entry) => entry.isIntersecting)) shop.refresh(); }).observe(element);
}

class Workshop {
  constructor(element, server) {
    Object.assign(this, { element, server, code: "", folders: null, run: "", processes: [], packages: null, said: {}, tables: null, busy: new Set() });
  }

  async refresh() {
    const [folders, running] = await Promise.all([this.server.folders([tabId()]), this.server.processes([tabId()])]);
    const before = JSON.stringify([this.folders, this.processes]);
    if (folders.runs) this.folders = { runs: folders.runs, numbered: folders.numbered, store: folders.store };
    this.processes = running.processes || [];
    if (JSON.stringify([this.folders, this.processes]) !== before) this.draw();
  }

  /** Ask for something and say in `place` how it went. */
  async ask(place, name, given, good = () => "") {
    if (this.busy.has(place)) return {};
    this.busy.add(place);
    this.say(place, t("desk.working"));
    let answer = {};
    try {
      answer = await this.server[name]([tabId(), ...given]);
    } finally {
      this.busy.delete(place);
    }
    const problem = answer.problem || (answer.problem_key ? t(answer.problem_key, answer.values) : "");
    this.say(place, problem || good(answer), Boolean(problem));
    return answer;
  }

  say(place, text, problem = false) {
    this.said[place] = { text, problem };
    const line = this.element.querySelector(`[data-said="${place}"]`);
    if (line) line.replaceWith(this.line(place));
  }

  line(place) {
    const { text = "", problem = false } = this.said[place] || {};
    return h("p", { class: problem ? "status problem" : "status", role: problem ? "alert" : "status", "data-said": place, hidden: !text }, text);
  }

  draw() {
    if (!this.folders) return;
    const inside = this.element.contains(document.activeElement) ? document.activeElement.id : "";
    this.element.replaceChildren(h("section", { class: "settings workshop", "aria-label": t("desk.tools") },
      this.background(), this.place(), this.numbered(), this.notebooks(), this.databases(), this.executable(), this.offered()));
    if (inside) document.getElementById(inside)?.focus();
  }

  group(title, ...content) {
    return h("div", { class: "group" }, h("p", { class: "label" }, title), content);
  }

  field(id, key, initial = "") {
    const field = h("input", { type: "text", id, placeholder: t(key), "aria-label": t(key), autocomplete: "off", spellcheck: "false",
      oninput: () => sessionStorage.setItem(KEPT + id, field.value) });
    field.value = sessionStorage.getItem(KEPT + id) ?? initial;
    return field;
  }

  button(id, key, act) {
    return h("button", { type: "button", class: "small", id, title: t(`${key}_help`), onclick: act }, t(key));
  }

  background() {
    const rows = this.processes.map((one) => h("li", {}, h("span", { class: "live", "aria-hidden": "true" }),
      /^http:\/\/(127\.[\d.]+|localhost):\d+\//.test(one.url) ? h("a", { href: one.url, target: "_blank", rel: "noopener noreferrer" }, one.title) : h("span", {}, one.title),
      h("button", { type: "button", class: "link", "aria-label": t("desk.end", { name: one.title }), onclick: async () => {
        await this.ask("background", "close", [one.id]);
        this.refresh();
      } }, "✕")));
    const all = this.button("close-all", "desk.close_all", async () => {
      await this.ask("background", "close", [""], (answer) => t("desk.closed", { count: number(answer.closed || 0) }));
      this.refresh();
    });
    all.disabled = !rows.length;
    return this.group(t("desk.background"), rows.length ? h("ul", { class: "processes" }, rows) : h("p", { class: "note" }, t("desk.background_none")), all, this.line("background"));
  }

  place() {
    if (!this.folders.runs.includes(this.run)) this.run = this.folders.runs[0];
    const select = h("select", { id: "work-folder", onchange: () => { this.run = select.value; } },
      this.folders.runs.map((run, index) => h("option", { value: run }, index ? t("desk.folder_run", { run }) : t("desk.folder_own"))));
    select.value = this.run;
    return this.group(t("desk.folder"), h("label", { class: "unseen", for: select.id }, t("desk.folder")), select, h("p", { class: "note" }, t("desk.folder_help")));
  }

  numbered() {
    const folder = this.field("numbered-folder", "desk.numbered_folder", this.folders.numbered);
    const name = this.field("numbered-name", "desk.numbered_name");
    const save = async () => {
      let code = this.code;
      if (!code.trim()) code = (await this.server.last_code([tabId()])).code || "";
      this.ask("numbered", "save_numbered", [code, folder.value, name.value], (answer) => t("desk.saved", { path: answer.saved }));
    };
    const list = () => this.ask("numbered", "numbered_files", [folder.value], (answer) => (answer.files || []).join("\n"));
    return this.group(t("desk.numbered"), folder, name, h("div", { class: "buttons" },
      this.button("numbered-save", "desk.numbered_save", save), this.button("numbered-list", "desk.numbered_list", list),
      this.button("numbered-run", "desk.numbered_run", () => this.ask("numbered", "run_numbered", [folder.value]))), this.line("numbered"));
  }

  notebooks() {
    const table = this.field("table-file", "desk.table_file");
    const open = (answer) => { this.refresh(); return answer.url ? t("desk.opened") : ""; };
    return this.group(t("desk.notebooks"),
      h("div", { class: "buttons" }, this.button("jupyter", "desk.jupyter", () => this.open("jupyter", [this.run], open))),
      table, h("div", { class: "buttons" }, this.button("dtale", "desk.dtale", () => this.open("dtale", [table.value, this.run], open))), this.line("notebooks"));
  }

  /** Start a tool and open it in a new tab; where the browser does not let it, the list above holds its address. */
  async open(name, given, good) {
    const answer = await this.ask("notebooks", name, given, good);
    if (answer.url && /^http:\/\/(127\.[\d.]+|localhost):\d+\//.test(answer.url)) window.open(answer.url, "_blank", "noopener,noreferrer");
  }

  databases() {
    const file = this.field("database-file", "desk.database_file", this.folders.store);
    const look = async () => {
      const answer = await this.ask("database", "database", [file.value, this.run], (found) => found.note || "");
      this.tables = answer.tables ? answer : null;
      this.rows = null;
      this.draw();
    };
    const browse = this.tables?.browser ? this.button("database-browser", "desk.database_browser", () => this.ask("database", "browse", [this.tables.file])) : "";
    return this.group(t("desk.database"), file, h("div", { class: "buttons" }, this.button("database-open", "desk.database_open", look), browse), this.line("database"),
      this.tables ? this.contents() : "");
  }

  contents() {
    const tables = this.tables.tables;
    const select = h("select", { id: "database-table", "aria-label": t("desk.database_table"), onchange: () => this.page(select.value, 0) },
      h("option", { value: "" }, t("desk.database_table")), tables.map((one) => h("option", { value: one.name },
        one.rows === null || one.rows === undefined ? one.name : `${one.name} (${number(one.rows)})`)));
    select.value = this.rows?.table || "";
    return h("div", {}, select, this.rows ? this.table() : "");
  }

  async page(table, offset) {
    if (!table) return;
    const answer = await this.ask("database", "rows", [this.tables.file, table, offset]);
    if (answer.rows) this.rows = answer;
    this.draw();
  }

  table() {
    const { table, columns, rows, offset, more } = this.rows;
    const close = h("button", { type: "button", class: "link", "data-closes": true, onclick: () => { this.rows = null; this.draw(); } }, t("page.close"));
    const step = (by, label, on) => {
      const button = h("button", { type: "button", class: "small", onclick: () => this.page(table, Math.max(0, offset + by)) }, label);
      button.disabled = !on;
      return button;
    };
    return h("div", { class: "rows", role: "dialog", "aria-label": table },
      h("header", {}, h("strong", {}, table), h("span", { class: "where" }, t("desk.rows", { from: number(rows.length ? offset + 1 : 0), to: number(offset + rows.length) })),
        step(-100, "←", offset > 0), step(100, "→", more), close),
      h("div", { class: "scroll", tabindex: "0" }, h("table", {}, h("thead", {}, h("tr", {}, columns.map((one) => h("th", { title: one.type }, one.name)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell === null ? h("span", { class: "where" }, "NULL") : String(cell)))))))));
  }

  executable() {
    const name = this.field("executable-name", "desk.executable_name", "program");
    const folder = this.field("executable-folder", "desk.executable_folder");
    const build = async () => {
      let code = this.code;
      if (!code.trim()) code = (await this.server.last_code([tabId()])).code || "";
      this.ask("executable", "executable", [code, name.value, folder.value], () => t("desk.executable_begun"));
    };
    return this.group(t("desk.executable"), name, folder, h("div", { class: "buttons" }, this.button("executable-build", "desk.executable_build", build)),
      h("p", { class: "note" }, t("desk.executable_note")), this.line("executable"));
  }

  offered() {
    const body = h("div", {});
    const fill = async () => {
      if (!this.packages) this.packages = (await this.server.packages([tabId()])).packages || [];
      body.replaceChildren(h("ul", { class: "packages" }, this.packages.map((one) => h("li", { class: one.version ? "" : "out" },
        h("strong", {}, one.name), one.version ? h("span", { class: "where" }, ` ${one.version}`) : "", ` ${one.purpose}`,
        one.note || one.missing ? h("span", { class: "where" }, ` (${one.missing || one.note})`) : ""))));
    };
    return h("details", { class: "fold", ontoggle: (event) => { if (event.target.open) fill(); } }, h("summary", {}, t("desk.packages")), body);
  }
}
