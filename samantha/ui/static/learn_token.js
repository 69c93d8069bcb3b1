// Everything about the selected token: its candidates and what each sampler did to them, before and after, the survivors.
import { h, t, locale, number, onLanguage, onNews, ready, tell } from "./base.js";
import { question } from "./learn_request.js";
import { quoted, share } from "./learn_words.js";

const CHARTED = 10;
const KEPT = 60;

export async function mount({ element }) {
  await ready;
  new TokenPart(element);
}

class TokenPart {
  constructor(element) {
    this.found = null;
    this.wanted = null;
    this.asking = false;
    this.kept = new Map();
    this.title = h("strong", {});
    this.note = h("span", { class: "where" });
    this.table = h("table", { class: "candidates" });
    this.foot = h("p", { class: "note" });
    this.problem = h("p", { class: "status problem", role: "alert", hidden: true });
    this.chartTitle = h("strong", {});
    this.chartNote = h("span", { class: "where" });
    this.chart = h("div", { class: "before-after" });
    this.funnelTitle = h("strong", {});
    this.funnelNote = h("span", { class: "where" });
    this.funnel = h("div", { class: "funnel" });
    this.boxes = [
      h("section", { class: "box" }, h("header", {}, this.title, this.note), this.problem,
        h("div", { class: "wide-table", tabindex: "0", role: "group" }, this.table), this.foot),
      h("section", { class: "box" }, h("header", {}, this.chartTitle, this.chartNote), this.chart),
      h("section", { class: "box" }, h("header", {}, this.funnelTitle, this.funnelNote), this.funnel),
    ];
    element.replaceChildren(...this.boxes);
    onLanguage(() => this.draw());
    onNews("learn-token", (place) => this.want(place));
  }

  want(place) {
    this.wanted = place;
    if (!place) { this.found = null; this.draw(); }
    else this.ask();
  }

  /** One question at a time, the newest wish next. */
  async ask() {
    if (this.asking || !this.wanted) return;
    const place = this.wanted;
    const name = JSON.stringify(place);
    let answer = this.kept.get(name);
    if (!answer) {
      this.asking = true;
      answer = await question("token", place);
      this.asking = false;
      if (!answer.problem) this.keep(name, answer);
    }
    if (this.wanted !== place && !this.wanted) return;
    this.found = answer;
    this.draw();
    if (this.wanted !== place) this.ask();
  }

  keep(name, answer) {
    if (this.kept.size >= KEPT) this.kept.delete(this.kept.keys().next().value);
    this.kept.set(name, answer);
  }

  draw() {
    const found = this.found;
    const shown = found && !found.problem && found.traced;
    this.problem.hidden = !found?.problem;
    this.problem.textContent = found?.problem || "";
    this.title.textContent = shown ? t("learn.candidates_for", { number: number(found.position + 1) }) : t("learn.candidates");
    this.note.textContent = shown ? t("learn.candidates_note") : "";
    this.boxes[1].hidden = this.boxes[2].hidden = !shown;
    this.table.hidden = !shown;
    this.foot.textContent = shown ? (this.canForce() ? t("learn.force_hint") : "") : t(found && !found.problem ? "learn.token_untraced" : "learn.select_hint");
    if (!shown) return;
    this.drawTable(found);
    this.drawChart(found);
    this.drawFunnel(found);
  }

  canForce() {
    return Boolean(document.getElementById("branches"));
  }

  drawTable(found) {
    this.table.parentElement.setAttribute("aria-label", this.title.textContent);
    const heads = [t("learn.column_rank"), t("learn.column_id"), t("learn.column_token"), t("learn.column_logit"), t("learn.column_before")];
    const stages = found.stages.map((stage) => h("th", { scope: "col", title: t("learn.stage_help", { name: stage.name, count: number(stage.survivors) }) },
      stage.name, stage.value === null ? "" : h("small", {}, valued(stage.value))));
    this.table.replaceChildren(
      h("thead", {}, h("tr", {}, heads.map((text, place) => h("th", { scope: "col", class: place === 2 ? "piece" : "" }, text)), stages, h("th", {}, h("span", { class: "unseen" }, t("learn.force"))))),
      h("tbody", {}, found.candidates.map((one) => this.row(found, one))));
  }

  row(found, [id, text, logit, probability, rank, after]) {
    const chosen = id === found.id;
    const out = after.indexOf(null);
    const cells = found.stages.map((stage, place) => {
      if (out < 0 || place < out) return h("td", {}, share(after[place]));
      return place === out ? h("td", { class: "out", title: t("learn.out_help", { name: stage.name }) }, t("learn.out")) : h("td", { class: "gone" }, "–");
    });
    const force = this.canForce() ? h("button", { type: "button", class: "link force", title: t("learn.force_help", { text: quoted(text) }),
      "aria-label": t("learn.force_help", { text: quoted(text) }), onclick: () => this.force(found, id) }, t("learn.force")) : "";
    const mark = chosen ? h("span", { class: "mark", title: t("learn.selected") }, "▶ ", h("span", { class: "unseen" }, t("learn.selected"))) : "";
    return h("tr", { class: chosen ? "chosen" : null, "data-id": id }, h("td", {}, number(rank)), h("td", {}, String(id)), h("td", { class: "piece", title: quoted(text) }, mark, quoted(text)),
      h("td", {}, logit === null ? "−∞" : number(logit, 2)), h("td", {}, share(probability)), cells, h("td", {}, force));
  }

  force({ run, step, branch, position }, token) {
    tell("learn-force", { run, step, branch, position, token });
  }

  drawChart(found) {
    this.chartTitle.textContent = t("learn.chart");
    this.chartNote.replaceChildren(h("i", { class: "bar-sample before" }), t("learn.before"), h("i", { class: "bar-sample after" }), t("learn.after"));
    const charted = found.candidates.filter((one, place) => place < CHARTED || one[0] === found.id);
    const last = (one) => (found.stages.length ? one[5].at(-1) : one[3]);
    const most = Math.max(...charted.flatMap((one) => [one[3], last(one) || 0]), 1e-9);
    this.chart.replaceChildren(...charted.map((one) => h("div", { class: one[0] === found.id ? "pair-bars chosen" : "pair-bars" },
      h("span", { class: "piece" }, one[0] === found.id ? "▶ " : "", quoted(one[1])),
      h("span", { class: "bars" }, bar("before", one[3], most), bar("after", last(one), most)),
      h("span", { class: "numbers" }, `${share(one[3])} → ${last(one) === null ? t("learn.out") : share(last(one))}`))));
  }

  drawFunnel(found) {
    this.funnelTitle.textContent = t("learn.survivors");
    this.funnelNote.textContent = t("learn.survivors_note");
    const stages = [{ name: t("learn.all"), value: null, survivors: found.vocabulary }, ...found.stages];
    const most = Math.log(1 + found.vocabulary);
    this.funnel.replaceChildren(...stages.map((stage) => h("div", { class: "stage" },
      h("span", { class: "count" }, number(stage.survivors)),
      h("i", { style: `height:${Math.max(3, (Math.log(1 + stage.survivors) / most) * 56)}px` }),
      h("span", { class: "name" }, stage.name, stage.value === null ? "" : h("small", {}, valued(stage.value))))));
  }
}

const bar = (name, value, most) => h("i", { class: name, style: `width:${((value || 0) / most) * 100}%` });

const valued = (value) => new Intl.NumberFormat(locale(), { maximumFractionDigits: 3 }).format(value);
