// What code of this tab may do: the sandbox's state, files, network, limits, full access. The truth is on the server's
// side; this box asks for changes and draws what the server says. The value holds the files that the chain asks for.
import { h, t, onLanguage, onNews, ready, tabId, tell } from "./base.js";

export async function mount({ element, props, server, watch }) {
  await ready;
  const box = new Access(element, props, server);
  onLanguage(() => box.draw());
  watch("value", () => box.draw());
  onNews("access", (now) => { box.now = now; box.draw(); });
  onNews("run_code", (on) => { box.open = box.runs = on; box.draw(); });
}

class Access {
  constructor(element, props, server) {
    Object.assign(this, { element, props, server, now: null, open: false, asking: false, said: "" });
  }

  /** The files that the chain says its code reads. */
  get wanted() { return (this.props.value || {}).files || []; }

  set wanted(files) { this.props.value = { files }; }

  /** Ask the server for a change; what is wrong is said in the box, and nothing typed is lost. */
  async ask(name, ...given) {
    const answer = await this.server[name]([tabId(), ...given]);
    this.said = answer.problem || (answer.problem_key ? t(answer.problem_key, answer.values) : "");
    if (answer.access) tell("access", answer.access);
    else this.draw();
    return answer;
  }

  draw() {
    const now = this.now;
    if (!now) return;
    const inside = this.element.contains(document.activeElement) ? document.activeElement.id : "";
    const typed = new Map([...this.element.querySelectorAll("input[type=text]")].map((field) => [field.id, field.value]));
    this.element.replaceChildren(h("section", { class: "settings access", "aria-label": t("access.title") },
      this.head(now), this.state(now), this.environment(now), now.full ? this.fullOn() : null,
      h("p", { class: "status problem", role: "alert", hidden: !this.said }, this.said), this.details(now)));
    for (const [id, value] of typed) {
      const field = document.getElementById(id);
      if (field && value) field.value = value;
    }
    if (inside) document.getElementById(inside)?.focus();
  }

  head(now) {
    const mode = now.full ? "full" : now.proof.mode;
    return h("header", {}, h("span", { class: "label" }, t("access.title")), h("span", { class: `mode ${mode}` }, t(`access.name_${mode}`)));
  }

  state(now) {
    if (now.full) return null;
    const why = now.proof.failures.length && now.proof.mode !== "isolated" ? ` ${t("access.because", { reason: now.proof.failures[0] })}` : "";
    const again = h("button", { type: "button", class: "link", id: "access-check", onclick: () => this.ask("check") }, t("access.check"));
    return h("p", { class: "note" }, t(`access.mode_${now.proof.mode}`), why, " ", now.proof.mode === "proving" ? "" : again);
  }

  environment(now) {
    const { state, sentence } = now.environment;
    if (state === "unknown" || state === "ready") return null;
    return h("p", { class: this.runs ? "status problem" : "note", id: "environment" }, `${t(`access.environment_${state.replace(" ", "_")}`)} ${sentence}`);
  }

  details(now) {
    const fold = h("details", { class: "fold", open: this.open, ontoggle: () => { this.open = fold.open; } },
      h("summary", {}, t("access.details")), this.files(now), this.network(now), this.limits(now), now.full ? "" : this.full());
    return fold;
  }

  files(now) {
    const granted = new Set(now.files.map((file) => file.path));
    const covered = (path) => granted.has(path) || now.files.some((file) => path.startsWith(`${file.path}/`) || path.startsWith(`${file.path}\\`));
    const asked = this.wanted.filter((path) => !covered(path));
    const field = h("input", { type: "text", id: "access-path", autocomplete: "off", spellcheck: "false", placeholder: t("access.path"),
      "aria-label": t("access.path"), onkeydown: (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        event.stopPropagation();
        this.add(field);
      } });
    return h("div", {}, h("p", { class: "label" }, t("access.files")),
      h("ul", { class: "models grants", "aria-label": t("access.files") }, now.files.map((file) => this.chip(file)), asked.map((path) => this.request(path))),
      h("div", { class: "add" }, field, h("button", { type: "button", class: "small", onclick: () => this.add(field) }, t("access.allow"))),
      h("p", { class: "note" }, t("access.files_help")));
  }

  async add(field) {
    if (!field.value.trim()) return;
    const typed = field.value;
    field.value = "";
    const answer = await this.ask("allow", typed, false);
    if (!answer.allowed) {
      const kept = document.getElementById("access-path");
      if (kept) kept.value = typed;
      return;
    }
    const name = (path) => path.split(/[\\/]/).pop();
    const others = this.wanted.filter((path) => path !== answer.allowed && !(isRelative(path) && name(path) === name(answer.allowed)));
    this.wanted = [...others, answer.allowed];
  }

  chip(file) {
    const mode = h("select", { "aria-label": t("access.how", { name: file.name }), onchange: () => this.ask("allow", file.path, mode.value === "write") },
      h("option", { value: "read" }, t("access.read")), h("option", { value: "write" }, t("access.write")));
    mode.value = file.write ? "write" : "read";
    return h("li", { class: file.gone ? "chip asked" : "chip", title: file.path }, h("span", { class: "name" }, file.name),
      file.gone ? h("span", { class: "detail" }, t("access.gone")) : mode,
      h("button", { type: "button", class: "remove", "aria-label": t("access.remove", { name: file.name }), title: t("access.remove", { name: file.name }),
        onclick: () => { this.wanted = this.wanted.filter((path) => path !== file.path); this.ask("take_back", file.path); } }, "✕"));
  }

  /** A file that the chain asks for and that is not allowed yet. */
  request(path) {
    const name = path.split(/[\\/]/).pop();
    return h("li", { class: "chip asked", title: path }, h("span", { class: "name" }, name), h("span", { class: "detail" }, t("access.asked")),
      isRelative(path) ? "" : h("button", { type: "button", class: "link", onclick: () => this.ask("allow", path, false) }, t("access.allow")),
      h("button", { type: "button", class: "remove", "aria-label": t("access.remove", { name }), title: t("access.remove", { name }),
        onclick: () => { this.wanted = this.wanted.filter((one) => one !== path); this.draw(); } }, "✕"));
  }

  network(now) {
    const box = h("input", { type: "checkbox", id: "access-network", onchange: () => this.ask("network", box.checked) });
    box.checked = now.network;
    return h("label", { class: "flag", title: t("access.network_help"), for: box.id }, box, h("span", {}, t("access.network")));
  }

  limits(now) {
    const field = (name, value) => {
      const input = h("input", { type: "number", id: `access-${name}`, min: "1", step: "1", onchange: () => this.ask("limit", name, Number(input.value)) });
      input.value = String(value);
      return h("label", { class: "pair", title: t(`access.${name}_help`), for: input.id }, h("span", {}, t(`access.${name}`)), input);
    };
    return [field("seconds", now.seconds), field("memory", now.memory)];
  }

  full() {
    const open = h("button", { type: "button", class: "link", id: "full-open", "aria-expanded": String(this.asking), onclick: () => { this.asking = !this.asking; this.draw(); } }, t("access.full_open"));
    return h("div", { class: "full" }, open, this.asking ? this.warning() : null);
  }

  warning() {
    const word = h("input", { type: "text", id: "full-word", autocomplete: "off", spellcheck: "false", onkeydown: (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      event.stopPropagation();
      grant();
    } });
    const keep = h("input", { type: "checkbox", id: "full-keep" });
    const grant = async () => {
      const typed = word.value;
      const answer = await this.ask("full", typed, keep.checked);
      if (!answer.problem && !answer.problem_key) { this.asking = false; this.draw(); }
    };
    const cancel = () => { this.asking = false; this.said = ""; this.draw(); };
    return h("div", { class: "warning" }, h("p", {}, t("access.full_warning")),
      h("label", { class: "wide", for: "full-word" }, t("access.full_type", { words: t("access.full_words") })), word,
      h("label", { class: "flag", for: "full-keep" }, keep, h("span", {}, t("access.full_keep"))),
      h("div", { class: "inline" }, h("button", { type: "button", class: "small", id: "full-grant", onclick: grant }, t("access.full_grant")),
        h("button", { type: "button", class: "small", "data-closes": true, onclick: cancel }, t("access.full_cancel"))));
  }

  fullOn() {
    return h("div", { class: "warning on" }, h("p", {}, t("access.full_on")),
      h("button", { type: "button", class: "small", id: "full-off", onclick: () => this.ask("no_full") }, t("access.switch_off")));
  }
}

const isRelative = (path) => !/^([\\/]|[A-Za-z]:[\\/])/.test(path);
