// The tokens of the answer that is looked at, as files: downloads, nothing else.
import { h, t, number, onLanguage, onNews, ready, tabId } from "./base.js";
import { sayingLine } from "./asking.js";

const FORMS = ["csv", "candidates", "jsonl", "png", "token"];

export async function mount({ element }) {
  await ready;
  let place = null;
  const title = h("strong", { id: "export-title" });
  const of = h("span", { class: "where" });
  const status = sayingLine();
  const buttons = FORMS.map((form) => h("button", { type: "button", class: "small", id: `export-${form}`, onclick: () => save(form) }));
  element.replaceChildren(h("section", { class: "box exporting", "aria-labelledby": "export-title" },
    h("header", {}, title, of), h("p", { class: "inline" }, buttons), status.line));

  /** Fetched first, so that a refusal is a sentence here and not a file. */
  async function save(form) {
    const { run, step, branch, position } = place;
    const button = buttons[FORMS.indexOf(form)];
    button.disabled = true;
    status.say("", t("export.making"));
    try {
      const answer = await fetch(`/samantha/learn/export?${new URLSearchParams({ tab: tabId(), run, step, branch, position, form })}`);
      if (!answer.ok) { status.say((await answer.json()).problem || t("page.offline")); return; }
      const name = decodeURIComponent((answer.headers.get("content-disposition") || "").split("''")[1] || `tokens.${form}`);
      const address = URL.createObjectURL(await answer.blob());
      h("a", { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
      status.say("", t("export.saved", { name }));
    } catch {
      status.say(t("page.offline"));
    } finally {
      button.disabled = !place;
    }
  }
  const draw = () => {
    title.textContent = t("export.title");
    of.textContent = !place ? t("export.none_selected")
      : [t("export.step", { number: number(place.step) }), place.branch ? t("card.branch", { number: number(place.branch) }) : ""].filter(Boolean).join(" · ");
    buttons.forEach((button, index) => {
      button.textContent = t(`export.${FORMS[index]}`);
      button.title = t(`export.${FORMS[index]}_help`);
      button.disabled = !place;
    });
  };
  onLanguage(draw);
  onNews("learn-token", (now) => {
    const same = place && now && ["run", "step", "branch"].every((name) => place[name] === now[name]);
    place = now && now.run ? now : null;
    if (!same) { status.say(""); draw(); }
  });
}
