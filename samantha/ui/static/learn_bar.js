// The bar above the answer: how fast its tokens come, one token more, up to the next unlikely one, start and stop.
import { h, t, number, onLanguage, onNews, news, ready } from "./base.js";
import { learned, onLearned } from "./answers.js";
import { request } from "./learn_request.js";

const SPEEDS = ["off", 0, 0.3, 1, 3, 10, "next"];
const MOST = 10000;

export async function mount({ element }) {
  await ready;
  new Bar(element);
}

class Bar {
  constructor(element) {
    this.element = element;
    this.running = false;
    this.problems = new Map();
    this.chosen = null;
    this.radios = SPEEDS.map((speed) => this.radio(speed));
    this.speeds = h("fieldset", { class: "speeds" }, this.legend = h("legend", {}), this.radios.map((one) => one.label));
    this.tokens = h("input", { type: "number", id: "learn-tokens", min: "1", max: String(MOST), step: "1", value: "1" });
    this.count = h("label", { for: "learn-tokens", class: "count" });
    this.candidates = h("select", { id: "learn-candidates", onchange: () => this.say(request("candidates", { count: Number(this.candidates.value) })) },
      [10, 20, 50, 100].map((count) => h("option", { value: String(count) }, String(count))));
    this.shown = h("label", { for: "learn-candidates", class: "count" });
    this.buttons = {
      next: this.button("next", () => this.next(), "primary"), unlikely: this.button("unlikely", () => this.unlikely()),
      start: this.button("start", () => this.start()), skip: this.button("skip", () => this.say(request("skip"))),
      stop: this.button("stop", () => this.say(request("stop"))),
    };
    this.status = h("p", { class: "status", role: "status" });
    this.problem = h("p", { class: "status problem", role: "alert", hidden: true });
    const { next, unlikely, start, skip, stop } = this.buttons;
    element.replaceChildren(h("section", { class: "box learn-bar" },
      h("div", { class: "line" }, this.speeds, h("span", { class: "group last" }, this.candidates, this.shown)),
      h("div", { class: "line" }, start, next, h("span", { class: "group" }, this.tokens, this.count), unlikely,
        h("span", { class: "group last" }, skip, stop)),
      this.status, this.problem));
    onLanguage(() => this.draw());
    onNews("running", (running) => { this.running = running; this.draw(); });
    onNews("problem", ({ place, text }) => { this.problems.set(place, text); });
    onLearned((what) => { if (what.has("pace") || what.has("answers")) this.draw(); });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  button(name, act, kind = "") {
    return h("button", { type: "button", class: `small ${kind}`, id: `learn-${name}`, onclick: act });
  }

  radio(speed) {
    const input = h("input", { type: "radio", name: "learn-speed", value: String(speed), onchange: () => this.choose(speed) });
    const text = h("span", {});
    return { speed, input, text, label: h("label", { class: "speed" }, input, text) };
  }

  /** Another speed; it counts as chosen here at once, so that a start right after it does not overtake it. */
  choose(speed) {
    learned.pace = { ...learned.pace, speed };
    this.chosen = this.say(request("speed", { speed }));
    this.draw();
  }

  /** Shows what went wrong, or that nothing did. */
  async say(asked) {
    const problem = await asked;
    this.problem.textContent = problem;
    this.problem.hidden = !problem;
    return !problem;
  }

  /** One token more, or as many as stand in the field; where nothing runs, the chain starts and waits at its first token. */
  async next() {
    if (!this.running) { await this.start("next"); return; }
    await this.say(request("next", { tokens: this.tokens.value.trim() === "" ? null : Number(this.tokens.value) }));
  }

  async unlikely() {
    if (await this.say(request("unlikely")) && !this.running) this.press();
  }

  /** Starts the chain of the Chain tab; learning mode goes on with it. */
  async start(speed = null) {
    await this.chosen;
    const wanted = typeof speed === "string" ? speed : learned.pace.speed === "off" ? 0 : null;
    if (wanted !== null && !(await this.say(request("speed", { speed: wanted })))) return;
    this.press();
  }

  /** Presses Start of the Chain tab; a mistake in its fields is said here too. */
  press() {
    this.problems.clear();
    document.getElementById("start").click();
    const begun = performance.now();
    const look = () => {
      const text = [...this.problems.values()].find(Boolean);
      if (text) this.say(text);
      else if (!this.running && performance.now() - begun < 5000) setTimeout(look, 100);
    };
    setTimeout(look, 100);
  }

  /** N, or the right arrow, is NEXT TOKEN wherever nothing else takes the key. */
  key(event) {
    const field = event.target.closest?.("input, textarea, select, [contenteditable], [role=listbox], [role=tablist], .cm-editor");
    if (field || event.ctrlKey || event.altKey || event.metaKey || !this.element.offsetParent) return;
    if (event.key !== "n" && event.key !== "N" && event.key !== "ArrowRight") return;
    event.preventDefault();
    if (this.running) this.next();
  }

  draw() {
    const { speed, waiting, left, to_unlikely: toUnlikely } = learned.pace;
    this.legend.textContent = t("learn.speed");
    for (const one of this.radios) {
      one.input.checked = one.speed === speed;
      one.text.textContent = typeof one.speed === "number" ? this.seconds(one.speed) : t(`learn.speed_${one.speed}`);
      one.label.title = typeof one.speed === "number" ? t("learn.speed_help", { count: number(one.speed, one.speed % 1 ? 1 : 0) }) : t(`learn.speed_${one.speed}_help`);
    }
    for (const [name, button] of Object.entries(this.buttons)) {
      button.textContent = t(`learn.${name}`);
      button.title = t(`learn.${name}_help`);
    }
    this.count.textContent = t("learn.tokens");
    this.shown.textContent = t("learn.candidates_shown");
    this.candidates.value = String(learned.candidates);
    this.buttons.start.disabled = this.running;
    this.buttons.stop.disabled = this.buttons.skip.disabled = !this.running;
    this.element.classList.toggle("waiting", waiting);
    const said = !this.running ? t(speed === "off" ? "learn.said_off" : "learn.said_ready")
      : waiting ? t("learn.said_waiting") : toUnlikely ? t("learn.said_unlikely") : left > 1 ? t("learn.said_left", { count: number(left) })
        : t(speed === "off" ? "learn.said_running_off" : "learn.said_running");
    if (this.status.textContent !== said) this.status.textContent = said;
  }

  seconds(speed) {
    const shown = number(speed, speed % 1 ? 1 : 0);
    return speed === 10 ? t("card.seconds", { count: shown }) : shown;
  }
}
