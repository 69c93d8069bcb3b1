// The help page: a text of our own in the chosen language, rendered by the server.
import { onLanguage, ready, t, h } from "./base.js";

export async function mount({ element }) {
  await ready;
  onLanguage(() => {
    const box = h("article", { class: "box help-page text" });
    box.innerHTML = t("help_page");
    element.replaceChildren(box);
  });
}
