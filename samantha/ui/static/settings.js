// The settings of the chain: every knob of the one declaration, presets, switches, seed, variables, examples, template.
// The value holds only what differs from the defaults: {hyperparameters, flags, seed, parallel, variables, ...}.
import { h, t, plural, number, onLanguage, ready, tell, news } from "./base.js";
import { hidden, hide } from "./output.js";

const FOLDED = ["samplers", "penalties", "text", "machine"];

export async function mount({ element, props, server, watch }) {
  await ready;
  const panel = new Panel(element, props, server);
  panel.own = await server.own_presets();
  onLanguage(() => panel.draw());
  watch("value", () => panel.draw());
  news.addEventListener("set-knobs", ({ detail }) => {
    for (const [name, value] of Object.entries(detail)) panel.knob(name, value);
    panel.draw();
  });
}

class Panel {
  constructor(element, props, server) {
    Object.assign(this, { element, props, server, own: {}, open: new Set(), said: "" });
  }

  get value() { return this.props.value || {}; }

  get knobs() { return this.value.hyperparameters || {}; }

  set(changes, redraw = false) {
    this.props.value = { ...this.value, ...changes };
    this.grey();
    if (redraw) this.draw();
  }

  /** Sets a knob; undefined, or its default, takes it out of the changed ones. */
  knob(name, value) {
    const values = { ...this.knobs };
    const declared = this.props.knobs.find((one) => one.name === name);
    if (value === undefined || JSON.stringify(value) === JSON.stringify(declared.default)) delete values[name];
    else values[name] = value;
    this.set({ hyperparameters: values });
    this.marks();
  }

  draw() {
    const focus = document.activeElement && this.element.contains(document.activeElement) ? document.activeElement.id : "";
    this.rows = {};
    const main = this.props.knobs.filter((knob) => knob.group === "main").map((knob) => this.row(knob));
    this.element.replaceChildren(h("section", { class: "settings", "aria-label": t("settings.title") },
      this.head(), this.presets(), main, this.fold("more", t("settings.more"), () => this.folded()),
      h("hr"), h("p", { class: "label" }, t("settings.chain")), this.flags(this.props.flags), this.code(), this.chain(),
      this.fold("advanced", t("settings.advanced"), () => this.advanced())));
    this.tellCode();
    this.marks();
    this.grey();
    if (focus) document.getElementById(focus)?.focus();
  }

  head() {
    this.count = h("span", { class: "hint" });
    this.reset = h("button", { type: "button", class: "link", title: t("settings.reset_all"), onclick: () => this.set({ hyperparameters: {} }, true) }, t("settings.reset"));
    return h("header", {}, h("span", { class: "label" }, t("settings.title")), this.count, this.reset);
  }

  marks() {
    const names = Object.keys(this.knobs);
    this.count.textContent = names.length ? plural("settings.changed", names.length) : "";
    this.reset.hidden = !names.length;
    for (const [name, row] of Object.entries(this.rows)) row.classList.toggle("is-changed", name in this.knobs);
    if (this.preset) this.preset.value = this.matching();
    tell("knobs", { ...this.knobs });
  }

  /** One response per model fixes responses and loops at 1. */
  grey() {
    const single = Boolean((this.value.flags || {}).single_response_per_model);
    const counts = document.querySelector("#counts .form");
    if (!counts) return;
    counts.inert = single;
    counts.title = single ? t("settings.greyed") : "";
  }

  matching() {
    const same = ([, values]) => sorted(values) === sorted(this.knobs);
    const found = Object.entries({ ...this.props.presets, ...this.own }).find(same);
    return found ? found[0] : "";
  }

  presets() {
    const names = Object.keys({ ...this.props.presets, ...this.own });
    this.preset = h("select", { id: "preset", "aria-label": t("settings.preset"), onchange: () => this.choose(this.preset.value) },
      h("option", { value: "", disabled: true }, t("settings.preset_own")), names.map((name) => h("option", { value: name }, name)));
    const name = h("input", { type: "text", id: "preset-name", placeholder: t("settings.preset_name"), "aria-label": t("settings.preset_name"), maxlength: "60" });
    const keep = h("button", { type: "button", class: "link", onclick: () => this.keep(name.value.trim()) }, t("settings.preset_save"));
    const drop = h("button", { type: "button", class: "link", onclick: () => this.drop() }, t("settings.preset_delete"));
    const open = h("details", { class: "keep", open: this.open.has("keep"), ontoggle: (event) => this.remember("keep", event.target.open) },
      h("summary", {}, t("settings.preset_keep")), h("div", { class: "inline" }, name, keep, drop),
      h("p", { class: "note", role: "status" }, this.said));
    return h("div", { class: "presets" }, this.preset, open);
  }

  choose(name) {
    const values = this.props.presets[name] || this.own[name];
    if (values) this.set({ hyperparameters: { ...values } }, true);
  }

  async keep(name) {
    if (!name) return;
    if (this.props.presets[name]) this.said = t("settings.preset_shipped");
    else {
      const answer = await this.server.save_preset([name, this.knobs]);
      if (answer.presets) this.own = answer.presets;
      this.said = answer.problem || t("settings.preset_saved", { name });
    }
    this.draw();
  }

  async drop() {
    const name = this.matching();
    if (this.props.presets[name] || !name) this.said = t("settings.preset_shipped");
    else {
      const answer = await this.server.delete_preset([name]);
      if (answer.presets) this.own = answer.presets;
      this.said = answer.problem || "";
    }
    this.draw();
  }

  remember(name, open) {
    if (open) this.open.add(name);
    else this.open.delete(name);
  }

  fold(name, title, content) {
    const body = h("div", {});
    const fill = () => { if (!body.children.length) { body.append(...content()); this.marks(); } };
    const details = h("details", { class: "fold", open: this.open.has(name), ontoggle: () => {
      this.remember(name, details.open);
      if (details.open) fill();
    } }, h("summary", {}, title), body);
    if (this.open.has(name)) body.append(...content());
    return details;
  }

  folded() {
    return FOLDED.flatMap((group) => [h("p", { class: "label" }, t(`settings.${group}`)),
      ...this.props.knobs.filter((knob) => knob.group === group).map((knob) => this.row(knob))]);
  }

  /** One knob: its name (a button that shows its help), marker and reset, and its control. */
  row(knob) {
    const help = h("p", { class: "note help", id: `help-${knob.name}`, hidden: !this.open.has(`help-${knob.name}`) },
      t(`knobs.${knob.name}`), " ", t("settings.default", { value: shown(knob.default), allowed: knob.allowed }), knob.note ? ` (${knob.note})` : "");
    const name = h("button", { type: "button", class: "name", title: t(`knobs.${knob.name}`), "aria-expanded": String(!help.hidden),
      "aria-controls": help.id, "aria-label": t("settings.help_of", { name: knob.name }), onclick: () => {
        help.hidden = !help.hidden;
        name.setAttribute("aria-expanded", String(!help.hidden));
        this.remember(help.id, !help.hidden);
      } }, knob.name);
    const back = h("button", { type: "button", class: "mark", title: t("settings.reset_one", { name: knob.name, value: shown(knob.default) }),
      "aria-label": `${t("settings.changed_marker")}; ${t("settings.reset_one", { name: knob.name, value: shown(knob.default) })}`,
      onclick: () => { this.knob(knob.name, undefined); this.draw(); } }, "●");
    const control = this.control(knob);
    const wide = ["text", "list", "samplers"].includes(knob.kind);
    const row = h("div", { class: wide ? "knob wide" : "knob", "data-knob": knob.name }, h("span", { class: "title" }, name, back), control, help);
    this.rows[knob.name] = row;
    return row;
  }

  current(knob) {
    return knob.name in this.knobs ? this.knobs[knob.name] : knob.default;
  }

  control(knob) {
    if (knob.kind === "number") return this.numeric(knob);
    if (knob.kind === "bool") {
      return checkbox(`knob-${knob.name}`, this.current(knob), (on) => this.knob(knob.name, on), knob.name);
    }
    if (knob.kind === "choice") {
      const select = h("select", { id: `knob-${knob.name}`, "aria-label": knob.name, onchange: () => this.knob(knob.name, Number(select.value)) },
        knob.choices.map((choice) => h("option", { value: String(choice) }, String(choice))));
      select.value = String(this.current(knob));
      return select;
    }
    if (knob.kind === "samplers") return this.samplers(knob);
    const value = this.current(knob);
    const area = h("textarea", { id: `knob-${knob.name}`, "aria-label": knob.name, rows: "2", spellcheck: "false",
      placeholder: knob.kind === "list" ? '["END", "User:"]' : "",
      onchange: () => this.knob(knob.name, area.value.trim() ? area.value : undefined) });
    area.value = Array.isArray(value) ? (value.length ? JSON.stringify(value) : "") : value ?? "";
    return area;
  }

  numeric(knob) {
    const value = this.current(knob);
    const input = h("input", { type: "number", id: `knob-${knob.name}`, "aria-label": knob.name, step: "any", placeholder: t("settings.auto"),
      onchange: () => { this.knob(knob.name, input.value === "" ? undefined : Number(input.value)); if (slider) slider.value = input.value; } });
    input.value = value ?? "";
    const bounds = knob.slider;
    const slider = bounds ? h("input", { type: "range", min: bounds[0], max: bounds[1], step: bounds[2], tabindex: "-1", "aria-hidden": "true",
      oninput: () => { input.value = slider.value; }, onchange: () => this.knob(knob.name, Number(slider.value)) }) : null;
    if (slider) slider.value = String(value);
    return h("span", { class: "control" }, slider, input);
  }

  samplers(knob) {
    const order = this.current(knob);
    const off = knob.choices.filter((name) => !order.includes(name));
    const apply = (names) => { this.knob(knob.name, names); this.draw(); };
    const move = (index, by) => {
      const names = [...order];
      names.splice(index + by, 0, names.splice(index, 1)[0]);
      apply(names);
    };
    const items = order.map((name, index) => h("li", {},
      checkbox(`sampler-${name}`, true, () => apply(order.filter((one) => one !== name)), name), h("span", {}, name),
      arrow("↑", t("settings.sampler_up", { name }), index === 0, () => move(index, -1)),
      arrow("↓", t("settings.sampler_down", { name }), index === order.length - 1, () => move(index, 1))));
    const rest = off.map((name) => h("li", { class: "off" }, checkbox(`sampler-${name}`, false, () => apply([...order, name]), name), h("span", {}, name)));
    return h("ol", { class: "samplers", "aria-label": t("settings.order") }, items, rest);
  }

  /** Whether the chain runs code: the access box opens then. */
  tellCode() {
    tell("run_code", Boolean((this.value.flags || {}).run_code));
  }

  /** Running code, and, while it is on, what belongs to it. */
  code() {
    const [first, ...others] = this.props.code_flags;
    const on = Boolean((this.value.flags || {})[first]);
    return [...this.flags([first]), on ? h("div", { class: "belonging" }, this.flags(others), this.windows()) : ""];
  }

  /** No windows for what code puts out: how this page shows it, not part of the chain. */
  windows() {
    const box = checkbox("flag-hide_html", hidden(), hide);
    return h("label", { class: "flag", title: t("flags.hide_html_help"), for: box.id }, box, h("span", {}, t("flags.hide_html")));
  }

  flags(names) {
    const flags = this.value.flags || {};
    return names.map((name) => {
      const on = name in flags ? flags[name] : this.props.flag_defaults[name];
      const box = checkbox(`flag-${name}`, on, (now) => {
        this.set({ flags: { ...(this.value.flags || {}), [name]: now } }, ["random_hyperparameters", "run_code"].includes(name));
        if (name === "run_code") this.tellCode();
      });
      return h("label", { class: "flag", title: t(`flags.${name}_help`), for: `flag-${name}` }, box, h("span", {}, t(`flags.${name}`)));
    });
  }

  chain() {
    const seed = h("input", { type: "number", id: "run-seed", min: "0", step: "1", placeholder: t("settings.seed_placeholder"), onchange: () => this.set({ seed: seed.value === "" ? null : Number(seed.value) }) });
    seed.value = this.value.seed ?? "";
    const parallel = h("input", { type: "number", id: "parallel", min: "1", max: "64", step: "1", onchange: () => this.set({ parallel: Number(parallel.value || 8) }) });
    parallel.value = this.value.parallel ?? 8;
    return [labelled(t("settings.seed"), seed, t("settings.seed_help")), labelled(t("settings.parallel"), parallel, t("settings.parallel_help")), this.ranges()];
  }

  /** The ranges of random mode, shown while it is on. */
  ranges() {
    if (!(this.value.flags || {}).random_hyperparameters) return "";
    const own = this.value.random_ranges || {};
    const rows = this.props.knobs.filter((knob) => knob.random).map((knob) => {
      const [low, high] = own[knob.name] || knob.random;
      const make = (value, label) => {
        const input = h("input", { type: "number", step: "any", "aria-label": label, onchange: () => apply() });
        input.value = value;
        return input;
      };
      const from = make(low, t("settings.range_from", { name: knob.name }));
      const to = make(high, t("settings.range_to", { name: knob.name }));
      const apply = () => this.set({ random_ranges: { ...(this.value.random_ranges || {}), [knob.name]: [Number(from.value), Number(to.value)] } });
      return h("div", { class: "range" }, h("span", {}, knob.name), from, "–", to);
    });
    return h("div", { class: "ranges" }, h("p", { class: "label" }, t("settings.ranges")), rows);
  }

  advanced() {
    const variables = h("textarea", { id: "variables", rows: "2", spellcheck: "false", placeholder: "topic = love", onchange: () => this.set({ variables: variables.value }) });
    variables.value = this.value.variables || "";
    const template = h("select", { id: "template", onchange: () => this.set({ template: template.value }) },
      h("option", { value: "" }, t("settings.template_own")), this.props.templates.map((name) => h("option", { value: name }, name)),
      typeof this.value.template === "object" ? h("option", { value: "*" }, t("settings.template_custom")) : "");
    template.value = typeof this.value.template === "object" ? "*" : this.value.template || "";
    return [labelled(t("settings.template"), template), labelled(t("settings.variables"), variables, t("settings.variables_help"), true), ...this.examples()];
  }

  examples() {
    const list = this.value.examples || [];
    const change = (index, side, text) => this.set({ examples: list.map((pair, place) => (place === index ? { ...pair, [side]: text } : pair)) });
    const field = (index, side, label) => {
      const area = h("textarea", { id: `example-${index}-${side}`, rows: "1", placeholder: label, "aria-label": `${label} ${index + 1}`, onchange: () => { list[index] = { ...list[index], [side]: area.value }; change(index, side, area.value); } });
      area.value = list[index][side];
      return area;
    };
    const pairs = list.map((_, index) => h("div", { class: "example" },
      field(index, "user", t("settings.example_user")), field(index, "assistant", t("settings.example_assistant")),
      h("button", { type: "button", class: "link", "aria-label": t("settings.example_remove", { number: index + 1 }), onclick: () => this.set({ examples: list.filter((_, place) => place !== index) }, true) }, "✕")));
    const add = h("button", { type: "button", class: "link", onclick: () => this.set({ examples: [...list, { user: "", assistant: "" }] }, true) }, t("settings.example_add"));
    return [h("p", { class: "label", title: t("settings.examples_help") }, t("settings.examples")), ...pairs, add];
  }
}

const sorted = (values) => JSON.stringify(Object.entries(values).sort());
const shown = (value) => (value === null ? "–" : Array.isArray(value) ? (value.length ? value.join(", ") : "–") : value === false ? "off" : value === true ? "on" : number(value, 0) === String(value) ? String(value) : String(value));

function checkbox(id, on, changed, label) {
  const box = h("input", { type: "checkbox", id, "aria-label": label, onchange: () => changed(box.checked) });
  box.checked = Boolean(on);
  return box;
}

function arrow(sign, label, disabled, action) {
  const button = h("button", { type: "button", class: "link", title: label, "aria-label": label, onclick: action }, sign);
  button.disabled = disabled;
  return button;
}

function labelled(text, control, help = "", wide = false) {
  return h("label", { class: wide ? "pair wide" : "pair", title: help, for: control.id }, h("span", {}, text), control);
}
