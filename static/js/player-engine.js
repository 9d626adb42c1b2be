// What turns playlists into a picture: hls.js where it may, else the browser itself. Both offer the same.

const BUFFER_S = 30;
const LONGEST_BUFFER_S = 60; // with the token's 120 s this is how long a film can outlast its refund
const USUAL_BITS_PER_S = 2_000_000; // until the first segments have shown how fast they come
const MEDIA_RECOVERY_MS = 10_000;
const LONGEST_PAUSE_MS = 2_000; // before a segment that did not come is asked for again

const IN_PICTURE = "public.accessibility.describes-video";
const OF_SOUNDS = "public.accessibility.describes-music-and-sound";

/**
 * Show a stream in the video element. `told.ready(engine)` comes when its qualities, sounds and subtitles are known or
 * change, `told.stumble(kind)` when something did not arrive and is asked for again, `told.trouble(kind, mend)` when it
 * cannot go on by itself: "network" or "shop", whichever is to blame, with what to call once it is back; or "media".
 * The stream hears by `miss(address)` which file did not arrive.
 */
export async function openEngine(video, address, stream, told) {
  if (stream.native) return new NativeEngine(video, stream, told);
  const { default: Hls } = await import(address);
  return new HlsEngine(Hls, video, stream, told);
}

class HlsEngine {
  #hls;
  #video;
  #subtitles = "";
  #mediaErrorAt = -Infinity;

  constructor(Hls, video, stream, told) {
    const hls = new Hls({
      enableWorker: false, // our segments need no remuxing, and a worker would load the library a second time
      maxBufferLength: BUFFER_S,
      maxMaxBufferLength: LONGEST_BUFFER_S,
      backBufferLength: BUFFER_S,
      capLevelToPlayerSize: true,
      abrEwmaDefaultEstimate: USUAL_BITS_PER_S,
      fragLoadPolicy: impatient(Hls.DefaultConfig.fragLoadPolicy),
      renderTextTracksNatively: false, // its own <track> elements need data: addresses, which our policy refuses
      startFragPrefetch: true,
      startPosition: stream.position,
      xhrSetup: (xhr, url) => xhr.open("GET", stream.signed(url)),
    });
    const { Events, ErrorTypes } = Hls;
    const ready = () => queueMicrotask(() => told.ready(this)); // it makes its own choice first
    for (const known of [Events.MANIFEST_PARSED, Events.SUBTITLE_TRACKS_UPDATED, Events.AUDIO_TRACK_SWITCHED]) {
      hls.on(known, ready);
    }
    hls.on(Events.CUES_PARSED, (_event, { cues, subtitleTrack }) => {
      addCues(video, describedSubtitles(subtitleTrack), cues);
      showTexts(video, this.#subtitles);
    });
    hls.on(Events.ERROR, (_event, error) => {
      const isMissing = error.type === ErrorTypes.NETWORK_ERROR;
      if (isMissing) stream.miss(error.frag?.url ?? error.url);
      if (!error.fatal) return isMissing && told.stumble(blamed(error));
      if (isMissing) told.trouble(blamed(error), () => this.#reload(error, stream));
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

  /** Play in this height from here on, whatever is buffered; 0 leaves the choice to the engine. */
  chooseHeight(height) {
    if (height) this.#hls.currentLevel = this.#hls.levels.findIndex((level) => level.height === height);
    else this.#hls.nextLevel = -1;
  }

  /** The sounds that one can choose from: `{ id, language, name, special }`, `special` for one that describes the picture. */
  sounds() {
    return this.#hls.audioTracks.map(describedSound);
  }

  /** The id of the sound that plays, "" if there is none. */
  sound() {
    return this.sounds()[this.#hls.audioTrack]?.id ?? "";
  }

  chooseSound(id) {
    this.#hls.audioTrack = this.sounds().findIndex((sound) => sound.id === id);
  }

  /** The subtitles there are, in the same form; `special` are those that write down what one hears. */
  subtitles() {
    return this.#hls.subtitleTracks.map(describedSubtitles);
  }

  /** Show the subtitles of this id; "" shows none. */
  showSubtitles(id) {
    this.#subtitles = id;
    this.#hls.subtitleTrack = this.subtitles().findIndex((subtitles) => subtitles.id === id);
    showTexts(this.#video, id);
  }

  /** Ask at once for what did not arrive. */
  hurry() {
    this.#hls.startLoad();
  }

  close() {
    this.#hls.destroy();
  }

  #reload(error, stream) {
    if (error.details.startsWith("manifest")) this.#hls.loadSource(stream.manifest);
    else this.hurry();
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
    const ready = () => told.ready(this);
    video.addEventListener("loadedmetadata", () => (video.currentTime = start), { signal, once: true });
    video.addEventListener("error", () => told.trouble(hasBadPicture(video) ? "media" : "network"), { signal });
    for (const tracks of [video.textTracks, video.audioTracks]) {
      for (const event of ["addtrack", "change"]) tracks?.addEventListener(event, ready, { signal });
    }
    this.#video = video;
    video.src = stream.manifest;
    ready();
  }

  heights() {
    return [];
  }

  chooseHeight() {}

  sounds() {
    return this.#sounds.map(describedNative);
  }

  sound() {
    return this.sounds()[this.#sounds.findIndex((track) => track.enabled)]?.id ?? "";
  }

  chooseSound(id) {
    for (const track of this.#sounds) track.enabled = describedNative(track).id === id;
  }

  subtitles() {
    return textTracks(this.#video).map(describedNative);
  }

  showSubtitles(id) {
    showTexts(this.#video, id);
  }

  hurry() {} // the browser does as it likes

  close() {
    this.#ended.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  get #sounds() {
    return [...(this.#video.audioTracks ?? [])];
  }
}

function impatient({ default: policy }) {
  return { default: { ...policy, errorRetry: { ...policy.errorRetry, maxRetryDelayMs: LONGEST_PAUSE_MS } } };
}

/** Who is to blame for what did not arrive: a shop that answers, but not with what it should. */
function blamed({ response }) {
  return response?.code === 404 || response?.code >= 500 ? "shop" : "network";
}

function hasBadPicture(video) {
  return video.error?.code === MediaError.MEDIA_ERR_DECODE;
}

function describedSound({ lang, name, characteristics }) {
  return described(lang, name, (characteristics ?? "").includes(IN_PICTURE));
}

function describedSubtitles({ lang, name, characteristics }) {
  return described(lang, name, (characteristics ?? "").includes(OF_SOUNDS));
}

function describedNative({ kind, label, language }) {
  return described(language, label, ["captions", "descriptions", "description", "main-desc"].includes(kind));
}

function described(language = "", name = "", special = false) {
  return { id: `${language || name}${special ? "+" : ""}`, language, name, special };
}

function textTracks(video) {
  return [...video.textTracks].filter((track) => track.kind === "subtitles" || track.kind === "captions");
}

/** Let the browser draw one of the texts; the others stay, out of sight. */
function showTexts(video, id) {
  for (const track of textTracks(video)) track.mode = describedNative(track).id === id ? "showing" : "hidden";
}

/** Add subtitles that were fetched; a segment may bring some that the one before it brought. */
function addCues(video, { id, language, name, special }, cues) {
  const known = textTracks(video).find((track) => describedNative(track).id === id);
  const track = known ?? video.addTextTrack(special ? "captions" : "subtitles", name, language);
  if (track.mode === "disabled") track.mode = "hidden";
  for (const cue of cues) if (!track.cues.getCueById(cue.id)) track.addCue(cue);
}
