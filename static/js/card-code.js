// A link or a QR code carries a card's code after "#", which browsers send nowhere. Move it from the address into the box.

const CODE = /^[0-9a-z]{5}(?:-?[0-9a-z]{5}){3}$/i;

function moveCode() {
  const code = location.hash.slice(1);
  const box = document.querySelector('input[name="code"]:not([type="hidden"])');
  if (!box || !CODE.test(code)) return;
  box.value = code.toUpperCase();
  history.replaceState(null, "", location.pathname + location.search);
}

addEventListener("hashchange", moveCode);
moveCode();
