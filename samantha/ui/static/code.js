// The code of a step: its source, what it printed and showed, what it serves, the files it made, how it ended.
// All of it is a stranger's. Texts are set as text; pictures are pictures; pages are framed without an origin (see
// code_routes.py), so they can neither reach this page nor call out.
import { h, t, number, seconds, size, copyButton } from "./base.js";

const LOWEST = 48;
const HIGHEST = 720;
const MOST_TOLD = 12;
const frames = new Map();

addEventListener("message", (event) => {
  const frame = frames.get(event.source);
  const height = event.data && event.data.samantha === "height" ? Number(event.data.height) : NaN;
  if (!frame || !Number.isFinite(height) || frame.told++ > MOST_TOLD) return;
  frame.element.style.height = `${Math.min(HIGHEST, Math.max(LOWEST, Math.ceil(height) + 2))}px`;
});

/** Draws one block of code and follows what happens to it. `whole` false leaves out its source and its files. */
export class CodePart {
  constructor(whole = true) {
    this.whole = whole;
    this.element = h("div", { class: "code-part" });
    this.clear();
  }

  clear() {
    this.data = {};
    this.figures = new Map();
    this.source = h("div", {});
    this.printed = h("pre", { class: "printed", tabindex: "0" });
    this.note = h("p", { class: "note" });
    this.shown = h("div", { class: "shown" });
    this.error = h("pre", { class: "code-error" });
    this.serving = h("div", { class: "serving" });
    this.files = h("div", { class: "made" });
    this.foot = h("p", { class: "code-foot" });
    this.element.replaceChildren(this.source, this.printed, this.note, this.shown, this.error, this.serving, this.files, this.foot);
  }

  apply(change) {
    if (change.new) {
      this.clear();
      this.data = {};
    }
    Object.assign(this.data, change);
    const box = this.printed;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    for (const [stream, text] of change.pieces || []) this.print(stream, text);
    if (atEnd) requestAnimationFrame(() => { box.scrollTop = box.scrollHeight; });
    this.draw(Boolean(change.new));
  }

  /** The words in another language; what was printed and shown stays. */
  redraw() {
    for (const figure of this.figures.values()) figure.dispatchEvent(new CustomEvent("words"));
    this.draw(true);
  }

  print(stream, text) {
    const last = this.printed.lastElementChild;
    if (last && last.className === stream) last.append(text);
    else this.printed.append(h("span", { class: stream, title: stream === "stderr" ? t("code.stderr") : null }, text));
  }

  draw(source) {
    const data = this.data;
    if (source && this.whole) this.drawSource();
    this.printed.hidden = !this.printed.hasChildNodes();
    this.printed.setAttribute("aria-label", t("card.output"));
    this.note.hidden = !data.cut;
    this.note.textContent = data.cut ? t("code.cut", { count: number(data.cut) }) : "";
    for (const one of data.shown || []) this.show(one);
    const failed = data.output && !this.printed.textContent.includes(data.output.trim());
    this.error.hidden = !failed;
    this.error.textContent = failed ? data.output : "";
    this.serving.replaceChildren(...(data.servers || []).map(server));
    this.files.replaceChildren(...(this.whole && data.files?.length ? [made(data.files)] : []));
    this.foot.className = `code-foot ${data.state === "running" ? "running" : data.reason === "ok" ? "ok" : "bad"}`;
    this.foot.textContent = this.ending();
  }

  drawSource() {
    const { code, html } = this.data;
    const fold = (title, text) => h("details", { class: "source" },
      h("summary", {}, title), h("span", { class: "tools" }, copyButton(() => text)), h("pre", {}, text));
    this.source.replaceChildren(...(code ? [fold(t("card.code"), code)] : []), ...(html ? [fold(t("code.html"), html)] : []));
  }

  show(one) {
    if (this.figures.has(one.url)) return;
    const figure = one.gone ? gone(one) : one.media === "text/html" ? framed(one) : picture(one);
    this.figures.set(one.url, figure);
    this.shown.append(figure);
  }

  ending() {
    const data = this.data;
    if (data.state === "running") return t("code.running");
    const parts = [t(`code.reason_${data.reason}`), seconds(data.seconds || 0)];
    if (data.memory) parts.push(t("code.peak", { size: size(data.memory) }));
    if (data.isolation) parts.push(t(`code.isolation_${data.isolation === "full access" ? "full" : data.isolation}`));
    return parts.join(" · ");
  }

  /** Whether there is something to look at: text that is not blank, or a picture, table or page. */
  get worth() {
    return Boolean(!this.data.blank || (this.data.shown || []).length || (this.data.reason && this.data.reason !== "ok"));
  }
}

const caption = (one) => (one.title ? h("figcaption", {}, one.title) : null);

const gone = (one) => h("figure", { class: "gone" }, h("p", { class: "note" }, t("code.gone")), caption(one));

function picture(one) {
  const image = h("img", { src: one.url, alt: one.title || t("code.figure"), loading: "lazy", decoding: "async",
    onerror: () => figure.replaceWith(gone(one)) });
  const figure = h("figure", { class: "picture" },
    h("a", { href: one.url, target: "_blank", rel: "noopener noreferrer", title: t("code.open_picture") }, image), caption(one));
  return figure;
}

/** A page of the code, in a frame that has no origin: no cookie, no storage, nothing to call. */
function framed(one) {
  const name = one.title || t(one.table ? "code.table" : "code.page");
  const frame = h("iframe", { sandbox: "allow-scripts", src: one.url, title: name, loading: "lazy", referrerpolicy: "no-referrer",
    class: one.table ? "table" : "page", onload: () => frames.set(frame.contentWindow, { element: frame, told: 0 }) });
  const grow = h("button", { type: "button", class: "link", onclick: () => larger(!figure.classList.contains("grown")) });
  const figure = h("figure", { class: "framed", onwords: () => larger(figure.classList.contains("grown")) },
    frame, h("div", { class: "under" }, caption(one), grow));
  function larger(on) {
    figure.classList.toggle("grown", on);
    grow.textContent = t(on ? "code.reduce" : "code.enlarge");
    grow.toggleAttribute("data-closes", on);
  }
  larger(false);
  return figure;
}

function server(one) {
  const address = one.open ? h("a", { href: one.url, target: "_blank", rel: "noopener noreferrer" }, one.url) : h("code", {}, one.url);
  return h("p", {}, h("span", { class: "live", "aria-hidden": "true" }), `${t("code.serving")} `, address);
}

function made(files) {
  return h("details", { open: files.length <= 8 }, h("summary", {}, t("code.files", { count: number(files.length) })),
    h("ul", { class: "files" }, files.map((file) => h("li", {},
      file.gone ? h("span", {}, file.name) : h("a", { href: file.url, download: "", title: t("code.download", { name: file.name }) }, file.name),
      h("span", { class: "where" }, file.gone ? t("code.file_gone") : size(file.size))))));
}
