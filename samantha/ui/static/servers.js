// Models on servers: those that have a name, what each is and has, and giving one a name.
import { h, t, number, onLanguage, ready } from "./base.js";
import { act, button, look, onEnter, onState, pause, problemOf, sayingLine, state, use } from "./models_state.js";

const FIELDS = ["name", "address", "variable", "parallel"];
const OVER = ["done", "stopped", "failed"];

export async function mount({ element }) {
  await ready;
  new Servers(element);
}

class Servers {
  constructor(element) {
    this.found = null;
    this.title = h("strong", { id: "servers-title" });
    this.list = h("ul", { class: "servers" });
    this.said = sayingLine();
    this.result = h("div", { class: "server", id: "server-found" });
    this.fields = Object.fromEntries(FIELDS.map((name) => [name, h("input", { type: "text", id: `server-${name}`, autocomplete: "off", spellcheck: "false", onkeydown: onEnter(() => this.add()) })]));
    this.form = h("div", { class: "adding" });
    this.note = h("p", { class: "note" });
    element.replaceChildren(h("section", { class: "box", "aria-labelledby": "servers-title" }, h("header", {}, this.title), this.list, this.result, this.said.line, this.form, this.note));
    onLanguage(() => this.draw());
    onState("servers", () => this.drawList());
  }

  draw() {
    this.title.textContent = t("servers.title");
    this.note.textContent = t("servers.note");
    this.form.replaceChildren(...FIELDS.map((name) => {
      this.fields[name].placeholder = t(`servers.${name}_example`);
      return h("span", { class: "labelled" }, h("label", { for: `server-${name}` }, t(`servers.${name}`)), this.fields[name]);
    }), h("div", { class: "finding" }, button(t("servers.add"), () => this.add(), { id: "server-add" }),
      button(t("servers.check_address"), () => this.check(this.fields.address.value), { id: "server-check", title: t("servers.check_help") })));
    this.drawList();
    this.drawResult();
  }

  drawList() {
    const { rows = [], problem = "" } = state.servers;
    if (problem) this.said.say(problem);
    this.list.replaceChildren(...(rows.length ? rows.map((row) => this.row(row)) : [h("li", { class: "note" }, t("servers.none"))]));
  }

  row(row) {
    const facts = [row.address, row.key ? (row.variable ? t("servers.key_in", { variable: row.variable }) : t("servers.key_kept")) : "",
      row.parallel ? t("servers.limit", { count: number(row.parallel) }) : ""].filter(Boolean).join(" · ");
    return h("li", { "data-server": row.name }, h("div", { class: "what" }, h("strong", {}, row.name), h("span", { class: "where path" }, facts)), h("div", { class: "tools" },
      button(t("servers.check"), () => this.check(row.name), { "data-do": "check", "aria-label": t("servers.check_of", { name: row.name }) }),
      button("✕", () => this.change("server/remove", { name: row.name }, t("servers.removed", { name: row.name })), { "data-do": "remove", "aria-label": t("servers.remove", { name: row.name }), title: t("servers.remove", { name: row.name }) })));
  }

  async change(path, values, good) {
    return this.said.say(problemOf(await act(path, values)), good);
  }

  async add() {
    const values = Object.fromEntries(FIELDS.map((name) => [name, this.fields[name].value]));
    if (!await this.change("server/add", values, t("servers.added", { name: values.name }))) return;
    for (const field of Object.values(this.fields)) field.value = "";
  }

  async check(name) {
    this.found = null;
    this.drawResult();
    const begun = await act("server/check", { name });
    if (!this.said.say(problemOf(begun), t("servers.asking"))) return;
    for (;;) {
      const answer = await look("server");
      if (answer.number !== begun.number) return;
      if (OVER.includes(answer.phase)) {
        this.said.say(problemOf(answer));
        this.found = answer;
        this.drawResult();
        return;
      }
      await pause(200);
    }
  }

  drawResult() {
    const found = this.found;
    if (!found) { this.result.replaceChildren(); return; }
    const confirm = found.origin ? button(t("servers.confirm", { origin: found.origin }), async () => {
      if (await this.change("server/confirm", { origin: found.origin }, "")) await this.check(found.name);
    }, { id: "server-confirm" }) : "";
    const facts = found.kind ? [found.kind, found.n_ctx ? t("servers.window", { count: number(found.n_ctx) }) : t("servers.window_unknown"),
      t(found.counts ? "servers.counts" : "servers.estimates"), t("servers.at_a_time", { count: number(found.parallel) })].join(" · ") : "";
    const models = (found.models || []).map((one) => h("li", { "data-model": one.name }, h("span", { class: "path" }, one.name || found.name),
      button(t("hub.use"), () => { use(one.use); this.said.say("", t("library.used", { name: one.name || found.name })); }, { "data-do": "use" })));
    this.result.replaceChildren(h("p", { class: "label" }, found.name), facts ? h("p", { class: "note" }, facts) : "", models.length ? h("ul", { class: "loaded" }, models) : "", confirm);
  }
}
