// Two branches of one answer side by side, the first token that differs marked in both.
import { h, t, plural, number } from "./base.js";
import { look, problemOf, sayingLine } from "./asking.js";
import { quoted, share } from "./learn_words.js";

export class Comparison {
  constructor() {
    this.place = null;
    this.seen = "";
    this.asked = 0;
    this.left = h("select", { id: "compare-left", onchange: () => this.chosen() });
    this.right = h("select", { id: "compare-right", onchange: () => this.chosen() });
    this.summary = h("summary", {});
    this.and = h("span", { class: "hint" });
    this.status = sayingLine();
    this.shared = h("p", { class: "shared" });
    this.sides = h("div", { class: "sides" });
    this.element = h("details", { class: "fold compare", hidden: true, ontoggle: () => this.ask() }, this.summary,
      h("p", { class: "inline" }, this.left, this.and, this.right), this.status.line, this.shared, this.sides);
  }

  /** The branches that there are now; `current` is looked at, and compared with what it leaves until another is chosen. */
  show(place, branches, current) {
    const other = !this.place || !place || place.run !== this.place.run || place.step !== this.place.step;
    if (other) this.own = false;
    this.place = place;
    this.element.hidden = branches.length < 2;
    if (this.element.hidden) return;
    this.summary.textContent = t("branches.compare");
    this.and.textContent = t("branches.with");
    const before = [this.left.value, this.right.value];
    for (const [select, label] of [[this.left, "compare_left"], [this.right, "compare_right"]]) {
      select.setAttribute("aria-label", t(`branches.${label}`));
      select.replaceChildren(...branches.map((node) => h("option", { value: String(node.branch) }, name(node.branch))));
    }
    const node = branches.find((one) => one.branch === current) || branches[0];
    const [left, right] = this.own ? before : [node.parent ?? 0, node.branch || branches.at(-1).branch];
    this.left.value = String(left);
    this.right.value = String(right);
    this.ask();
  }

  chosen() {
    this.own = true;
    this.ask();
  }

  async ask() {
    if (!this.element.open || !this.place) return;
    const asked = ++this.asked;
    const { run, step } = this.place;
    const answer = await look("compare", { run, step, branch: this.left.value, other: this.right.value });
    if (asked !== this.asked) return;
    if (this.status.say(problemOf(answer))) this.draw(answer);
  }

  draw(answer) {
    const signature = JSON.stringify([answer, document.documentElement.lang]);
    if (signature === this.seen) return;
    this.seen = signature;
    this.shared.replaceChildren(h("span", { class: "where" }, `${plural("branches.same", answer.same)} `), answer.text);
    this.sides.replaceChildren(this.side(answer.left), this.side(answer.right));
  }

  side(side) {
    const facts = [plural("card.tokens", side.tokens)];
    if (side.first && side.first.probability !== null) facts.unshift(t("branches.probability", { value: share(side.first.probability) }));
    if (side.sum !== null) facts.push(t("branches.likelihood", { sum: number(side.sum, 1), mean: number(side.mean, 2) }));
    const first = side.first ? [h("mark", { title: `${quoted(side.first.piece)} · id ${side.first.id}` }, side.first.shown || quoted(side.first.piece))] : [h("i", {}, t("branches.ends_here"))];
    return h("div", { class: "side" }, h("p", { class: "label" }, name(side.branch)), h("p", { class: "note" }, facts.join(" · ")),
      h("p", { class: "own" }, first, side.text));
  }
}

const name = (branch) => (branch ? t("card.branch", { number: number(branch) }) : t("branches.first"));
