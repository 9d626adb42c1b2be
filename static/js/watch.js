// The player page before play is pressed. Its buttons appear once they can work; pressing one fetches the player.

const watch = document.querySelector("[data-watch]");
const hasMediaSource = Boolean(window.ManagedMediaSource ?? window.MediaSource);

async function begin(button) {
  button.disabled = true;
  watch.toggleAttribute("data-waiting", true);
  watch.querySelector("video").load(); // Safari: what a press has touched may sound later
  try {
    if (hasMediaSource) import(watch.dataset.engine).catch(() => {}); // the player needs it next: begin to fetch it
    const { open } = await import(watch.dataset.player);
    await open(watch, button.dataset.play === "consent");
  } catch {
    watch.toggleAttribute("data-waiting", false);
    watch.querySelector('[data-message="load"]').hidden = false;
  }
}

for (const button of watch.querySelectorAll("[data-play]")) {
  button.hidden = false;
  button.addEventListener("click", () => begin(button));
}
