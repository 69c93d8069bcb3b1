// The branches of the answer that is looked at: another token forced, or all of it generated again from a token on.
// A tree of what came of it, back to any of them, and two of them side by side.
//
// News that this script listens to: "learn-token" {run, step, branch, position}, "learn-answers", and "learn-force"
// {run, step, branch, position, token}, which a row of the candidates sends. It sends "learn-look" {run, step, branch,
// position}: show that branch.
import { h, t, plural, number, onLanguage, onNews, ready, news, tell } from "./base.js";
import { followNewest, learned } from "./answers.js";
import { act, look, problemOf, sayingLine } from "./asking.js";
import { Comparison } from "./comparison.js";
import { quoted, share } from "./learn_words.js";
import { Sliders } from "./sliders.js";

const PAUSE = 600; // milliseconds between two questions for the tree

/** The knobs that a new branch may have otherwise. */
const KNOBS = ["temperature", "top_k", "top_p", "min_p", "typical_p", "tfs_z", "repeat_penalty", "presence_penalty",
  "frequency_penalty", "repeat_last_n", "max_tokens", "seed"];

export async function mount({ element, props }) {
  await ready;
  new Branches(element, KNOBS.map((name) => props.knobs.find((knob) => knob.name === name)));
}

class Branches {
  constructor(element, knobs) {
    this.place = null;
    this.tree = {};
    this.seen = "";
    this.asking = false;
    this.due = 0;
    this.title = h("strong", {});
    this.from = h("span", { class: "where" });
    this.again = h("button", { type: "button", class: "small", id: "branch-again", onclick: () => this.begin(null) });
    this.id = h("input", { type: "text", inputmode: "numeric", id: "branch-id", autocomplete: "off", onkeydown: (event) => {
      if (event.key === "Enter") { event.preventDefault(); this.force(); }
    } });
    this.idLabel = h("label", { for: "branch-id" });
    this.forceButton = h("button", { type: "button", class: "small", id: "branch-force", onclick: () => this.force() });
    this.sliders = new Sliders(knobs, "branch", () => this.count());
    this.summary = h("summary", {});
    this.folded = h("details", { class: "fold" }, this.summary, this.sliders.element, this.sliders.reset);
    this.begins = h("div", { class: "begins" }, this.again, h("span", { class: "typed" }, this.idLabel, this.id, this.forceButton));
    this.status = sayingLine();
    this.hint = h("p", { class: "note" });
    this.list = h("div", { class: "tree", onkeydown: (event) => this.walk(event) });
    this.comparison = new Comparison();
    element.replaceChildren(h("section", { class: "box branches", "aria-labelledby": "branches-title" },
      h("header", {}, this.title, this.from), this.begins, this.folded, this.status.line, this.hint, this.list, this.comparison.element));
    this.title.id = "branches-title";
    onLanguage(() => this.draw());
    onNews("learn-token", (place) => this.look(place));
    onNews("learn-answers", () => this.refresh());
    news.addEventListener("running", () => this.refresh());
    news.addEventListener("learn-force", (event) => this.begin(event.detail.token, event.detail));
  }

  /** Another token, or none, is looked at. */
  look(place) {
    const before = this.place;
    this.place = place && place.run ? place : null;
    const same = before && this.place && ["run", "step"].every((name) => before[name] === this.place[name]);
    if (!same) { this.tree = {}; this.seen = ""; this.status.say(""); }
    this.draw();
    this.refresh();
  }

  force() {
    const text = this.id.value.trim();
    if (!/^\d{1,9}$/.test(text)) this.status.say(t("branches.bad_id", { id: text || "–" }));
    else this.begin(Number(text));
  }

  /** Begins a branch at the place that is looked at: with `token` forced, or, where it is null, chosen anew. */
  async begin(token, place = this.place) {
    if (!place) { this.status.say(t("branches.none_selected")); return; }
    if (this.beginning) return;
    this.beginning = true;
    this.buttons();
    const { run, step, branch, position } = place;
    const before = learned.answers.size;
    const problem = problemOf(await act("branch", { run, step, branch, position, token, changes: this.sliders.changes }));
    this.beginning = false;
    this.buttons();
    if (this.status.say(problem)) {
      this.id.value = "";
      if (learned.answers.size > before) followNewest();
      else learned.following = true; // the branch is looked at as soon as it is there
    }
    this.refresh();
  }

  /** Asks for the tree, at most once in a while, and never twice at a time. */
  refresh() {
    if (this.asking || !this.place) return;
    const wait = Math.max(0, this.due - performance.now());
    this.asking = true;
    setTimeout(async () => {
      const asked = this.place;
      const answer = asked ? await look("branches", asked) : {};
      this.asking = false;
      this.due = performance.now() + PAUSE;
      if (!asked || !this.place || asked.run !== this.place.run || asked.step !== this.place.step) { this.refresh(); return; }
      if (!problemOf(answer)) this.take(answer);
      if (this.growing) this.refresh();
    }, wait);
  }

  take(answer) {
    const running = document.body.classList.contains("running");
    this.tree = answer.tree || {};
    if (answer.failed && answer.failed !== this.failed) this.status.say(answer.failed);
    this.failed = answer.failed;
    this.values = answer.values;
    if (answer.values) this.sliders.values = answer.values;
    this.growing = running && nodes(this.tree).some((node) => !node.reason);
    this.drawTree();
  }

  draw() {
    this.title.textContent = t("branches.title");
    this.again.textContent = t("branches.again");
    this.again.title = t("branches.again_help");
    this.idLabel.textContent = t("branches.id");
    this.forceButton.textContent = t("branches.force");
    this.forceButton.title = t("branches.force_help");
    this.from.textContent = this.place ? t("branches.from", { number: number(this.place.position + 1) }) : "";
    this.seen = "";
    this.count();
    this.buttons();
    this.drawTree();
  }

  buttons() {
    this.begins.hidden = this.folded.hidden = !this.place;
    this.again.disabled = this.forceButton.disabled = Boolean(this.beginning);
  }

  count() {
    const changed = Object.keys(this.sliders.changes).length;
    this.summary.textContent = changed ? `${t("branches.settings")} · ${plural("settings.changed", changed)}` : t("branches.settings");
  }

  drawTree() {
    const all = nodes(this.tree);
    const signature = JSON.stringify([this.tree, this.place && [this.place.branch]]);
    this.hint.textContent = !this.place ? t("branches.none_selected") : all.length < 2 ? t("branches.hint") : "";
    this.hint.hidden = !this.hint.textContent;
    if (signature === this.seen) return;
    this.seen = signature;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.row : "";
    const top = this.list.scrollTop;
    this.list.replaceChildren(...(all.length < 2 ? [] : [h("ul", { "aria-label": t("branches.title") }, h("li", {}, this.node(this.tree)))]));
    this.list.scrollTop = top;
    this.reveal();
    if (focused) this.list.querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
    this.comparison.show(this.place, all, this.place ? this.place.branch : 0);
  }

  /** Brings the branch that is looked at into sight within the tree, once for each; the page stays where it is. */
  reveal() {
    const row = this.list.querySelector("[aria-current]");
    if (!row || row.dataset.row === this.revealed) return;
    this.revealed = row.dataset.row;
    const box = this.list.getBoundingClientRect(), one = row.getBoundingClientRect();
    if (one.top < box.top) this.list.scrollTop -= box.top - one.top + 20;
    else if (one.bottom > box.bottom) this.list.scrollTop += one.bottom - box.bottom + 20;
  }

  /** A branch, and beneath it the forks at which others leave it. */
  node(node) {
    const here = this.place && this.place.branch === node.branch;
    const row = this.row(node, node.branch, `b${node.branch}`, here, [
      node.branch ? h("span", { class: "number" }, number(node.branch)) : h("span", { class: "number", "aria-hidden": "true" }, "●"),
      ...this.text(node, node.forced !== null)], this.facts(node), here ? h("span", { class: "this" }, `◀ ${t("branches.this")}`) : "");
    return [row, ...node.forks.map((fork) => this.fork(node, fork))];
  }

  fork(node, fork) {
    const trunk = h("p", { class: "trunk" }, `${fork.cut ? "… " : ""}${flat(fork.trunk) || t("branches.beginning")}`,
      h("span", { class: "where" }, `${t("branches.at", { number: number(fork.position + 1) })}`));
    const rest = this.row(fork.rest, node.branch, `b${node.branch}-${fork.position}`, false,
      this.text(fork.rest, false), this.likely(fork.rest),
      h("span", { class: "where" }, node.branch ? t("branches.goes_on", { number: number(node.branch) }) : t("branches.first")), fork.position);
    const items = [h("li", { class: "rest" }, rest), ...fork.branches.map((branch) => h("li", {}, this.node(branch)))];
    return h("div", { class: "leaving" }, trunk, h("ul", {}, items));
  }

  row(part, branch, key, here, content, facts, mark, position = part.position) {
    const { run, step } = this.place;
    return h("button", { type: "button", class: "branch", "data-row": key, "aria-current": here ? "true" : null,
      onclick: () => tell("learn-look", { run, step, branch, position: Math.min(position, position + part.tokens - 1) }) },
      h("span", { class: "words" }, content), h("span", { class: "facts", title: t("branches.likelihood_help") }, facts.join(" · ")), mark);
  }

  /** A branch's own text; its first token stands out where it was forced. */
  text(part, forced) {
    if (!part.first) return [h("span", { class: "own" }, part.reason === undefined || part.reason ? t("branches.nothing") : "…")];
    const words = flat(part.text) + (part.longer || part.reason === "" ? " …" : "");
    if (!forced) return [h("span", { class: "own" }, words)];
    const begin = flat(part.first.piece);
    const cut = words.startsWith(begin) ? words.slice(begin.length) : words;
    return [h("b", { class: "forced", title: t("branches.forced_help") }, quoted(part.first.piece)), h("span", { class: "own" }, cut)];
  }

  likely(part) {
    const facts = part.first && part.first.probability !== null ? [t("branches.probability", { value: share(part.first.probability) })] : [];
    if (part.sum !== null) facts.push(t("branches.likelihood", { sum: number(part.sum, 1), mean: number(part.mean, 2) }));
    facts.push(plural("card.tokens", part.tokens));
    return facts;
  }

  facts(node) {
    const facts = this.likely(node);
    if (node.forced !== null) facts.unshift(t("branches.forced", { id: node.forced }));
    for (const [name, value] of Object.entries(node.changes)) facts.push(`${name} ${Array.isArray(value) ? value.join(", ") : value ?? "–"}`);
    if (node.seed !== null) facts.push(t("branches.seed", { seed: node.seed }));
    facts.push(node.reason === "failed" ? `${t("card.failed")}: ${node.message}` : node.reason ? t(`card.reason_${node.reason}`) : t("card.generating"));
    return facts;
  }

  /** Arrows go from row to row. */
  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const rows = [...this.list.querySelectorAll("button.branch")];
    const next = rows[rows.indexOf(document.activeElement) + step];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  }
}

/** All branches of a tree, by number. */
function nodes(tree) {
  if (tree.branch === undefined) return [];
  const found = [tree, ...tree.forks.flatMap((fork) => fork.branches.flatMap(nodes))];
  return found.sort((one, other) => one.branch - other.branch);
}

const flat = (text) => text.replace(/\s*\n\s*/g, " ↵ ");
