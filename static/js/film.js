// The film page: excerpts play where one is, a list of films for later is kept at once, the page's address goes where one wants.

const excerpts = document.querySelector("[data-excerpts]");
const list = document.querySelector("form[data-list]");
const share = document.querySelector("[data-share]");

for (const link of excerpts?.querySelectorAll("[data-excerpt]") ?? []) {
  link.hidden = false;
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { play } = await import(excerpts.dataset.excerpts);
    play(excerpts, link.dataset.excerpt);
  });
}

/** Show the film as on the list, or not, before the shop has heard of it; back if it did not. */
list?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = list.querySelector("button");
  const body = new URLSearchParams(new FormData(list));
  const wanted = list.garder.value === "oui";
  const show = (isOn) => {
    button.ariaPressed = isOn;
    list.garder.value = isOn ? "non" : "oui";
  };
  show(wanted);
  const headers = { Accept: "application/json" };
  const answer = await fetch(list.action, { method: "POST", body, headers, redirect: "manual" }).catch(() => null);
  if (answer?.status === 204) return;
  show(!wanted);
  if (answer) location.reload(); // signed out, or a list that is full: the page then says so
});

if (share) {
  const { title, address } = share.dataset;
  const [copy, send, copied] = ["copy", "send", "copied"].map((name) => share.querySelector(`[data-${name}]`));
  copy.hidden = !navigator.clipboard;
  send.hidden = !navigator.share;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(address);
    copied.hidden = false;
  });
  send.addEventListener("click", () => navigator.share({ title, url: address }).catch(() => {})); // or nobody was chosen
}
