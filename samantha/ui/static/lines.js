// Draws lines: heads of runs, cards, notices. Used for the live stream and for stored runs alike.
// HTML comes from the server's renderer alone, which escapes all that a model wrote; everything else is set as text.
import { h, t, plural, number, seconds, copyButton, short } from "./base.js";
import { CodePart } from "./code.js";

export class Lines {
  constructor(list) {
    this.list = list;
    this.parts = [];
  }

  clear() {
    this.parts = [];
    this.list.replaceChildren();
  }

  apply(line) {
    const part = this.parts[line.place];
    if (!part) {
      const made = { data: line, fixed: "", item: h("li", { class: `line ${line.kind}` }) };
      this.parts[line.place] = made;
      this.list.append(made.item);
      build(made);
      update(made, line);
    } else {
      Object.assign(part.data, line);
      update(part, line);
    }
  }

  redraw() {
    for (const part of this.parts) {
      const body = part.fixedBox ? [part.fixedBox.innerHTML, part.tailBox.innerHTML] : null;
      build(part);
      update(part, {});
      if (part.data.code) part.code.redraw();
      if (body) [part.fixedBox.innerHTML, part.tailBox.innerHTML] = body;
    }
  }
}

function build(part) {
  const data = part.data;
  if (data.kind === "notice") {
    part.item.setAttribute("role", "status");
    part.item.replaceChildren(h("span", { class: "mark", "aria-hidden": "true" }, "i"), data.message);
  } else if (data.kind === "card") buildCard(part);
}

function update(part, change) {
  if (part.data.kind === "run") drawRun(part);
  else if (part.data.kind === "card") updateCard(part, change);
}

function drawRun({ item, data }) {
  const state = data.reason ? t(`done.${data.reason}`) : "";
  const steps = data.steps ? plural("done.steps", data.steps) : t("live.steps_endless");
  item.replaceChildren(h("span", {}, t("run.title")), h("code", {}, data.run), h("span", {}, t("run.seed", { seed: data.seed })),
    h("span", {}, steps), state ? h("span", { class: `reason ${data.reason}` }, state) : "");
}

function buildCard(part) {
  const data = part.data;
  const where = [
    data.prompt_number ? t("card.prompt", { number: data.prompt_number }) : "",
    data.response ? t("card.response", { number: data.response }) : "",
    data.loop > 1 ? t("card.loop", { number: data.loop }) : "",
  ].filter(Boolean).join(", ");
  part.changed = h("span", { class: "changes" });
  part.fixedBox = h("div", {});
  part.tailBox = h("div", { class: "tail" });
  part.text = h("div", { class: "text" }, part.fixedBox, part.tailBox);
  part.alert = h("p", { class: "failure", role: "alert", hidden: true });
  part.code ||= new CodePart();
  part.code.element.hidden = !data.code;
  part.foot = h("span", { class: "numbers" });
  part.fold = data.rendered ? h("details", { class: "rendered" },
    h("summary", {}, t("card.rendered")),
    h("p", { class: "note" }, t("card.rendered_note", { tokens: number(data.prompt_tokens), seed: data.seed })),
    h("pre", {}, data.rendered)) : "";
  const head = h("header", {},
    h("strong", { title: data.model }, `${data.step} · ${short(data.model)}`), h("span", { class: "where" }, where), part.changed,
    h("span", { class: "tools" }, copyButton(() => part.data.text ?? part.text.innerText)));
  const prompt = h("p", { class: "asked", title: data.prompt }, data.prompt);
  part.card = h("article", { "aria-label": `${data.step} · ${short(data.model)}` }, head, prompt, part.text, part.alert, part.code.element,
    h("footer", {}, part.foot), part.fold);
  part.item.replaceChildren(part.card);
}

function updateCard(part, change) {
  const data = part.data;
  part.card.dataset.state = data.state;
  part.changed.replaceChildren(...changes(data));
  if ("fixed" in change) part.fixedBox.innerHTML = change.fixed;
  if (change.append) part.fixedBox.insertAdjacentHTML("beforeend", change.append);
  if ("tail" in change || "fixed" in change) part.tailBox.innerHTML = change.tail || "";
  const over = data.state === "finished" || data.state === "failed";
  part.text.classList.toggle("nothing", over && !data.text);
  if (data.state === "finished" && !data.text) part.fixedBox.textContent = t("card.empty");
  part.alert.hidden = data.state !== "failed";
  part.alert.textContent = data.state === "failed" ? `${t("card.failed")}: ${data.message || t("card.broken_off")}` : "";
  if (change.code) {
    part.code.element.hidden = false;
    part.code.apply(change.code);
  }
  part.foot.textContent = footer(data);
}

/** What differs from the defaults, and whether the step went on as a branch. */
function changes(data) {
  const parts = Object.entries(data.changed || {}).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  if (data.branch) parts.push(t("card.branch", { number: data.branch }));
  return parts.map((part) => h("span", { class: "changed" }, part));
}

function footer(data) {
  if (data.state === "waiting") return t("card.waiting");
  if (data.state === "generating") return `${t("card.generating")} · ${plural("card.tokens", data.tokens)}`;
  const rate = data.seconds > 0 ? [t("card.rate", { count: number(data.tokens / data.seconds, data.tokens / data.seconds < 100 ? 1 : 0) })] : [];
  const parts = [plural("card.tokens", data.tokens || 0), seconds(data.seconds || 0), ...rate];
  if (data.reason) parts.push(t(`card.reason_${data.reason}`));
  const kept = data.reused ? ` · ${t("card.kept", { count: number(data.reused) })}` : "";
  return data.state === "failed" && !data.reason ? "" : `(${parts.join(", ")})${kept}`;
}
