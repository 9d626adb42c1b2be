// Plays a trailer or a test clip, once it is asked for, in the place of the one before.

let engine = null;

/** Play the excerpt of this name, from its template, below the links of `excerpts`. */
export async function play(excerpts, name) {
  engine?.close();
  engine = null;
  const screen = excerpts.querySelector(".film-screen") ?? excerpts.appendChild(document.createElement("div"));
  screen.className = "film-screen";
  screen.replaceChildren(excerpts.querySelector(`template[data-of="${name}"]`).content.cloneNode(true));
  const video = screen.querySelector("video");
  if (video.dataset.playlist) await openClip(screen, video);
  video.focus();
  video.play().catch(() => {}); // the browser wants another press: the controls are there
}

async function openClip(screen, video) {
  const { playlist, engine: address, library } = video.dataset;
  const native = !(window.ManagedMediaSource ?? window.MediaSource);
  const stream = { native, position: 0, manifest: playlist, signed: (url) => url, miss() {} };
  const fail = () => {
    screen.querySelector(".film-trouble").hidden = false;
    screen.querySelector(".film-said").hidden = true;
  };
  try {
    const { openEngine } = await import(address);
    engine = await openEngine(video, library, stream, { ready: (it) => offerTexts(screen, it), stumble() {}, trouble: fail });
  } catch {
    fail();
  }
}

/** Let one choose among the subtitles that the clip has, in their own words. */
function offerTexts(screen, it) {
  const choice = screen.querySelector("[data-texts]");
  for (const { id, name, language } of it.subtitles()) {
    if ([...choice.options].some((option) => option.value === id)) continue;
    choice.add(new Option(name || language, id));
  }
  choice.closest("p").hidden = choice.options.length < 2;
  choice.onchange = () => it.showSubtitles(choice.value);
}
