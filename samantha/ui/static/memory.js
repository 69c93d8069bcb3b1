// What is loaded, unloading it, and how much the loaded models may hold together.
import { h, t, number, onLanguage, ready, short } from "./base.js";
import { act, button, bytes, onEnter, onState, problemOf, sayingLine, state } from "./models_state.js";

export async function mount({ element }) {
  await ready;
  new Memory(element);
}

class Memory {
  constructor(element) {
    this.title = h("strong", { id: "memory-title" });
    this.free = h("span", { class: "where", role: "status" });
    this.list = h("ul", { class: "loaded" });
    this.all = button("", () => this.unload(""), { id: "unload-all" });
    this.said = sayingLine();
    this.label = h("label", { for: "memory-budget" });
    this.budget = h("input", { type: "text", inputmode: "decimal", id: "memory-budget", autocomplete: "off", onkeydown: onEnter(() => this.set()) });
    this.keep = button("", () => this.set(), { id: "budget-set" });
    this.note = h("p", { class: "note", id: "budget-note" });
    this.threads = h("p", { class: "note", id: "threads-note" });
    element.replaceChildren(h("section", { class: "box", "aria-labelledby": "memory-title" }, h("header", {}, this.title, this.free),
      this.list, h("div", { class: "finding" }, this.all), this.said.line,
      h("div", { class: "finding budget" }, this.label, this.budget, h("span", { class: "unit" }, "GB"), this.keep), this.note, this.threads));
    onLanguage(() => this.draw());
    onState("memory", () => this.draw());
  }

  draw() {
    this.title.textContent = t("memory.title");
    this.label.textContent = t("memory.budget");
    this.all.textContent = t("memory.unload_all");
    this.keep.textContent = t("memory.set");
    const now = state.memory;
    if (!now) return;
    this.free.textContent = t("memory.free", { free: bytes(now.available), total: bytes(now.total) });
    this.all.hidden = now.loaded.length < 2;
    this.list.replaceChildren(...(now.loaded.length ? now.loaded.map((one) => this.row(one)) : [h("li", { class: "note" }, t("memory.none"))]));
    if (document.activeElement !== this.budget) this.budget.value = number(now.budget, now.budget % 1 ? 1 : 0);
    const held = now.loaded.reduce((sum, one) => sum + one.bytes, 0);
    this.note.textContent = now.budget ? t("memory.several", { held: bytes(held), budget: bytes(now.budget * 1e9) }) : t("memory.one");
    const threads = t(now.threads === 1 ? "memory.threads_one" : "memory.threads", { threads: number(now.threads), processors: number(now.processors) });
    this.threads.textContent = `${threads} ${t(now.tuned ? "memory.tuned" : "memory.tune")}`;
  }

  row(one) {
    return h("li", { "data-loaded": one.name }, h("span", { class: "path", title: one.name }, short(one.name)), h("span", { class: "amount" }, bytes(one.bytes)),
      button(t("memory.unload"), () => this.unload(one.name), { "aria-label": t("memory.unload_of", { name: one.name }) }));
  }

  async unload(name) {
    const answer = await act("unload", { name });
    this.said.say(problemOf(answer), answer.gone?.length ? t("memory.unloaded", { names: answer.gone.map(short).join(", ") }) : t("memory.nothing_went"));
  }

  async set() {
    const answer = await act("budget", { budget: this.budget.value });
    const gone = answer.gone?.length ? ` ${t("memory.unloaded", { names: answer.gone.map(short).join(", ") })}` : "";
    if (this.said.say(problemOf(answer), `${t("memory.kept")}${gone}`)) this.budget.blur();
  }
}
