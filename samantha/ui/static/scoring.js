// How does the model see my prompt? A text scored by one model, or by two that are laid side by side.
import { h, t, onLanguage, onNews, ready, news, tell } from "./base.js";
import { act, doing, look, modelField, pause, problemOf, sayingLine } from "./asking.js";
import { Results } from "./scores.js";

export async function mount({ element }) {
  await ready;
  new Scoring(element);
}

class Scoring {
  constructor(element) {
    this.number = 0;
    this.place = null;
    this.state = null;
    this.title = h("strong", { id: "scoring-title" });
    this.hint = h("span", { class: "where" });
    this.label = h("label", { class: "unseen", for: "score-text" });
    this.text = h("textarea", { id: "score-text", rows: "4", spellcheck: "false", onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.begin(); }
      if (event.key === "Escape") this.stop();
    } });
    this.chain = this.button("score-chain", () => this.fromChain());
    this.answer = this.button("score-answer", () => this.fromAnswer());
    this.first = modelField("score-first");
    this.second = modelField("score-second");
    this.labels = [h("label", { for: "score-first" }), h("label", { for: "score-second" })];
    this.start = this.button("score-start", () => this.begin());
    this.start.classList.add("primary");
    this.end = this.button("score-stop", () => this.stop());
    this.status = sayingLine();
    this.bar = h("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, h("i"));
    this.results = new Results();
    element.replaceChildren(h("section", { class: "box scoring", "aria-labelledby": "scoring-title" },
      h("header", {}, this.title, this.hint), this.label, this.text,
      h("div", { class: "finding" }, this.chain, this.answer),
      h("div", { class: "finding" }, h("span", { class: "choice" }, this.labels[0], this.first), h("span", { class: "choice" }, this.labels[1], this.second), this.start, this.end),
      this.status.line, this.bar, this.results.element));
    this.first.value = "tiny";
    onLanguage(() => { this.words(); this.results.words(); });
    onNews("learn-token", (place) => { this.place = place; this.words(); });
    onNews("learn-answers", ({ answers }) => { this.answers = answers; });
    news.addEventListener("first-prompt-begun", ({ detail }) => this.rendered(detail));
    new IntersectionObserver((entries) => {
      if (!this.seen && entries.some((entry) => entry.isIntersecting)) { this.seen = true; this.again(); }
    }).observe(element);
  }

  button(id, click) {
    return h("button", { type: "button", class: "small", id, onclick: click });
  }

  get busy() {
    return Boolean(this.state && !this.state.ended);
  }

  words() {
    this.title.textContent = t("scoring.title");
    this.hint.textContent = t("scoring.hint");
    this.label.textContent = t("scoring.text");
    this.text.placeholder = t("scoring.text");
    this.labels[0].textContent = t("scoring.model");
    this.labels[1].textContent = t("scoring.second");
    this.second.placeholder = t("scoring.second_none");
    for (const [button, key] of [[this.chain, "chain"], [this.answer, "answer"], [this.start, "start"], [this.end, "stop"]]) {
      button.textContent = t(`scoring.${key}`);
      button.title = t(`scoring.${key}_help`);
    }
    this.answer.disabled = !this.place;
    this.start.disabled = this.busy;
    this.end.disabled = !this.busy;
  }

  /** What this tab had scored before the page was loaded. */
  async again() {
    const state = await look("score/state", { number: 0, first: 0, second: 0 });
    if (!state.number || this.number || this.text.value) return;
    this.text.value = state.text || "";
    [this.first.value, this.second.value] = [state.sides[0].model, state.sides[1]?.model || ""];
    this.number = state.number;
    this.results.clear(state.sides.map((one) => one.model));
    this.take(state);
    if (!state.ended) this.follow();
  }

  async begin() {
    const models = [this.first.value.trim() || "tiny", this.second.value.trim()].filter(Boolean);
    const answer = await act("score/begin", { text: this.text.value, models });
    if (!this.status.say(problemOf(answer))) return;
    this.number = answer.number;
    this.results.clear(models);
    this.follow();
  }

  async follow() {
    const mine = this.number;
    for (;;) {
      const [first, second] = this.results.have();
      const state = await look("score/state", { number: mine, first, second });
      if (mine !== this.number) return;
      if (state.number !== mine) {
        this.status.say(problemOf(state) || t("scoring.gone"));
        this.state = null;
        this.words();
        return;
      }
      this.take(state);
      if (state.ended) return;
      await pause(250);
    }
  }

  take(state) {
    this.state = state;
    this.results.take(state);
    this.bar.hidden = state.ended;
    const part = state.phase === "loading" ? state.share : state.total ? state.done / state.total : 0;
    this.bar.firstChild.style.width = `${Math.round(part * 100)}%`;
    this.bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
    this.bar.setAttribute("aria-label", doing(state));
    if (!state.ended) this.status.say("", doing(state));
    else this.status.say(problemOf(state), state.phase === "stopped" ? t("scoring.stopped") : "");
    this.words();
  }

  stop() {
    if (this.busy) act("score/stop");
  }

  fromChain() {
    this.status.say("", t("scoring.rendering"));
    tell("first-prompt", Date.now());
  }

  /** The prompt of the chain's first step is being rendered, or cannot be. */
  async rendered(begun) {
    if (!this.status.say(problemOf(begun))) return;
    for (;;) {
      const state = await look("score/prompt");
      if (!this.status.say(problemOf(state))) return;
      if (state.phase === "stopped") { this.status.say("", t("model.stopped")); return; }
      if (state.phase === "done") {
        this.put(state.text, state.model);
        this.status.say("", state.notices.join(" "));
        return;
      }
      this.status.say("", doing(state));
      await pause(300);
    }
  }

  async fromAnswer() {
    const { run, step, branch } = this.place;
    const answer = await look("score/answer", { run, step, branch: branch || 0 });
    if (this.status.say(problemOf(answer))) this.put(answer.text, answer.model);
  }

  put(text, model) {
    this.text.value = text;
    if (model) this.first.value = model;
    this.text.focus();
    this.text.setSelectionRange(0, 0);
    this.text.scrollTop = 0;
  }
}
