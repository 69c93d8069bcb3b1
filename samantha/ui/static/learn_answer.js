// The answer that is looked at, token by token, each by its surprisal; one of them is selected, by mouse or arrow keys.
// Tokens are appended as they come and never drawn again, so a long answer costs what is new of it.
import { h, t, number, plural, onLanguage, onNews, ready, short } from "./base.js";
import { ENTROPY, FORCED, ID, PROBABILITY, RANK, SURPRISAL, TEXT, afterDrawing, answer, followNewest, learned, look, onLearned, select, token } from "./answers.js";
import { request } from "./learn_request.js";
import { bits, kind, quoted, seen, share } from "./learn_words.js";

export async function mount({ element }) {
  await ready;
  new AnswerPart(element);
}

class AnswerPart {
  constructor(element) {
    this.running = false;
    this.elements = [];
    this.block = null;
    this.selected = null;
    this.title = h("strong", {});
    this.where = h("span", { class: "where" });
    this.steps = h("select", { id: "learn-steps", onchange: () => look(...this.steps.value.split(".").map(Number)) });
    this.back = h("button", { type: "button", class: "small", id: "learn-follow", onclick: followNewest });
    this.newest = h("button", { type: "button", class: "small", id: "learn-newest", onclick: () => request("open", { run: "" }) });
    this.legend = h("p", { class: "note legend" });
    this.list = h("div", { class: "tokens", id: "learn-tokens-list", role: "listbox", tabindex: "0", "aria-orientation": "horizontal",
      onclick: (event) => this.click(event), onkeydown: (event) => this.key(event) });
    this.line = h("p", { class: "token-line" });
    this.hint = h("div", { class: "hint-box" });
    element.replaceChildren(h("section", { class: "box answer" },
      h("header", {}, this.title, this.steps, this.where, h("span", { class: "tools" }, this.newest, this.back)),
      this.legend, this.hint, this.list, this.line));
    onLanguage(() => this.draw(true));
    onNews("running", (running) => { this.running = running; this.draw(); });
    onLearned((what) => this.changed(what));
  }

  changed(what) {
    if (what.has("chosen")) this.clear();
    if (what.has("answers") || what.has("chosen")) this.drawSteps();
    if (what.has("tokens") || what.has("chosen")) this.append();
    if (what.has("selected") || what.has("chosen")) this.mark();
    if (["pace", "answers", "chosen", "selected"].some((one) => what.has(one))) this.draw();
  }

  clear() {
    this.list.replaceChildren();
    this.elements = [];
    this.block = null;
    this.selected = null;
  }

  append() {
    const tokens = answer()?.tokens || [];
    if (!tokens.length || tokens.length === this.drawn) return;
    for (let place = this.drawn; place < tokens.length; place += 1) this.add(tokens[place], place);
    if (learned.following) afterDrawing(() => { if (learned.following) this.list.scrollTop = 1e9; });
    this.draw();
  }

  get drawn() { return this.elements.length; }

  /** Each line of the text is a block of its own, so that only the last one is laid out again. */
  add(one, place) {
    if (!this.block) {
      this.block = h("div", { class: "text-line" });
      this.list.append(this.block);
    }
    const element = tokenElement(one, place);
    this.elements.push(element);
    this.block.append(element);
    if (one[TEXT].endsWith("\n")) this.block = null;
  }

  mark() {
    const element = this.elements[learned.position] || null;
    if (this.selected === element && element) return;
    this.selected?.classList.remove("sel");
    this.selected?.setAttribute("aria-selected", "false");
    this.selected = element;
    if (!element) { this.list.removeAttribute("aria-activedescendant"); return; }
    element.classList.add("sel");
    element.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", element.id);
    if (!learned.following) afterDrawing(() => this.show(element));
  }

  /** Brings a token into sight within its box, and leaves the page where it is. */
  show(element) {
    const box = this.list.getBoundingClientRect(), one = element.getBoundingClientRect();
    if (one.top < box.top + 4) this.list.scrollTop -= box.top - one.top + 24;
    else if (one.bottom > box.bottom - 4) this.list.scrollTop += one.bottom - box.bottom + 24;
  }

  click(event) {
    const element = event.target.closest(".t");
    if (element) select(Number(element.dataset.place));
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.drawn - 1;
    const places = { ArrowLeft: learned.position - 1, ArrowRight: learned.position + 1, Home: 0, End: last };
    const place = event.key === "ArrowUp" ? this.line_(-1) : event.key === "ArrowDown" ? this.line_(1) : places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "End" && this.running) followNewest();
    else select(place);
  }

  /** The token nearest above (-1) or below (1) the selected one. */
  line_(direction) {
    const elements = this.elements;
    const from = elements[learned.position];
    if (!from) return 0;
    const middle = from.offsetLeft + from.offsetWidth / 2;
    let best = learned.position, line = null;
    for (let place = learned.position + direction; elements[place]; place += direction) {
      const one = elements[place];
      if (Math.abs(one.offsetTop - from.offsetTop) < 4) continue;
      if (line === null) line = one.offsetTop;
      if (Math.abs(one.offsetTop - line) > 4) break;
      const far = (other) => Math.abs(other.offsetLeft + other.offsetWidth / 2 - middle);
      if (best === learned.position || far(one) < far(elements[best])) best = place;
    }
    return best;
  }

  drawSteps() {
    const all = [...learned.answers.values()];
    const named = (one) => `${t("learn.step", { number: number(one.step) })}${one.branch ? ` · ${t("card.branch", { number: number(one.branch) })}` : ""} · ${short(one.model)}`;
    this.steps.hidden = all.length < 2;
    this.steps.setAttribute("aria-label", t("learn.choose_step"));
    const options = all.map((one) => [`${one.step}.${one.branch}`, named(one)]);
    const signature = JSON.stringify(options);
    if (this.steps.dataset.signature !== signature) {
      this.steps.dataset.signature = signature;
      this.steps.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
    }
    this.steps.value = learned.chosen || "";
    const one = answer();
    this.title.hidden = all.length > 1;
    this.title.textContent = one ? named(one) : t("learn.answer");
  }

  draw(words = false) {
    if (words) { this.drawSteps(); this.drawLegend(); }
    const one = answer();
    this.list.setAttribute("aria-label", t("learn.tokens_of_answer"));
    this.back.textContent = t("learn.follow");
    this.back.title = t("learn.follow_help");
    this.back.hidden = learned.following || !this.running;
    this.newest.textContent = t("learn.newest");
    this.newest.title = t("learn.newest_help");
    this.newest.hidden = !learned.opened;
    this.list.hidden = !this.drawn;
    this.legend.hidden = !this.drawn;
    this.where.textContent = one && this.drawn ? this.facts(one).filter(Boolean).join(" · ") : "";
    this.drawHint(one);
    this.drawLine(one);
  }

  facts(one) {
    const whole = one.reason && this.drawn === one.tokens.length;
    return [plural("card.tokens", this.drawn), whole ? t(`learn.reason_${one.reason}`) : "", learned.opened ? t("learn.stored", { run: learned.run }) : ""];
  }

  drawHint(one) {
    const coming = one && !one.reason && this.running && learned.pace.speed !== "off";
    const key = this.drawn ? "" : !one ? (this.running ? "starting" : "empty") : one.message ? "failed" : coming ? "coming" : "untraced";
    this.hint.hidden = !key;
    if (!key) return;
    const said = key === "failed" ? [h("p", {}, `${t("card.failed")}: ${one.message}`)]
      : [h("h2", {}, t(`learn.${key}_title`)), h("p", {}, t(`learn.${key}_text`))];
    this.hint.replaceChildren(...said);
  }

  drawLine(one) {
    const now = token();
    this.line.hidden = !now;
    if (!now) return;
    const parts = [t("learn.token", { number: number(learned.position + 1) }), quoted(now[TEXT]), t("learn.id", { id: now[ID] })];
    if (now[RANK] !== null) {
      parts.push(t("learn.rank", { rank: number(now[RANK]) }), t("learn.probability", { value: share(now[PROBABILITY]) }),
        t("learn.surprisal", { value: bits(now[SURPRISAL]) }), t("learn.entropy", { value: bits(now[ENTROPY]) }));
    }
    if (now[FORCED]) parts.push(t("learn.forced"));
    if (one.branch && learned.position < one.position) parts.push(t("learn.shared"));
    this.line.textContent = parts.join(" · ");
  }

  drawLegend() {
    this.legend.replaceChildren(...["likely", "less", "unlikely"].map((name) => h("span", { class: "legend-one" },
      h("span", { class: `t ${name}` }, t(`learn.legend_${name}`)), t(`learn.legend_${name}_text`))));
  }
}

function tokenElement(one, place) {
  const element = document.createElement("span");
  element.className = `t ${kind(one)}${one[FORCED] ? " forced" : ""}`;
  element.id = `token-${place}`;
  element.setAttribute("role", "option");
  element.dataset.place = place;
  const text = seen(one[TEXT]);
  element.textContent = text.endsWith("\n") ? text.slice(0, -1) : text;
  return element;
}
