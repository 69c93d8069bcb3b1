// The middle of the page: what goes on, and the lines of this tab's session as they come over its stream.
import { h, t, plural, number, onLanguage, ready, tabId, tell, short } from "./base.js";
import { Lines } from "./lines.js";
import { OutputWindow } from "./output.js";
import { applyLearned } from "./answers.js";
import { duration, far } from "./amounts.js";

export async function mount({ element }) {
  await ready;
  const what = h("p", { class: "what" });
  const bar = h("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i"));
  const more = h("p", { class: "note" });
  const spoken = h("p", { class: "unseen", role: "status" });
  const box = h("section", { class: "box progress" }, what, bar, more, spoken);
  const empty = h("section", { class: "empty" });
  const list = h("ol", { class: "lines" });
  element.replaceChildren(box, empty, list);
  const lines = new Lines(list);
  const output = new OutputWindow(element);
  const state = { progress: { phase: "idle" }, running: false };
  const follow = followed(element.closest("#middle"), list);

  const draw = () => drawProgress(state, { box, what, bar, more, spoken });
  const drawEmpty = () => {
    empty.hidden = lines.parts.length > 0;
    box.hidden = lines.parts.length === 0 && !state.running;
    empty.replaceChildren(h("h2", {}, t("progress.empty_title")), h("p", {}, t("progress.empty_text")),
      h("p", {}, t("progress.empty_example")));
  };
  onLanguage(() => { lines.redraw(); draw(); drawEmpty(); });

  const source = new EventSource(`/samantha/watch/${tabId()}`);
  let fresh = true;
  source.onopen = () => { fresh = true; offline(false); };
  source.onerror = () => offline(true);
  source.onmessage = (message) => {
    const update = JSON.parse(message.data);
    if (update.memory) tell("memory", update.memory);
    if (update.access) tell("access", update.access);
    if (update.desk) tell("desk", update.desk);
    if (update.learn) applyLearned(update.learn);
    if (!("running" in update)) return;
    const begins = (update.lines || []).some((line) => line.new && line.kind === "run");
    if (fresh || update.clear) lines.clear();
    if (update.clear || begins) output.put(false);
    if (fresh || begins) follow.on = true;
    const known = fresh;
    fresh = false;
    (update.lines || []).forEach((line) => {
      lines.apply(line);
      if (line.code && (!known || line.code.state === "running")) output.apply(line.code);
    });
    if (update.progress) state.progress = update.progress;
    if (state.running !== update.running) tell("running", update.running);
    state.running = update.running;
    tell("replacing", update.replacing);
    draw();
    drawEmpty();
  };
  tell("running", false);
}

/** Keeps the newest text in sight until the reader scrolls up, and again once they are back at the end. */
function followed(scroller, list) {
  const follow = { on: true };
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 160;
  const away = () => { follow.on = false; };
  scroller.addEventListener("wheel", (event) => { if (event.deltaY < 0) away(); }, { passive: true });
  scroller.addEventListener("touchmove", away, { passive: true });
  scroller.addEventListener("pointerdown", (event) => { if (event.target === scroller) away(); });
  scroller.addEventListener("keydown", (event) => { if (["PageUp", "ArrowUp", "Home"].includes(event.key)) away(); });
  scroller.addEventListener("scroll", () => { if (atEnd()) follow.on = true; }, { passive: true });
  new ResizeObserver(() => { if (follow.on) scroller.scrollTop = scroller.scrollHeight; }).observe(list);
  return follow;
}

function offline(gone) {
  const place = document.getElementById("offline");
  if (place) place.textContent = gone ? t("page.offline") : "";
}

function drawProgress({ progress, running }, { box, what, bar, more, spoken }) {
  box.classList.toggle("working", running);
  const [strong, rest] = headline(progress, running);
  what.replaceChildren(h("strong", {}, strong), rest.length ? ` · ${rest.join(" · ")}` : "");
  const share = progress.phase === "finished" ? 1 : shareDone(progress);
  bar.classList.toggle("endless", running && share === null);
  bar.firstChild.style.width = `${Math.round((share ?? 1) * 1000) / 10}%`;
  bar.setAttribute("aria-valuenow", String(Math.round((share ?? 0) * 100)));
  bar.hidden = !running;
  more.textContent = running ? beneath(progress) : "";
  if (spoken.textContent !== strong) spoken.textContent = strong;
}

function beneath(progress) {
  if (progress.phase === "downloading") return progress.download?.note || "";
  return progress.reused && progress.phase === "generating"
    ? t("progress.kept", { reused: number(progress.reused), total: number(progress.prompt_total) }) : "";
}

function shareDone(progress) {
  if (!progress.steps) return null;
  const within = progress.phase === "loading" || progress.phase === "downloading" ? progress.share * 0.5 : 0;
  return Math.min(1, (progress.done + (progress.done < progress.steps ? within : 0)) / progress.steps);
}

function headline(progress, running) {
  if (progress.phase === "idle") return [t("progress.idle"), []];
  if (progress.phase === "finished" || !running) {
    return [t(`done.${progress.reason || "done"}`), [plural("done.steps", progress.done)]];
  }
  const step = number(progress.phase === "code" ? progress.step : Math.max(progress.step, progress.done + 1));
  const strong = progress.steps ? t("progress.step", { step, steps: number(progress.steps) }) : t("progress.step_endless", { step });
  const rest = [short(progress.model), phase(progress)];
  if (progress.phase === "generating" && progress.rate) {
    rest.push(t("progress.rate", { rate: number(progress.rate, progress.rate < 100 ? 1 : 0) }));
  }
  if (progress.left !== null && progress.phase !== "downloading") rest.push(t("progress.left", { time: duration(progress.left) }));
  return [strong, rest.filter(Boolean)];
}

function phase(progress) {
  if (progress.phase === "downloading" && progress.download) return t(`progress.download_${progress.download.phase}`, { far: far(progress.download) });
  const values = {
    share: number(progress.share * 100), done: number(progress.prompt_done), total: number(progress.prompt_total),
    reused: number(progress.reused), tokens: number(progress.tokens),
  };
  return t(`progress.${progress.phase === "prompt" && progress.reused ? "prompt_kept" : progress.phase}`, values);
}
