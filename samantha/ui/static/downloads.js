// The downloads that were begun on the page: rows that change in place, so that no click meets a button that is gone.
import { h, t } from "./base.js";
import { act, active, button, far, problemOf, sayingLine, state, use } from "./models_state.js";

export class Downloads {
  /** `keep(asked, testing)` makes a finished one a file. */
  constructor(keep) {
    this.keep = keep;
    this.rows = new Map();
    this.title = h("p", { class: "label" });
    this.list = h("ul", { class: "downloads", id: "downloads" });
    this.said = sayingLine();
    this.folder = h("p", { class: "finding", id: "keep-into" });
    this.element = h("div", { hidden: true }, this.title, this.list, this.folder, this.said.line);
  }

  /** Draws them; whether one ended since the last time. */
  draw(jobs, anew = false) {
    if (anew) this.rows.clear();
    let ended = false;
    this.element.hidden = !jobs.length;
    this.title.textContent = t("hub.downloads");
    this.folders();
    for (const job of jobs) {
      const row = this.rows.get(job.number) || this.row(job);
      ended ||= Boolean(row.phase) && row.phase !== job.phase && !active(job);
      this.update(row, job);
    }
    const shown = jobs.map((job) => this.rows.get(job.number).element);
    if (shown.length !== this.list.children.length || shown.some((one, place) => this.list.children[place] !== one)) this.list.replaceChildren(...shown);
    return ended;
  }

  row(job) {
    const parts = { title: h("strong", {}), said: h("span", { class: "where", role: "status" }), note: h("span", { class: "where" }), wrong: h("span", { class: "wrong" }),
      bar: h("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i")), tools: h("div", { class: "tools" }), phase: "" };
    parts.element = h("li", { "data-number": String(job.number) }, h("div", { class: "what" }, parts.title, parts.said, parts.bar, parts.note, parts.wrong), parts.tools);
    this.rows.set(job.number, parts);
    return parts;
  }

  update(row, job) {
    row.title.textContent = job.title;
    row.said.textContent = `${t(`hub.phase_${job.phase}`)}${job.done || job.total ? ` · ${far(job)}` : ""}`;
    row.note.textContent = job.note;
    row.wrong.textContent = job.problem;
    row.wrong.hidden = !job.problem;
    row.bar.hidden = job.phase === "done" || job.phase === "failed";
    row.bar.classList.toggle("endless", active(job) && !job.total);
    const share = job.total ? job.done / job.total : 0;
    row.bar.firstChild.style.width = `${Math.round(share * 1000) / 10}%`;
    row.bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    row.bar.setAttribute("aria-label", job.title);
    row.element.dataset.phase = job.phase;
    const kind = `${active(job) ? "active" : job.phase}${job.host}`;
    if (row.kind !== kind) { row.kind = kind; row.tools.replaceChildren(...this.tools(job)); }
    row.phase = job.phase;
  }

  tools(job) {
    const tell = (path) => async () => { this.said.say(problemOf(await act(path, { number: job.number }))); };
    const one = (key, doing) => button(t(`hub.${key}`), doing, { "data-do": key, title: t(`hub.${key}_help`) });
    const cancel = one("cancel", tell("cancel"));
    if (active(job)) return [one("pause", tell("pause")), cancel];
    if (job.phase === "done") {
      return [one("use", () => { use(job.asked); this.said.say("", t("library.used", { name: job.title })); }), one("keep", () => this.keep(job.asked, false)),
        one("testing", () => this.keep(job.asked, true)), one("clear", tell("cancel"))];
    }
    const trust = button(t("hub.trust", { host: job.host }), async () => {
      if (this.said.say(problemOf(await act("confirm", { host: job.host })))) await tell("resume")();
    }, { "data-do": "trust" });
    return [job.host ? trust : one("resume", tell("resume")), cancel];
  }

  /** Where files are kept, where there is a choice. */
  folders() {
    const folders = state.library.folders || [];
    const before = this.folder.querySelector("select")?.value;
    const signature = `${t("hub.into")}${folders.map((one) => one.path).join("\n")}`;
    if (this.folder.dataset.shown === signature) return;
    this.folder.dataset.shown = signature;
    this.folder.hidden = folders.length < 2;
    const select = h("select", { id: "keep-folder" }, folders.map((one) => h("option", { value: one.path }, one.path)));
    if (before) select.value = before;
    this.folder.replaceChildren(h("label", { for: "keep-folder" }, t("hub.into")), select);
  }
}
