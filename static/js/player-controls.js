// The control bar: what one can press, and what it shows of the film. Its words stand in the page.

import { Choices } from "./player-choices.js";
import { remember, remembered } from "./player-memory.js";
import { Preview } from "./player-preview.js";

const IDLE_AFTER_MS = 3_000;
const SAID_FOR_MS = 2_000;

const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });

/** The bar of a `[data-watch]` element; the keyboard calls the same methods as the buttons. */
export class Controls {
  #watch;
  #frame;
  #video;
  #choices;
  #preview;
  #idleTimer;
  #saidTimer;
  #seeking = false;

  constructor(watch, video) {
    this.#watch = watch;
    this.#frame = watch.querySelector("[data-frame]");
    this.#video = video;
    this.#choices = new Choices(watch, video);
    this.#preview = new Preview(watch, this.#control("seek"), clock);
    this.#restoreVolume();
    this.#wireButtons();
    this.#wireSliders();
    this.#wireAirPlay();
    this.#wireIdleness();
    this.#follow();
  }

  /** Show the bar and put the focus on its first button. */
  show() {
    this.#bar.hidden = false;
    this.#control("play").focus({ preventScroll: true });
  }

  /** Take the bar away: there is nothing to control. */
  hide() {
    if (document.fullscreenElement) document.exitFullscreen();
    this.#bar.hidden = true;
  }

  /** Offer what this engine has, and the small pictures of its film. */
  offer(engine, sprites) {
    this.#choices.offer(engine);
    this.#preview.offer(sprites);
  }

  get areShown() {
    return !this.#bar.hidden;
  }

  togglePlay() {
    if (this.#video.paused) this.#video.play().catch(() => {});
    else this.#video.pause();
  }

  seekBy(seconds) {
    this.#seekTo(this.#video.currentTime + seconds);
  }

  seekToShare(share) {
    this.#seekTo(this.#video.duration * share);
  }

  changeVolume(step) {
    this.#video.muted = false;
    this.#video.volume = Math.min(1, Math.max(0, this.#video.volume + step));
    this.#say(`${this.#control("volume").ariaLabel} ${percent.format(this.#video.volume)}`);
  }

  toggleMuted() {
    this.#video.muted = !this.#video.muted;
  }

  toggleSubtitles() {
    this.#say(this.#choices.toggleSubtitles());
  }

  async toggleFullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.#frame.requestFullscreen) await this.#frame.requestFullscreen();
    else this.#video.webkitEnterFullscreen?.(); // iPhones show the picture alone
  }

  showHelp() {
    this.#watch.querySelector("[data-help]").showModal();
  }

  get #bar() {
    return this.#watch.querySelector("[data-bar]");
  }

  #control(name) {
    return this.#watch.querySelector(`[data-control="${name}"]`);
  }

  #wireButtons() {
    const acts = {
      play: () => this.togglePlay(),
      mute: () => this.toggleMuted(),
      subtitles: () => this.toggleSubtitles(),
      picture: () => this.#togglePictureInPicture(),
      help: () => this.showHelp(),
      full: () => this.toggleFullScreen(),
    };
    for (const [name, act] of Object.entries(acts)) this.#control(name).addEventListener("click", act);
    this.#control("picture").hidden = !document.pictureInPictureEnabled;
    this.#video.addEventListener("click", () => this.togglePlay());
    this.#video.addEventListener("dblclick", () => this.toggleFullScreen());
  }

  #wireSliders() {
    const seek = this.#control("seek");
    seek.addEventListener("input", () => {
      this.#seeking = true;
      this.#showPosition(seek.valueAsNumber);
    });
    seek.addEventListener("change", () => {
      this.#seeking = false;
      this.#seekTo(seek.valueAsNumber);
    });
    this.#control("volume").addEventListener("input", ({ target }) => {
      this.#video.muted = false;
      this.#video.volume = target.valueAsNumber;
    });
  }

  /** Safari alone knows of screens nearby, and tells when there is one. */
  #wireAirPlay() {
    const button = this.#control("airplay");
    button.addEventListener("click", () => this.#video.webkitShowPlaybackTargetPicker());
    this.#video.addEventListener("webkitplaybacktargetavailabilitychanged", ({ availability }) => {
      button.hidden = availability !== "available";
    });
  }

  #wireIdleness() {
    for (const event of ["pointermove", "pointerdown", "keydown"]) this.#frame.addEventListener(event, () => this.#wake());
    document.addEventListener("fullscreenchange", () => {
      this.#show("full", document.fullscreenElement !== null);
      this.#wake();
    });
  }

  #wake() {
    clearTimeout(this.#idleTimer);
    this.#frame.removeAttribute("data-idle");
    this.#idleTimer = setTimeout(() => this.#frame.toggleAttribute("data-idle", !this.#video.paused), IDLE_AFTER_MS);
  }

  #follow() {
    const on = (events, act) => events.forEach((event) => this.#video.addEventListener(event, act));
    on(["play", "pause", "emptied"], () => this.#show("play", !this.#video.paused));
    on(["timeupdate", "durationchange", "seeking"], () => this.#seeking || this.#showPosition(this.#video.currentTime));
    on(["progress", "timeupdate"], () => this.#showBuffered());
    on(["volumechange"], () => this.#showVolume());
  }

  #seekTo(seconds) {
    const { duration } = this.#video;
    if (duration) this.#video.currentTime = Math.min(Math.max(0, seconds), duration);
  }

  async #togglePictureInPicture() {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.#video.requestPictureInPicture().catch(() => {}); // no picture yet
  }

  #restoreVolume() {
    this.#video.volume = Number(remembered("volume", "1"));
    this.#showVolume();
  }

  /** Show for a moment what a key did, and read it out. */
  #say(words) {
    const said = this.#watch.querySelector("[data-said]");
    clearTimeout(this.#saidTimer);
    said.textContent = words;
    this.#saidTimer = setTimeout(() => (said.textContent = ""), SAID_FOR_MS);
  }

  #showPosition(position) {
    const duration = this.#video.duration || 0;
    const seek = this.#control("seek");
    seek.max = duration || 1;
    seek.value = position;
    seek.style.setProperty("--played", share(position, duration));
    const words = { position: clock(position), duration: clock(duration) };
    seek.setAttribute("aria-valuetext", seek.dataset.words.replace(/\{(\w+)\}/g, (_whole, name) => words[name]));
    for (const [name, text] of Object.entries(words)) this.#watch.querySelector(`[data-show="${name}"]`).textContent = text;
  }

  #showBuffered() {
    const { buffered, currentTime, duration } = this.#video;
    let end = currentTime;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime && currentTime <= buffered.end(index)) end = buffered.end(index);
    }
    this.#control("seek").style.setProperty("--buffered", share(end, duration));
  }

  #showVolume() {
    const { muted, volume } = this.#video;
    this.#control("volume").value = muted ? 0 : volume;
    this.#control("volume").style.setProperty("--played", share(muted ? 0 : volume, 1));
    this.#show("mute", muted || volume === 0);
    remember("volume", volume);
  }

  /** A button's state: its drawing follows `data-on`, its name the state that pressing it leads to. */
  #show(name, on) {
    const button = this.#control(name);
    button.toggleAttribute("data-on", on);
    button.setAttribute("aria-label", on ? button.dataset.labelOn : button.dataset.labelOff);
  }
}

function share(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(2)}%` : "0%";
}

function clock(position) {
  const seconds = Math.floor(position);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
