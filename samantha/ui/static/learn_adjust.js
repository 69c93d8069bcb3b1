// The sampling knobs while one watches: moved during a run they hold from its next token on, otherwise for the next run.
import { h, t, number, onLanguage, onNews, ready, tell } from "./base.js";
import { learned, onLearned } from "./answers.js";
import { request } from "./learn_request.js";
import { Sliders } from "./sliders.js";

const FIXED = ["n_ctx", "n_threads", "n_gpu_layers", "flash_attention", "seed", "max_tokens"];
const PAUSE = 250;

export async function mount({ element, props }) {
  await ready;
  new Adjust(element, props.knobs);
}

class Adjust {
  constructor(element, knobs) {
    const numeric = knobs.filter((knob) => knob.kind === "number" && !FIXED.includes(knob.name));
    this.knobs = knobs;
    this.running = false;
    this.chain = {};
    this.asked = null;
    this.parts = [numeric.filter((knob) => knob.group === "main"), numeric.filter((knob) => knob.group !== "main")]
      .map((some, place) => new Sliders(some, place ? "adjust-more" : "adjust", () => this.moved()));
    this.title = h("strong", {});
    this.when = h("span", { class: "where" });
    this.summary = h("summary", {});
    this.force = h("p", { class: "note", id: "learn-in-force" });
    this.coming = h("p", { class: "status", id: "learn-coming", role: "status", hidden: true });
    this.problem = h("p", { class: "status problem", role: "alert", hidden: true });
    element.replaceChildren(h("section", { class: "box adjust" }, h("header", {}, this.title, this.when),
      this.parts[0].element, h("details", { class: "fold" }, this.summary, this.parts[1].element), this.problem, this.coming, this.force));
    onLanguage(() => this.draw());
    onNews("running", (running) => { this.running = running; this.draw(); });
    onNews("knobs", (chain) => { this.chain = chain; this.draw(); });
    onLearned((what) => { if (what.has("answers") || what.has("chosen")) this.draw(); });
  }

  /** The answer that is being generated, if one is. */
  get current() {
    const newest = [...learned.answers.values()].at(-1);
    return this.running && !learned.opened && newest && !newest.reason ? newest : null;
  }

  /** What differs from the defaults now: in the answer in progress, else in the chain. */
  get inForce() {
    return this.current ? this.current.changes.at(-1)?.[1] || {} : this.chain;
  }

  moved() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), PAUSE);
  }

  async send() {
    const values = Object.assign({}, ...this.parts.map((part) => part.changes));
    if (!Object.keys(values).length) return;
    if (this.running) {
      const at = this.current?.changes.length;
      const problem = await request("adjust", { values });
      this.say(problem);
      this.asked = problem ? null : { values, at };
      this.draw();
    } else {
      this.say("");
      tell("set-knobs", values);
    }
  }

  say(problem) {
    this.problem.textContent = problem;
    this.problem.hidden = !problem;
  }

  draw() {
    const values = { ...Object.fromEntries(this.knobs.map((knob) => [knob.name, knob.default])), ...this.inForce };
    for (const part of this.parts) part.values = values;
    this.title.textContent = t("learn.adjust");
    this.when.textContent = t(this.current ? "learn.adjust_next_token" : this.running ? "learn.adjust_waits" : "learn.adjust_next_run");
    this.summary.textContent = t("learn.adjust_more");
    const listed = (some) => Object.entries(some).map(([name, value]) => `${name} ${typeof value === "number" ? value : JSON.stringify(value)}`);
    const changed = listed(this.inForce);
    const changes = this.current?.changes || [];
    if (this.asked && changes.length !== this.asked.at) this.asked = null;
    const from = changes.length > 1 ? ` · ${t("learn.adjust_from", { number: number(changes.at(-1)[0] + 1) })}` : "";
    this.force.textContent = (changed.length ? t("learn.in_force", { values: changed.join(", ") }) : t("learn.in_force_defaults")) + from;
    this.coming.textContent = this.asked ? t("learn.adjusted", { values: listed(this.asked.values).join(", ") }) : "";
    this.coming.hidden = !this.asked;
  }
}
