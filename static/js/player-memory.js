// What the player remembers in this browser: subtitles, their size, the volume. Where nothing may be kept, nothing is.

const PREFIX = "player.";

/** The value kept under this name, or `otherwise`. */
export function remembered(name, otherwise) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a value under this name. */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // private windows: the choice holds for this page
  }
}
