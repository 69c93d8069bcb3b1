// Sliders for some knobs of the one declaration, as branches and what-if use them: what they stand at, and what differs.
// The elements stay when values change, so that nothing flickers and the focus is kept.
import { h, t, onLanguage } from "./base.js";

export class Sliders {
  /** `changed` is called with the changes after every move; `id` begins the ids of the fields. */
  constructor(knobs, id, changed) {
    Object.assign(this, { knobs, id, changed, base: {}, moved: {}, rows: new Map() });
    this.reset = h("button", { type: "button", class: "link", onclick: () => this.clear() });
    this.element = h("div", { class: "sliders" }, knobs.map((knob) => this.row(knob)));
    onLanguage(() => this.label());
    this.draw();
  }

  /** What differs from the recorded values, by name. */
  get changes() { return { ...this.moved }; }

  /** The recorded values. Changes stay, but those that say what is recorded anyway. */
  set values(base) {
    this.base = base;
    for (const [name, value] of Object.entries(this.moved)) if (value === base[name]) delete this.moved[name];
    this.draw();
  }

  clear() {
    this.moved = {};
    this.draw();
    this.changed(this.changes);
  }

  row(knob) {
    const id = `${this.id}-${knob.name}`;
    const [low, high, step] = knob.slider || [];
    const slider = knob.slider && h("input", { type: "range", min: low, max: high, step, id: `${id}-slider`,
      oninput: () => this.move(knob, slider.value) });
    const field = h("input", { type: "number", id, step: "any", oninput: () => this.move(knob, field.value, false), onchange: () => this.draw() });
    const label = h("label", { for: id }, knob.name);
    const back = h("button", { type: "button", class: "mark", onclick: () => { this.move(knob, ""); field.focus(); } }, "●");
    const row = h("div", { class: "slider" }, label, back, slider || h("span", {}), field);
    this.rows.set(knob.name, { knob, row, label, back, slider, field });
    return row;
  }

  /** Takes what was set; what is typed is not written over while it is typed. */
  move(knob, text, redraw = true) {
    const value = text === "" ? this.base[knob.name] : Number(text);
    if (value === this.base[knob.name] || (typeof value === "number" && Number.isNaN(value))) delete this.moved[knob.name];
    else this.moved[knob.name] = value;
    this.draw(redraw ? null : knob.name);
    this.changed(this.changes);
  }

  value(name) {
    return name in this.moved ? this.moved[name] : this.base[name];
  }

  draw(typed = null) {
    for (const [name, { row, slider, field }] of this.rows) {
      const value = this.value(name);
      row.classList.toggle("is-changed", name in this.moved);
      if (slider) slider.value = String(value ?? 0);
      if (name !== typed) field.value = value ?? "";
    }
    this.reset.hidden = !Object.keys(this.moved).length;
    this.label();
  }

  label() {
    this.reset.textContent = t("branches.reset");
    for (const [name, { knob, label, back, slider, field }] of this.rows) {
      label.title = [t(`knobs.${name}`), knob.note].filter(Boolean).join(" · ");
      field.placeholder = t("settings.auto");
      const shown = this.base[name] ?? t("settings.auto");
      back.title = t("settings.reset_one", { name, value: shown });
      back.setAttribute("aria-label", `${t("settings.changed_marker")}; ${back.title}`);
      if (slider) slider.setAttribute("aria-label", name);
    }
  }
}
