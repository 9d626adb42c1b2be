// What turns playlists into a picture: hls.js where there is Media Source, else the browser itself. Both offer the same.

const BUFFER_S = 30;
const LONGEST_BUFFER_S = 60; // with the token's 120 s this is how long a film can outlast its refund
const USUAL_BITS_PER_S = 2_000_000; // until the first segments have shown how fast they come
const MEDIA_RECOVERY_MS = 10_000;

/** Whether this browser has no Media Source, and so must play the playlists by itself. */
export function isNative() {
  return !(window.ManagedMediaSource ?? window.MediaSource);
}

/** Whether this browser can play our films at all. */
export function canPlay(video) {
  return !isNative() || video.canPlayType("application/vnd.apple.mpegurl") !== "";
}

/**
 * Show a stream in the video element. `told.ready(engine)` comes when its qualities and subtitles are known or change,
 * `told.stumble()` when something did not arrive and is asked for again, `told.trouble(kind, mend)` when it cannot go on
 * by itself: "network" with what to call once it is back, or "media".
 */
export async function openEngine(video, address, stream, told) {
  if (isNative()) return new NativeEngine(video, stream, told);
  const { default: Hls } = await import(address);
  return new HlsEngine(Hls, video, stream, told);
}

class HlsEngine {
  #hls;
  #video;
  #language = "";
  #mediaErrorAt = -Infinity;

  constructor(Hls, video, stream, told) {
    const hls = new Hls({
      enableWorker: false, // our segments need no remuxing, and a worker would load the library a second time
      maxBufferLength: BUFFER_S,
      maxMaxBufferLength: LONGEST_BUFFER_S,
      backBufferLength: BUFFER_S,
      capLevelToPlayerSize: true,
      abrEwmaDefaultEstimate: USUAL_BITS_PER_S,
      renderTextTracksNatively: false, // its own <track> elements need data: addresses, which our policy refuses
      startPosition: stream.position,
      xhrSetup: (xhr, url) => xhr.open("GET", stream.signed(url)),
    });
    const { Events, ErrorTypes } = Hls;
    hls.on(Events.MANIFEST_PARSED, () => told.ready(this));
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => queueMicrotask(() => told.ready(this))); // it makes its own choice first
    hls.on(Events.CUES_PARSED, (_event, { cues, subtitleTrack }) => {
      addCues(video, subtitleTrack, cues);
      showTexts(video, this.#language);
    });
    hls.on(Events.ERROR, (_event, error) => {
      if (!error.fatal) return error.type === ErrorTypes.NETWORK_ERROR && told.stumble();
      if (error.type === ErrorTypes.NETWORK_ERROR) told.trouble("network", () => this.#reload(error, stream));
      else if (error.type !== ErrorTypes.MEDIA_ERROR || !this.#recover()) told.trouble("media");
    });
    this.#hls = hls;
    this.#video = video;
    hls.loadSource(stream.manifest);
    hls.attachMedia(video);
  }

  /** The heights in pixels that one can choose from, largest first. */
  heights() {
    return [...new Set(this.#hls.levels.map((level) => level.height))].sort((a, b) => b - a);
  }

  /** Play in this height; 0 leaves the choice to the engine. */
  chooseHeight(height) {
    this.#hls.nextLevel = height ? this.#hls.levels.findIndex((level) => level.height === height) : -1;
  }

  /** Show the subtitles of this language; "" shows none. */
  showSubtitles(language) {
    this.#language = language;
    this.#hls.subtitleTrack = this.#hls.subtitleTracks.findIndex((track) => track.lang === language);
    showTexts(this.#video, language);
  }

  close() {
    this.#hls.destroy();
  }

  #reload(error, stream) {
    if (error.details.startsWith("manifest")) this.#hls.loadSource(stream.manifest);
    else this.#hls.startLoad();
  }

  /** Decoders stumble now and then; one that stumbles again at once cannot play this film. */
  #recover() {
    if (performance.now() - this.#mediaErrorAt < MEDIA_RECOVERY_MS) return false;
    this.#mediaErrorAt = performance.now();
    this.#hls.recoverMediaError();
    return true;
  }
}

class NativeEngine {
  #video;
  #ended = new AbortController();

  constructor(video, stream, told) {
    const { signal } = this.#ended;
    const start = stream.position;
    video.addEventListener("loadedmetadata", () => (video.currentTime = start), { signal, once: true });
    video.addEventListener("error", () => told.trouble("network"), { signal });
    video.textTracks.addEventListener("addtrack", () => told.ready(this), { signal });
    this.#video = video;
    video.src = stream.manifest;
    told.ready(this);
  }

  heights() {
    return [];
  }

  chooseHeight() {}

  showSubtitles(language) {
    showTexts(this.#video, language);
  }

  close() {
    this.#ended.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }
}

/** Let the browser draw the texts of one language; those of the others stay, out of sight. */
function showTexts(video, language) {
  for (const track of video.textTracks) track.mode = track.language === language ? "showing" : "hidden";
}

/** Add subtitles that were fetched; a segment may bring some that the one before it brought. */
function addCues(video, { lang, name }, cues) {
  const known = [...video.textTracks].find((track) => track.language === lang);
  const track = known ?? video.addTextTrack("subtitles", name, lang);
  if (track.mode === "disabled") track.mode = "hidden";
  for (const cue of cues) if (!track.cues.getCueById(cue.id)) track.addCue(cue);
}
