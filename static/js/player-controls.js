// The control bar: what one can press, and what it shows of the film. Its words stand in the page.

import { remember, remembered } from "./player-memory.js";

const IDLE_AFTER_MS = 3_000;

/** The bar of a `[data-watch]` element; the keyboard calls the same methods as the buttons. */
export class Controls {
  #watch;
  #frame;
  #video;
  #engine;
  #idleTimer;
  #seeking = false;

  constructor(watch, video) {
    this.#watch = watch;
    this.#frame = watch.querySelector("[data-frame]");
    this.#video = video;
    this.#restore();
    this.#wireButtons();
    this.#wireSeek();
    this.#wireChoices();
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

  /** Offer what this engine has: qualities, and the subtitles that were chosen last. */
  offer(engine) {
    this.#engine = engine;
    this.#offerHeights(engine.heights());
    engine.showSubtitles(this.#control("language").value);
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
  }

  toggleMuted() {
    this.#video.muted = !this.#video.muted;
  }

  toggleSubtitles() {
    const language = this.#control("language");
    const wanted = remembered("subtitles.last", document.documentElement.lang);
    const known = [...language.options].map((option) => option.value).filter(Boolean);
    language.value = language.value ? "" : known.includes(wanted) ? wanted : (known[0] ?? "");
    this.#chooseSubtitles();
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
    this.#control("subtitles").hidden = this.#control("language").options.length < 2;
    this.#video.addEventListener("click", () => this.togglePlay());
    this.#video.addEventListener("dblclick", () => this.toggleFullScreen());
  }

  #wireSeek() {
    const seek = this.#control("seek");
    seek.addEventListener("input", () => {
      this.#seeking = true;
      this.#showPosition(seek.valueAsNumber);
    });
    seek.addEventListener("change", () => {
      this.#seeking = false;
      this.#seekTo(seek.valueAsNumber);
    });
  }

  #wireChoices() {
    const video = this.#video;
    const on = (name, event, act) => this.#control(name).addEventListener(event, (input) => act(input.target.value));
    on("volume", "input", (volume) => {
      video.muted = false;
      video.volume = Number(volume);
    });
    on("language", "change", () => this.#chooseSubtitles());
    on("size", "change", (size) => this.#chooseSize(size));
    on("height", "change", (height) => this.#engine?.chooseHeight(Number(height)));
    on("speed", "change", (speed) => (video.playbackRate = video.defaultPlaybackRate = Number(speed)));
    const settings = this.#watch.querySelector("[data-settings]");
    document.addEventListener("click", (event) => settings.contains(event.target) || (settings.open = false));
    settings.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !settings.open) return;
      settings.open = false;
      settings.querySelector("summary").focus();
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

  #chooseSubtitles() {
    const { value } = this.#control("language");
    remember("subtitles", value);
    if (value) remember("subtitles.last", value);
    this.#show("subtitles", value !== "");
    this.#engine?.showSubtitles(value);
  }

  #chooseSize(size) {
    remember("subtitles.size", size);
    this.#watch.dataset.subtitleSize = size;
  }

  #restore() {
    choose(this.#control("language"), remembered("subtitles", ""));
    choose(this.#control("size"), remembered("subtitles.size", "normal"));
    this.#watch.dataset.subtitleSize = this.#control("size").value;
    this.#show("subtitles", this.#control("language").value !== "");
    this.#video.volume = Number(remembered("volume", "1"));
    this.#showVolume();
  }

  #offerHeights(heights) {
    const select = this.#control("height");
    const automatic = select.options[0];
    const options = heights.map((height) => new Option(select.dataset.words.replace("{height}", height), height));
    const chosen = select.value;
    select.replaceChildren(automatic, ...options);
    choose(select, chosen);
    select.closest("label").hidden = heights.length < 2;
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
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", on);
    else button.setAttribute("aria-label", on ? button.dataset.labelOn : button.dataset.labelOff);
  }
}

function choose(select, value) {
  select.value = [...select.options].some((option) => option.value === value) ? value : select.options[0].value;
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
