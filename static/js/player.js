// The player: opens a stream, shows it, keeps it alive, and says what to do when something is wrong.

import { Controls } from "./player-controls.js";
import { openEngine } from "./player-engine.js";
import { wireKeyboard } from "./player-keyboard.js";
import { Sprites } from "./player-sprites.js";
import { Refused, Stream, stopStream } from "./player-stream.js";

const RENEW_EVERY_MS = 10_000;
const RETRY_AFTER_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

let player;

/**
 * Open the film of the page's `[data-watch]` element. `native`: the browser plays it by itself; `consent`: its rental begins;
 * `asked`: the shop's answer, which is on its way, or false where the browser cannot play; `ask(consent)`: asks again.
 */
export async function open(watch, { native, consent, asked, ask }) {
  player ??= new Player(watch, native, ask);
  if (asked) await player.open(consent, asked);
  else player.refuse("unsupported");
}

class Player {
  #watch;
  #video;
  #native;
  #ask;
  #asked;
  #controls;
  #stream;
  #engine;
  #renewTimer;
  #consent = false;
  #retry; // what failed: how to mend it, and when that is tried by itself
  #failures = 0;

  constructor(watch, native, ask) {
    this.#watch = watch;
    this.#native = native;
    this.#ask = ask;
    this.#video = watch.querySelector("video");
    this.#controls = new Controls(watch, this.#video);
    wireKeyboard(watch.querySelector("[data-frame]"), this.#controls);
    this.#listen();
  }

  async open(consent, asked = this.#ask(consent)) {
    this.#close();
    this.#asked = asked;
    this.#consent = consent;
    this.#say(null);
    this.#wait(true);
    try {
      const stream = await Stream.open(asked, this.#watch.dataset.csrf, this.#native);
      if (asked !== this.#asked) return; // pressed again meanwhile
      this.#stream = stream;
      await this.#show(stream);
    } catch (error) {
      if (error instanceof Refused) this.#refused(error);
      else this.#troubled(error.kind ?? "network", () => this.open(consent));
    }
  }

  async #show(stream) {
    const sprites = new Sprites(stream);
    this.#engine = await openEngine(this.#video, this.#watch.dataset.engine, stream, {
      ready: (engine) => this.#controls.offer(engine, sprites),
      stumble: (kind) => this.#video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && this.#say(kind),
      trouble: (kind, mend) => this.#troubled(kind, mend ?? (() => this.open(false))),
    });
    this.#consent = false;
    this.#watch.dataset.state = "open";
    this.#controls.show();
    this.#renewTimer = setInterval(() => this.#renew(), RENEW_EVERY_MS);
    this.#video.play().catch(() => {}); // a browser that wants another press finds the play button
  }

  #listen() {
    const video = this.#video;
    video.addEventListener("timeupdate", () => this.#notePosition());
    video.addEventListener("waiting", () => this.#wait(true));
    for (const event of ["playing", "canplay", "ended"]) video.addEventListener(event, () => this.#recovered());
    addEventListener("online", () => (this.#retry || this.#engine) && this.#tryAgain());
    video.addEventListener("pause", () => this.#renew());
    addEventListener("pagehide", () => this.#renew());
    document.addEventListener("visibilitychange", () => document.hidden && this.#renew());
    for (const button of this.#watch.querySelectorAll("[data-again]")) {
      button.addEventListener("click", () => this.#tryAgain());
    }
  }

  #tryAgain() {
    if (this.#retry) this.#mend();
    else if (this.#engine) this.#engine.hurry();
    else this.open(this.#consent);
  }

  #notePosition() {
    const hasPicture = this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    if (this.#stream && hasPicture) this.#stream.position = this.#video.currentTime;
  }

  /** Renew the stream; without the network its token lives on for a while, and the next renewal comes. */
  async #renew() {
    const stream = this.#stream;
    try {
      await stream?.renew();
    } catch (error) {
      if (error instanceof Refused && stream === this.#stream) this.#refused(error);
    }
  }

  #refused(refusal) {
    if (refusal.reason === "silent") return this.open(false); // it slept too long: take a place again
    if (refusal.streams) this.#offerToStop(refusal.streams);
    this.refuse(refusal.reason);
  }

  #offerToStop(streams) {
    const list = this.#watch.querySelector("[data-streams]");
    const template = list.querySelector("template");
    list.replaceChildren(template, ...streams.map((stream) => this.#entry(template, stream)));
  }

  #entry(template, stream) {
    const entry = template.content.cloneNode(true);
    entry.querySelector("span").textContent = stream.label;
    entry.querySelector("button").addEventListener("click", async () => {
      await stopStream(stream.stop, this.#watch.dataset.csrf).catch(() => {}); // opening says what is wrong
      await this.open(this.#consent);
    });
    return entry;
  }

  /** Stop, or do not begin, and say why by the page's message of that name. */
  refuse(reason) {
    this.#close();
    this.#wait(false);
    this.#controls.hide();
    this.#say(reason);
    this.#watch.querySelector("[data-message]:not([hidden]) :is(a, button)")?.focus();
  }

  #close() {
    clearInterval(this.#renewTimer);
    clearTimeout(this.#retry?.timer);
    this.#engine?.close();
    this.#retry = this.#engine = this.#stream = undefined;
  }

  #troubled(kind, mend) {
    if (kind === "media") return this.refuse("media");
    clearTimeout(this.#retry?.timer);
    const pause = RETRY_AFTER_MS[Math.min(this.#failures, RETRY_AFTER_MS.length - 1)];
    this.#failures += 1;
    this.#retry = { mend, timer: setTimeout(() => this.#mend(), pause) };
    this.#wait(false);
    this.#say(kind);
  }

  async #mend() {
    const { mend, timer } = this.#retry ?? {};
    if (!mend) return;
    clearTimeout(timer);
    this.#retry = undefined;
    const stream = this.#stream;
    await this.#renew(); // what failed may have been an old token
    if (stream === this.#stream) await mend();
  }

  #recovered() {
    this.#wait(false);
    if (this.#retry) return;
    this.#failures = 0;
    this.#say(null);
  }

  /** Show one of the page's messages and no other; null shows none. */
  #say(name) {
    for (const message of this.#watch.querySelectorAll("[data-message]")) message.hidden = message.dataset.message !== name;
  }

  #wait(waiting) {
    this.#watch.toggleAttribute("data-waiting", waiting);
  }
}
