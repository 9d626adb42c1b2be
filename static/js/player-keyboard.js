// The player's keys. They work wherever the focus is in nobody else's hands: inside the player, or on nothing.

const SEEK_S = 5;
const VOLUME_STEP = 0.1;

/** Let keys act on the controls while the focus is inside `frame` or on the page itself, as it is after a press on the picture. */
export function wireKeyboard(frame, controls) {
  document.addEventListener("keydown", (event) => {
    const isOurs = frame.contains(event.target) || event.target === document.body;
    const act = isOurs && controls.areShown && actionOf(event, controls);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function actionOf(event, controls) {
  const { key, code, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("select, dialog")) return undefined;
  const tenths = code.match(/^Digit(\d)$/)?.[1] ?? key.match(/^\d$/)?.[0]; // by its place: French keyboards want the shift key for digits
  if (tenths) return () => controls.seekToShare(Number(tenths) / 10);
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
