// The stored runs: a list that can be filtered, and one run reopened as it was shown.
import { h, t, number, onLanguage, ready, locale } from "./base.js";
import { request } from "./learn_request.js";
import { Lines } from "./lines.js";

export async function mount({ element, props, server }) {
  await ready;
  let runs = null;
  let opened = null;
  let problem = "";
  const search = h("input", { type: "search", id: "history-search", oninput: () => drawRows() });
  const rows = h("tbody", {});
  const note = h("p", { class: "note", role: "status" });

  async function read() {
    const answer = await server.stored_runs();
    problem = answer.problem || "";
    runs = answer.runs || [];
    drawRows();
  }
  /** Opens a run in the Learn tab, or says why there is nothing to see. */
  async function learn(run, said) {
    const problem = await request("open", { run });
    said.textContent = problem;
    said.hidden = !problem;
    if (!problem) document.getElementById("learn-tab-button")?.click();
  }
  async function open(run) {
    const answer = await server.stored_run([run]);
    if (answer.problem) { problem = answer.problem; drawRows(); return; }
    opened = { run, lines: answer.lines };
    draw();
  }
  function drawRows() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (run) => words.every((word) => JSON.stringify(run).toLowerCase().includes(word));
    const found = (runs || []).filter(fits);
    rows.replaceChildren(...found.map((run) => h("tr", {},
      h("td", {}, when(run.started)), h("td", { class: "asked" }, run.title), h("td", {}, run.models), h("td", {}, number(run.steps)),
      h("td", {}, run.reason ? t(`done.${run.reason}`) : "–"),
      h("td", {}, h("button", { type: "button", class: "link", onclick: () => open(run.id) }, t("history.open"))))));
    note.textContent = problem || (runs && !runs.length ? t("history.none") : runs && !found.length ? t("history.nothing_matches") : "");
  }
  function draw() {
    if (opened) { drawRun(); return; }
    search.placeholder = t("history.search_placeholder");
    search.setAttribute("aria-label", t("history.search"));
    element.replaceChildren(h("section", { class: "box history" },
      h("header", {}, h("strong", {}, t("history.title")), search,
        h("button", { type: "button", class: "small", onclick: read }, t("history.refresh"))),
      h("table", {}, rows), note));
    drawRows();
  }
  function drawRun() {
    const list = h("ol", { class: "lines" });
    const said = h("p", { class: "status problem", role: "alert", hidden: true });
    const lines = new Lines(list);
    element.replaceChildren(h("section", { class: "history" },
      h("p", { class: "inline" },
        h("button", { type: "button", class: "small", "data-closes": true, onclick: () => { opened = null; draw(); } }, `← ${t("history.back")}`),
        h("button", { type: "button", class: "small", onclick: () => { props.value = { run: opened.run, at: Date.now() }; } }, t("history.reuse")),
        h("button", { type: "button", class: "small", id: "history-learn", title: t("history.learn_help"), onclick: () => learn(opened.run, said) }, t("history.learn"))),
      said, list));
    opened.lines.forEach((line) => lines.apply({ ...line }));
  }
  const when = (started) => (started ? new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(started)) : "");
  onLanguage(draw);
  new IntersectionObserver((seen) => { if (seen.some((entry) => entry.isIntersecting) && !opened) read(); }).observe(element);
}
