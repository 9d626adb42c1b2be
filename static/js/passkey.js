// A passkey answers in the browser; its form then sends the answer like any other field.

const canAnswer = "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;
const REFUSED_FORM = 422;

async function ask(button) {
  const fields = new URLSearchParams();
  for (const name of ["csrf_token", "email", "name"]) {
    const field = button.form.elements.namedItem(name);
    if (field) fields.set(name, field.value);
  }
  return fetch(button.dataset.question, { method: "POST", body: fields });
}

async function answerTo(options, kind) {
  const publicKey = kind === "create"
    ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
    : PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials[kind]({ publicKey });
  return JSON.stringify(credential.toJSON());
}

async function press(button) {
  const complaint = button.parentElement.querySelector("[role=alert]");
  const answer = button.form.elements.namedItem("passkey");
  complaint.hidden = true;
  button.disabled = true;
  try {
    const question = await ask(button);
    if (question.status === REFUSED_FORM) answer.value = "-"; // sent as it is, the form comes back with what is wrong beside its fields
    else if (question.ok) answer.value = await answerTo(await question.json(), button.dataset.passkey);
    else throw new Error(String(question.status));
    button.form.submit();
  } catch {
    complaint.hidden = false;
    button.disabled = false;
  }
}

for (const button of canAnswer ? document.querySelectorAll("[data-passkey]") : []) {
  button.parentElement.hidden = false;
  button.addEventListener("click", () => press(button));
}
