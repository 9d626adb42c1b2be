// Suggestions as one types: links under the box, reached with the arrow keys. Without script the box is a form.

const PAUSE_MS = 120;
const box = document.querySelector("input[data-suggestions]");
const panel = box.form.querySelector(".suggestions");
let waiting = 0;
let asked = null;

async function suggest() {
  const question = box.value.trim();
  asked?.abort();
  if (question.length < 2) return close();
  asked = new AbortController();
  try {
    const answer = await fetch(`${box.dataset.suggestions}?q=${encodeURIComponent(question)}`, { signal: asked.signal });
    if (!answer.ok) return close();
    // ast-grep-ignore: no-page-from-text  // a template of ours escaped each word of it
    panel.innerHTML = await answer.text();
    panel.hidden = !panel.firstElementChild;
  } catch (error) {
    if (error.name !== "AbortError") close();
  }
}

function close() {
  panel.hidden = true;
}

function move(event) {
  if (event.key === "Escape" && !panel.hidden) {
    close();
    box.focus();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !panel.hidden) {
    const stops = [box, ...panel.querySelectorAll("a")];
    const here = stops.indexOf(document.activeElement);
    const step = event.key === "ArrowDown" ? 1 : -1;
    stops[(here + step + stops.length) % stops.length].focus();
  } else {
    return;
  }
  event.preventDefault();
}

box.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(suggest, PAUSE_MS);
});
box.form.addEventListener("keydown", move);
box.form.addEventListener("focusout", (event) => {
  if (!box.form.contains(event.relatedTarget)) close();
});
