// What ran in the Code tab, newest first.
import { h, t, onLanguage, onNews, ready } from "./base.js";
import { CodePart } from "./code.js";

export async function mount({ element }) {
  await ready;
  const parts = new Map();
  const list = h("ol", { class: "lines" });
  const empty = h("p", { class: "note" });
  element.replaceChildren(empty, list);

  function apply({ results }) {
    const shown = new Set(results.map((one) => one.number));
    for (const [number, part] of parts) {
      if (shown.has(number)) continue;
      part.item.remove();
      parts.delete(number);
    }
    for (const one of results) {
      let part = parts.get(one.number);
      if (!part) parts.set(one.number, (part = made(one)));
      if (one.code) part.code.apply(one.code);
      if ("problem" in one) {
        part.alert.textContent = one.problem;
        part.alert.hidden = !one.problem;
        part.code.foot.hidden = Boolean(one.problem);
      }
    }
    empty.hidden = parts.size > 0;
  }
  function made(one) {
    const part = { code: new CodePart(), alert: h("p", { class: "failure", role: "alert", hidden: true }) };
    part.title = one.title;
    part.item = h("li", { class: "line" }, h("article", {},
      h("header", {}, h("strong", {}, `${one.number}`), h("span", { class: "where" }, one.title || "")), part.code.element, part.alert));
    list.prepend(part.item);
    return part;
  }
  onLanguage(() => {
    empty.textContent = t("desk.empty");
    for (const part of parts.values()) part.code.redraw();
  });
  onNews("desk", apply);
}
