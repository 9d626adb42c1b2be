// Small pictures of a film: an index in WebVTT that names a piece of a sheet for each interval, and the sheets.

const INDEX = "sprites/index.vtt";
const CUE = /^(?:(\d+):)?(\d\d):(\d\d\.\d{3}) -->.*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/gm;

/** The small pictures of a stream. Nothing is fetched before the first one is asked for, and each sheet once. */
export class Sprites {
  #stream;
  #pieces;
  #sheets = new Map();

  constructor(stream) {
    this.#stream = stream;
  }

  /** The picture at this second, `{ sheet, x, y, width, height }`; undefined if there is none, or it does not come. */
  async at(position) {
    try {
      this.#pieces ??= this.#read();
      const piece = (await this.#pieces).findLast(({ start }) => start <= position);
      return piece && { ...piece, sheet: await this.#sheet(piece.name) };
    } catch {
      this.#pieces = undefined; // the next time, perhaps
      return undefined;
    }
  }

  async #read() {
    const response = await fetch(this.#address(INDEX));
    if (response.status === 404) return []; // a film that was packaged without
    if (!response.ok) throw new Error(`${INDEX}: ${response.status}`);
    const cues = (await response.text()).replaceAll("\r\n", "\n").matchAll(CUE);
    return [...cues].map(([, hours = 0, minutes, seconds, name, ...area]) => {
      const [x, y, width, height] = area.map(Number);
      return { start: hours * 3600 + minutes * 60 + Number(seconds), name, x, y, width, height };
    });
  }

  /** A sheet, once it can be drawn; one that did not come is asked for again. */
  async #sheet(name) {
    if (!this.#sheets.has(name)) {
      const image = new Image();
      image.src = new URL(name, this.#address(INDEX));
      this.#sheets.set(name, image);
    }
    const sheet = this.#sheets.get(name);
    await sheet.decode().catch((error) => {
      this.#sheets.delete(name);
      throw error;
    });
    return sheet;
  }

  #address(name) {
    return new URL(name, new URL(this.#stream.manifest, location));
  }
}
