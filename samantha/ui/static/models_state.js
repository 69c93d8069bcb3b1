// What the parts of the Models tab share: its state, asked for while the tab is seen, and small parts.
import { h, t, onNews, tell, news } from "./base.js";
import { acting, looking, pause, problemOf, sayingLine } from "./asking.js";

const ROUTE = "/samantha/models/";
const KNOBS = ["n_ctx", "n_gpu_layers", "flash_attention", "cache_type_k", "cache_type_v"];

export const look = looking(ROUTE);
export { pause, problemOf, sayingLine };
export { far } from "./amounts.js";
export { size as bytes } from "./base.js";

const tell_ = acting(ROUTE);

/** Tells a change, and looks at the state at once afterwards. */
export async function act(path, values = {}) {
  const answer = await tell_(path, values);
  refresh();
  return answer;
}

export const state = { library: { rows: [], folders: [], version: 0 }, memory: null, downloads: [], servers: { rows: [] } };
let place = null;
let knobs = {};
let seen = "";
let round = 0;
let drawn = {};

/** Begins to ask while `element` is on the screen. */
export function follow(element) {
  place = element;
  new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) refresh(); }).observe(element);
  onNews("knobs", (changed) => { knobs = changed; if (visible()) refresh(); });
  document.addEventListener("visibilitychange", () => { if (visible()) refresh(); });
}

const visible = () => place?.offsetParent && !document.hidden;

/** Asks now, and then again and again while the tab is seen. */
export async function refresh() {
  const mine = ++round;
  while (mine === round) {
    const options = Object.fromEntries(KNOBS.filter((name) => name in knobs).map((name) => [name, knobs[name]]));
    const now = JSON.stringify([options, state.memory?.loaded.map((one) => one.name)]);
    const answer = await look("state", { ...options, have: now === seen ? state.library.version : 0 });
    if (mine !== round) return;
    if (!answer.problem) take(answer, now);
    await pause(state.downloads.some(active) ? 400 : 1500);
    if (!visible()) return;
  }
}

function take(answer, now) {
  seen = now;
  answer.library.rows ||= answer.library.problem ? [] : state.library.rows;
  for (const part of ["library", "memory", "downloads", "servers"]) {
    state[part] = answer[part];
    const text = JSON.stringify(answer[part]);
    if (drawn[part] === text) continue;
    drawn[part] = text;
    tell(`models-${part}`, answer[part]);
  }
}

/** Calls back with each part of the state whenever it changed. */
export const onState = (part, listener) => onNews(`models-${part}`, listener);

export const active = (job) => ["looking", "waiting", "checking", "downloading", "pausing"].includes(job.phase);

/** Puts a model at the end of the chain's list. */
export function use(name) {
  news.dispatchEvent(new CustomEvent("use-model", { detail: { name } }));
}

/** Whether something fits the memory: a mark and a word, never a colour alone. */
export function fits(how) {
  return how ? h("span", { class: `fits ${how}`, title: t(`library.fits_${how}_help`) }, t(`library.fits_${how}`)) : "";
}

/** A button; `busy` while what it began goes on. */
export function button(label, act, attributes = {}) {
  const made = h("button", { type: "button", class: "small", ...attributes, onclick: async () => {
    if (made.disabled) return;
    made.disabled = true;
    try { await act(); } finally { made.disabled = false; }
  } }, label);
  return made;
}

/** Enter in a field does what its button does, and does not start the chain. */
export const onEnter = (act) => (event) => {
  event.stopPropagation();
  if (event.key === "Enter") { event.preventDefault(); act(); }
};
