// The player page before play is pressed. Its buttons appear once they can work; pressing one fetches the player.

const watch = document.querySelector("[data-watch]");
const video = watch.querySelector("video");
const failure = watch.querySelector('[data-message="load"]');
const hasMediaSource = Boolean(window.ManagedMediaSource ?? window.MediaSource);
const hasAirPlay = "WebKitPlaybackTargetAvailabilityEvent" in window; // which wants playlists that the browser plays by itself
const native = !hasMediaSource || hasAirPlay;

/** Begin to fetch what the player needs next. */
function fetchAhead(href) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
}

async function begin(button) {
  if (button.disabled) return;
  button.disabled = failure.hidden = true;
  watch.toggleAttribute("data-waiting", true);
  video.load(); // Safari: what a press has touched may sound later
  try {
    if (!native) fetchAhead(watch.dataset.engine);
    const { open } = await import(watch.dataset.player);
    await open(watch, { native, consent: button.dataset.play === "consent" });
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
