// The settings: subtitles and their size, sound, quality, speed. What was chosen for one film holds for the next.

import { remember, remembered } from "./player-memory.js";

const { lang } = document.documentElement;
const languageNames = new Intl.DisplayNames(lang, { type: "language" });

/** The choices of a `[data-watch]` element. */
export class Choices {
  #watch;
  #video;
  #engine;

  constructor(watch, video) {
    this.#watch = watch;
    this.#video = video;
    this.#restoreSize();
    this.#wire();
    this.#wirePanel();
  }

  /** Show what this engine has, and ask it for what was chosen last. */
  offer(engine) {
    const isNew = engine !== this.#engine;
    this.#engine = engine;
    const [subtitles, sounds, heights] = ["subtitles", "sound", "height"].map((name) => this.#select(name));
    fill(subtitles, engine.subtitles().map((track) => named(track, subtitles)), 1);
    fill(sounds, engine.sounds().map((track) => named(track, sounds)), 2);
    fill(heights, engine.heights().map((height) => new Option(heights.dataset.words.replace("{height}", height), height)), 2);
    this.#offerSound(isNew && remembered("sound", ""));
    if (isNew) engine.chooseHeight(Number(heights.value));
    choose(subtitles, nearest(subtitles, remembered("subtitles", "")));
    this.#showSubtitles();
  }

  /** Subtitles off, or on in the language that was read last, or that of the page, or any. Returns the choice in words. */
  toggleSubtitles() {
    const select = this.#select("subtitles");
    const wanted = [remembered("subtitles.last", lang), lang].map((id) => nearest(select, id));
    const any = select.options[1]?.value ?? "";
    this.#chooseSubtitles(select.value ? "" : (wanted.find(Boolean) ?? any));
    return select.dataset.words.replace("{choice}", select.selectedOptions[0].text);
  }

  #select(name) {
    return this.#watch.querySelector(`[data-choice="${name}"]`);
  }

  #wire() {
    const on = (name, act) => this.#select(name).addEventListener("change", ({ target }) => act(target.value));
    on("subtitles", (id) => this.#chooseSubtitles(id));
    on("size", (size) => this.#chooseSize(size));
    on("sound", (id) => this.#chooseSound(id));
    on("height", (height) => this.#engine?.chooseHeight(Number(height)));
    on("speed", (speed) => (this.#video.playbackRate = this.#video.defaultPlaybackRate = Number(speed)));
  }

  #wirePanel() {
    const panel = this.#watch.querySelector("[data-settings]");
    document.addEventListener("click", (event) => panel.contains(event.target) || (panel.open = false));
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !panel.open) return;
      panel.open = false;
      panel.querySelector("summary").focus();
    });
  }

  #chooseSubtitles(id) {
    remember("subtitles", id);
    if (id) remember("subtitles.last", id);
    choose(this.#select("subtitles"), id);
    this.#showSubtitles();
  }

  #showSubtitles() {
    const { value, options } = this.#select("subtitles");
    const button = this.#watch.querySelector('[data-control="subtitles"]');
    button.hidden = options.length < 2;
    button.setAttribute("aria-pressed", value !== "");
    this.#engine?.showSubtitles(value);
  }

  #offerSound(wanted) {
    const select = this.#select("sound");
    choose(select, this.#engine.sound());
    if (!wanted || wanted === select.value || !has(select, wanted)) return;
    select.value = wanted;
    this.#engine.chooseSound(wanted);
  }

  #chooseSound(id) {
    remember("sound", id);
    this.#engine?.chooseSound(id);
  }

  #chooseSize(size) {
    remember("subtitles.size", size);
    this.#watch.dataset.subtitleSize = size;
  }

  #restoreSize() {
    const select = this.#select("size");
    choose(select, remembered("subtitles.size", select.value));
    this.#watch.dataset.subtitleSize = select.value;
  }
}

/** Put options after those that stand in the page, keep the choice, and hide it all where there are too few to choose from. */
function fill(select, options, fewest) {
  const { value } = select;
  const fixed = [...select.options].filter((option) => option.defaultSelected);
  select.replaceChildren(...fixed, ...options);
  choose(select, value);
  select.closest("label").hidden = options.length < fewest;
}

/** A track's option, named by its language in the language of the page. */
function named({ id, language, name, special }, select) {
  const plain = language ? capital(languageNames.of(language)) : name;
  return new Option(special ? select.dataset.special.replace("{language}", plain) : plain, id);
}

function capital(word) {
  return word.charAt(0).toLocaleUpperCase(lang) + word.slice(1);
}

function has(select, value) {
  return [...select.options].some((option) => option.value === value);
}

function choose(select, value) {
  if (has(select, value)) select.value = value;
  else select.selectedIndex = 0;
}

/** This track, or else one of the same language, or "". */
function nearest(select, id) {
  if (has(select, id)) return id;
  return [...select.options].map((option) => option.value).find((value) => value && bare(value) === bare(id)) ?? "";
}

function bare(id) {
  return id.replace("+", "");
}
