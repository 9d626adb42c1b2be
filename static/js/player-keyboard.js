// The player's keys. They work while the focus is inside the player, so that they are in nobody's way elsewhere.

const SEEK_S = 5;
const VOLUME_STEP = 0.1;

/** Let keys act on the controls while the focus is inside `frame`. */
export function wireKeyboard(frame, controls) {
  frame.addEventListener("keydown", (event) => {
    const act = actionOf(event, controls);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function actionOf(event, controls) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("select, dialog")) return undefined;
  if (key >= "0" && key <= "9" && key.length === 1) return () => controls.seekToShare(Number(key) / 10);
  if (key === " " && target.closest("button, summary, a")) return undefined; // the focused control's own key
  if (key.startsWith("Arrow") && target.matches('[data-control="volume"]')) return undefined;
  return {
    " ": () => controls.togglePlay(),
    ArrowLeft: () => controls.seekBy(-SEEK_S),
    ArrowRight: () => controls.seekBy(SEEK_S),
    ArrowUp: () => controls.changeVolume(VOLUME_STEP),
    ArrowDown: () => controls.changeVolume(-VOLUME_STEP),
    f: () => controls.toggleFullScreen(),
    m: () => controls.toggleMuted(),
    c: () => controls.toggleSubtitles(),
    "?": () => controls.showHelp(),
  }[key.length === 1 ? key.toLowerCase() : key];
}
