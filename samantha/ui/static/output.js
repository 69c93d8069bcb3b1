// One window for what code puts out, reused within a run: it opens when there is something to see, and not at all when the
// user does not want windows. The same stands in the step's card.
import { h, t, onLanguage } from "./base.js";
import { CodePart } from "./code.js";

const HIDE = "samantha-hide-html";

export const hidden = () => localStorage.getItem(HIDE) === "1";
export const hide = (on) => localStorage.setItem(HIDE, on ? "1" : "0");

export class OutputWindow {
  constructor(place) {
    this.part = new CodePart(false);
    this.next = this.part;
    this.run = "";
    this.step = 0;
    this.dismissed = "";
    this.title = h("strong", {});
    this.close = h("button", { type: "button", class: "link", onclick: () => this.dismiss() }, "✕");
    this.body = h("div", {}, this.part.element);
    this.box = h("section", { class: "output-window", role: "complementary", hidden: true },
      h("header", {}, this.title, this.close), this.body);
    place.append(this.box);
    onLanguage(() => this.words());
    this.movable();
  }

  words() {
    this.title.textContent = t("code.window", { step: this.step });
    this.box.setAttribute("aria-label", t("code.window", { step: this.step }));
    this.close.setAttribute("aria-label", t("page.close"));
    this.close.title = t("page.close");
    this.part.redraw();
  }

  /** What changed in the code of a step of the run that goes on. What the window shows stays until there is more to see. */
  apply(change) {
    if (change.new) {
      this.next = new CodePart(false);
      this.upcoming = { run: change.run, step: change.step };
    }
    if (change.step !== this.upcoming?.step) return;
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40;
    this.next.apply(change);
    if (atEnd && change.state === "running") requestAnimationFrame(() => { this.box.scrollTop = this.box.scrollHeight; });
    if (!this.next.worth) return;
    if (this.part !== this.next) this.turn();
    this.put(!hidden() && this.dismissed !== this.run);
  }

  turn() {
    this.part = this.next;
    Object.assign(this, this.upcoming);
    this.body.replaceChildren(this.part.element);
    this.words();
  }

  put(open) {
    this.box.hidden = !open;
    this.close.toggleAttribute("data-closes", open);
  }

  dismiss() {
    this.dismissed = this.run;
    this.put(false);
  }

  movable() {
    const head = this.box.firstElementChild;
    head.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) return;
      const start = this.box.getBoundingClientRect();
      const move = (now) => {
        this.box.style.right = `${Math.max(4, innerWidth - start.right - (now.clientX - event.clientX))}px`;
        this.box.style.bottom = `${Math.max(4, innerHeight - start.bottom - (now.clientY - event.clientY))}px`;
      };
      head.setPointerCapture(event.pointerId);
      head.addEventListener("pointermove", move);
      head.addEventListener("pointerup", () => head.removeEventListener("pointermove", move), { once: true });
    });
  }
}
