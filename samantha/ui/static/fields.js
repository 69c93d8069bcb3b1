// Small parts beside the fields: what the prompts amount to, sentences on mistakes, pickers, preview, saving.
import { h, t, plural, number, onLanguage, ready, news, tell } from "./base.js";

/** A line beneath a field: {problem} an error sentence, {note} a sentence, {counts} what the prompt list holds. */
async function status({ element, props, watch }) {
  await ready;
  const line = h("p", { class: "status" });
  element.replaceChildren(line);
  const draw = () => {
    const value = props.value || {};
    const problem = value.problem || (value.problem_key ? t(value.problem_key, value.values) : "");
    line.className = problem ? "status problem" : "status";
    line.setAttribute("role", problem ? "alert" : "status");
    line.hidden = !problem && !value.note && !value.note_key && !value.counts;
    if (problem && element.closest("#prompts-line")) tell("steps", "");
    tell("problem", { place: element.closest("[id$='-line']")?.id || "", text: problem });
    line.textContent = problem || value.note || (value.note_key ? t(value.note_key, value.values) : counts(value.counts));
  };
  onLanguage(draw);
  watch("value", draw);
}

function counts(value) {
  if (!value) return "";
  const parts = [value.prompts ? plural("live.prompts", value.prompts) : t("live.empty")];
  if (value.ignored) parts.push(t("live.ignored", { count: number(value.ignored) }));
  if (value.shared) parts.push(t("live.shared"));
  if (value.final) parts.push(t("live.final"));
  tell("steps", value.steps);
  return parts.join(" · ");
}

/** A list whose entries are read anew whenever it is about to open; choosing one gives its value to the page. */
async function picker({ element, props, server }) {
  await ready;
  let entries = [];
  const select = h("select", { id: `${props.id}-picker`, onfocus: () => fill(), onpointerenter: () => fill(), onchange: choose });
  element.replaceChildren(select);
  async function fill() {
    entries = await server.entries();
    draw();
  }
  function draw() {
    select.setAttribute("aria-label", `${t(props.text)}: ${t(props.field)}`);
    const first = h("option", { value: "" }, entries.length ? t(props.text) : `${t(props.text)}: ${t("inputs.entry_empty")}`);
    const options = entries.map((entry, index) => h("option", { value: String(index), title: entry.hint || "" }, entry.label));
    const signature = JSON.stringify([first.textContent, entries]);
    if (select.dataset.signature === signature) return;
    select.dataset.signature = signature;
    select.replaceChildren(first, ...options);
  }
  function choose() {
    const entry = entries[Number(select.value)];
    select.value = "";
    if (!entry) return;
    props.value = { entry: entry.value, at: Date.now() };
  }
  onLanguage(draw);
  await fill();
}

/** The steps that a start would make. */
async function preview({ element, props, watch }) {
  await ready;
  const draw = () => {
    const value = props.value;
    if (!value || !value.steps) { element.replaceChildren(); return; }
    const close = h("button", { type: "button", class: "link", "data-closes": true, onclick: () => {
      props.value = null;
      element.replaceChildren();
    } }, t("page.close"));
    const loops = value.steps.some((step) => step.loop > 1) || value.total === null;
    const heads = ["step", "model", "prompt", "response", ...(loops ? ["loop"] : [])];
    const rows = value.steps.map((step) => h("tr", { class: step.group > 1 ? "grouped" : "" },
      h("td", {}, number(step.step)), h("td", {}, step.model),
      h("td", { class: "asked", title: step.prompt }, `${step.number} · ${step.prompt}`),
      h("td", {}, number(step.response), step.group > 1 ? h("span", { class: "where" }, ` ${t("preview.together")}`) : ""),
      loops ? h("td", {}, number(step.loop)) : null));
    const hidden = value.total === null ? t("preview.endless")
      : value.total > value.steps.length ? t("preview.more", { count: number(value.total - value.steps.length) }) : "";
    const table = h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", {}, t(`preview.${name}`))))), h("tbody", {}, rows));
    element.replaceChildren(h("section", { class: "box preview" },
      h("header", {}, h("strong", {}, t("preview.title")), h("span", { class: "where" }, value.total === null ? t("live.steps_endless") : plural("live.steps", value.total)), h("span", { class: "tools" }, close)),
      table, hidden ? h("p", { class: "note" }, hidden) : "", h("p", { class: "note" }, t("preview.note"))));
    element.closest("#middle")?.scrollTo({ top: 0 });
  };
  onLanguage(draw);
  watch("value", draw);
  news.addEventListener("running", (event) => { if (event.detail) { props.value = null; draw(); } });
}

/** Hands a text to the browser as a file. */
async function save({ element, props, watch }) {
  element.replaceChildren();
  watch("value", () => {
    const value = props.value;
    if (!value || !value.text) return;
    const address = URL.createObjectURL(new Blob([value.text], { type: "application/toml" }));
    h("a", { href: address, download: value.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  });
}

/** Says beside the previous response that the next run starts from the last response. */
async function replaced({ element }) {
  await ready;
  let on = false;
  const line = h("p", { class: "status", role: "status" });
  element.replaceChildren(line);
  const draw = () => { line.hidden = !on; line.textContent = on ? `↺ ${t("inputs.previous_replaced")}` : ""; };
  onLanguage(draw);
  news.addEventListener("replacing", (event) => { if (on !== event.detail) { on = event.detail; draw(); } });
}

/** How many steps a start would make. */
async function planned({ element }) {
  await ready;
  let count = "";
  const draw = () => { element.textContent = count === "" ? "" : count === null ? t("live.steps_endless") : plural("live.steps", count); };
  onLanguage(draw);
  news.addEventListener("steps", (event) => { count = event.detail; draw(); });
}

const kinds = { planned, status, picker, preview, save, replaced };

export function mount(context) {
  return kinds[context.props.kind](context);
}
