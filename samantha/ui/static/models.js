// The models of the chain, in order: each occurrence moves and goes alone; names and paths may be typed.
import { called, h, t, news, onLanguage, ready } from "./base.js";

export async function mount({ element, props, server, watch }) {
  await ready;
  let choices = [];
  const list = h("ol", { class: "models" });
  const names = h("datalist", { id: "model-names" });
  const field = h("input", { type: "text", list: "model-names", id: "model-add", autocomplete: "off", spellcheck: "false",
    onfocus: () => read(), onpaste: (event) => pasted(event), onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); add(); } } });
  const button = h("button", { type: "button", class: "small", onclick: () => add() });
  const note = h("p", { class: "note" });
  const title = h("p", { class: "label" });
  element.replaceChildren(title, list, h("div", { class: "add" }, field, button, names), note);

  const value = () => props.value || [];
  function set(models) {
    props.value = models;
    draw();
  }
  async function read() {
    choices = await server.choices();
    names.replaceChildren(...choices.map((choice) => h("option", { value: choice.name }, choice.detail)));
    draw();
  }
  /** Each line is a model; `---` before one leaves it out. */
  function add(text = field.value) {
    const names = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line && !line.startsWith("---"));
    field.value = "";
    if (names.length) set([...value(), ...names]);
  }
  /** A field has one line: what is pasted with several would be run together. */
  function pasted(event) {
    const text = event.clipboardData?.getData("text") || "";
    if (!/\n/.test(text.trim())) return;
    event.preventDefault();
    const { selectionStart: from, selectionEnd: to, value: typed } = field;
    add(typed.slice(0, from) + text + typed.slice(to));
  }
  function move(index) {
    const models = [...value()];
    models.splice(index - 1, 0, models.splice(index, 1)[0]);
    set(models);
    list.children[index - 1]?.querySelector(".up")?.focus();
  }
  function chip(name, index, models) {
    const { name: short, where, host } = called(name);
    const known = choices.find((choice) => choice.name === name);
    const detail = known ? known.detail : where === "file" ? "" : [t(`inputs.model_${where}`), host].filter(Boolean).join(" · ");
    const up = h("button", { type: "button", class: "up", "aria-label": t("inputs.model_up", { name: short }), title: t("inputs.model_up", { name: short }), onclick: () => move(index) }, "↑");
    const down = h("button", { type: "button", class: "down", "aria-label": t("inputs.model_down", { name: short }), title: t("inputs.model_down", { name: short }), onclick: () => move(index + 1) }, "↓");
    up.disabled = index === 0;
    down.disabled = index === models.length - 1;
    return h("li", { class: "chip", title: name, "data-where": where }, h("span", { class: "place" }, String(index + 1)), h("span", { class: "name" }, short),
      detail ? h("span", { class: "detail" }, detail) : "", models.length > 1 ? [up, down] : "",
      h("button", { type: "button", class: "remove", "aria-label": t("inputs.model_remove", { name: short }), title: t("inputs.model_remove", { name: short }),
        onclick: () => set(models.filter((_, place) => place !== index)) }, "✕"));
  }
  function draw() {
    const models = value();
    title.replaceChildren(t("inputs.models"), " ", h("span", { class: "hint" }, t("inputs.models_help")));
    list.replaceChildren(...models.map(chip));
    list.setAttribute("aria-label", t("inputs.models"));
    field.placeholder = t("inputs.model_add");
    field.setAttribute("aria-label", t("inputs.model_add"));
    button.textContent = t("inputs.model_add_button");
    note.textContent = models.includes("tiny") ? t("inputs.model_tiny") : models.length ? "" : t("inputs.model_none");
    note.hidden = !note.textContent;
  }
  onLanguage(draw);
  watch("value", draw);
  news.addEventListener("use-model", (event) => { read(); set([...value(), event.detail.name]); });
  await read();
}
