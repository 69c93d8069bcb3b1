// A canvas as wide as its place, sharp on every screen, drawn anew when its data, its size or the colours change.
import { h } from "./base.js";

export class Canvas {
  /** `paint(context, {width, height}, colour)` draws; `pick(share)` is told where it was clicked, `hover(share)` where the pointer is. */
  constructor(height, paint, pick, hover = null) {
    Object.assign(this, { height, paint, due: false });
    this.element = h("canvas", { role: "img", style: `height:${height}px`, onclick: (event) => pick(this.share(event)),
      onpointermove: hover ? (event) => hover(this.share(event)) : () => {}, onpointerleave: hover ? () => hover(null) : () => {} });
    new ResizeObserver(() => this.draw()).observe(this.element);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  share(event) {
    return Math.max(0, Math.min(0.999999, event.offsetX / Math.max(1, this.element.clientWidth)));
  }

  /** Draws at the next frame, however often it is called before, and not while it is out of sight. */
  draw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      const width = this.element.clientWidth;
      if (!width) return;
      const ratio = devicePixelRatio || 1;
      if (this.element.width !== Math.round(width * ratio)) this.element.width = Math.round(width * ratio);
      if (this.element.height !== Math.round(this.height * ratio)) this.element.height = Math.round(this.height * ratio);
      const context = this.element.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, this.height);
      const style = getComputedStyle(document.body);
      this.paint(context, { width, height: this.height }, (name) => style.getPropertyValue(name).trim());
    });
  }
}
