// How the parts of the Learn tab that concern models ask the server, choose a model, and show tokens.
import { h, t, number, tabId } from "./base.js";


async function answered(request) {
  try {
    return await (await request).json();
  } catch {
    return { problem: t("page.offline") };
  }
}

/** Asks a question below `route`: its values go into the address. */
export const looking = (route) => (path, values = {}) => answered(fetch(`${route}${path}?${new URLSearchParams({ tab: tabId(), ...values })}`));

/** Tells a change below `route`: its values are sent as JSON. */
export const acting = (route) => (path, values = {}) => answered(fetch(route + path, {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ tab: tabId(), ...values }),
}));

export const look = looking("/samantha/learn/");
export const act = acting("/samantha/learn/");

export const problemOf = (answer) => answer.problem || (answer.problem_key ? t(answer.problem_key, answer.values) : "");

export const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** A line beneath a part: what went wrong, or what goes on. */
export function sayingLine() {
  const line = h("p", { class: "status", role: "status", hidden: true });
  const say = (problem, good = "") => {
    line.className = problem ? "status problem" : "status";
    line.setAttribute("role", problem ? "alert" : "status");
    line.textContent = problem || good;
    line.hidden = !line.textContent;
    return !problem;
  };
  return { line, say };
}

/** What a task that waits, loads or works is doing, in words. */
export function doing({ phase, share, done, total, model }) {
  if (phase === "waiting") return t("model.waiting", { model });
  if (phase === "loading") return t("model.loading", { model, share: number((share || 0) * 100) });
  return total ? t("model.working", { model, done: number(done), total: number(total) }) : t("model.asking", { model });
}

const names = h("datalist", { id: "learn-model-names" });
let read = null;

/** A field for a model: a name of the list, or a path. `chosen` is called when another is chosen. */
export function modelField(id, chosen) {
  if (!names.isConnected) document.body.append(names);
  const field = h("input", { type: "text", list: names.id, id, autocomplete: "off", spellcheck: "false",
    onfocus: () => { read ||= fill(); },
    onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); chosen?.(); } },
    onchange: () => chosen?.() });
  return field;
}

async function fill() {
  const { models = [] } = await look("models");
  names.replaceChildren(...models.map((one) => h("option", { value: one.name }, one.detail)));
  setTimeout(() => { read = null; }, 5000);
}

/** A token's text for running text: what is marked stays marked, but single spaces are spaces again. */
export const running = (seen) => seen.replace(/␣+/g, (spaces) => (spaces.length > 1 || spaces === seen ? spaces : " "));

export const bits = (value) => (value === null || value === undefined ? "∞" : number(value, value < 10 ? 2 : value < 100 ? 1 : 0));

export const share = (value) => (value >= 0.0005 ? number(value, 3) : value > 0 ? value.toExponential(1) : "0");
