// What one would see after a press: the picture and the time at the place under the pointer, above the seek bar.

/** The preview of a `[data-watch]` element; `positionAt` turns a share of the bar into seconds, `written` those into words. */
export class Preview {
  #box;
  #seek;
  #sprites;
  #written;
  #asked = 0;

  constructor(watch, seek, written) {
    this.#box = watch.querySelector("[data-preview]");
    this.#seek = seek;
    this.#written = written;
    seek.addEventListener("pointermove", (event) => this.#showAt(shareAt(seek, event.clientX)));
    seek.addEventListener("input", () => this.#showAt(seek.value / seek.max));
    for (const event of ["pointerleave", "pointercancel", "blur"]) seek.addEventListener(event, () => this.#hide());
    seek.addEventListener("pointerup", (event) => event.pointerType === "mouse" || this.#hide());
  }

  /** Take the pictures from these sprites from now on. */
  offer(sprites) {
    this.#sprites = sprites;
    this.#hide();
  }

  async #showAt(share) {
    const asked = ++this.#asked;
    const position = share * this.#seek.max;
    this.#box.hidden = false;
    this.#box.style.setProperty("--at", share);
    this.#box.querySelector("span").textContent = this.#written(position);
    const picture = await this.#sprites?.at(position);
    if (asked === this.#asked) this.#draw(picture);
  }

  #draw(picture) {
    const canvas = this.#box.querySelector("canvas");
    canvas.hidden = !picture;
    if (!picture) return;
    const { sheet, x, y, width, height } = picture;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d").drawImage(sheet, x, y, width, height, 0, 0, width, height);
  }

  #hide() {
    this.#asked += 1;
    this.#box.hidden = true;
  }
}

/** Where a press at this place would put the thumb, whose centre does not reach the ends of the bar. */
function shareAt(seek, clientX) {
  const { left, width } = seek.getBoundingClientRect();
  const thumb = parseFloat(getComputedStyle(seek).getPropertyValue("--thumb-px"));
  return Math.min(1, Math.max(0, (clientX - left - thumb / 2) / (width - thumb)));
}
