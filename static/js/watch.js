// The player page before play is pressed. Its buttons appear once they can work; pressing one fetches the player.

const watch = document.querySelector("[data-watch]");
const video = watch.querySelector("video");
const failure = watch.querySelector('[data-message="load"]');
const hasMediaSource = Boolean(window.ManagedMediaSource ?? window.MediaSource);
const hasAirPlay = "WebKitPlaybackTargetAvailabilityEvent" in window; // which wants playlists that the browser plays by itself
const native = !hasMediaSource || hasAirPlay;
const canPlay = !native || video.canPlayType("application/vnd.apple.mpegurl") !== "";

/** Begin to fetch what the player needs next. */
function fetchAhead(href) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
}

/** Ask the shop for a stream; the first time while the player is on its way. */
function ask(consent) {
  const { start, csrf } = watch.dataset;
  const fields = { csrf_token: csrf, ...(consent && { consentement: "oui" }), ...(native && { lecteur: "natif" }) };
  const asked = fetch(start, { method: "POST", body: new URLSearchParams(fields) });
  asked.catch(() => {}); // the player says so, once it is there
  return asked;
}

async function begin(button) {
  if (button.disabled) return;
  button.disabled = failure.hidden = true;
  watch.toggleAttribute("data-waiting", true);
  video.load(); // Safari: what a press has touched may sound later
  const consent = button.dataset.play === "consent";
  const asked = canPlay && ask(consent);
  if (!native) fetchAhead(watch.dataset.engine);
  try {
    const { open } = await import(watch.dataset.player);
    await open(watch, { native, consent, asked, ask });
  } catch {
    button.disabled = failure.hidden = false;
    watch.toggleAttribute("data-waiting", false);
    addEventListener("online", () => begin(button), { once: true });
  }
}

for (const button of watch.querySelectorAll("[data-play]")) {
  button.hidden = false;
  button.addEventListener("click", () => begin(button));
}
