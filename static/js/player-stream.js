// The conversation with the shop: opening a stream, and renewing it with the position for as long as it runs.

const TOKEN = /\/media\/[^/]+\//;
const NAME = /\/media\/[^/]+\/[^/]+\/[^/]+\/([^?#]+)/; // of a file, below its film's version
const FINAL = new Set([400, 401, 403, 404, 409, 422]);

/** The shop answers, but not as it should. */
class Unwell extends Error {
  kind = "shop";
}

/** The shop says no: `reason` names one of the page's messages, `streams` are those that hold the places. */
export class Refused extends Error {
  constructor(reason, streams) {
    super(reason);
    this.reason = reason;
    this.streams = streams;
  }
}

/**
 * A stream of the shop's. `position` is where the film is, in seconds; `manifest` is the address with the newest token;
 * a `native` one is played by the browser itself, which cannot change addresses: its token is good for the whole session.
 */
export class Stream {
  #renewAddress;
  #csrf;
  #sequence = 0;
  #missed = "";

  constructor(answer, csrf, native) {
    this.native = native;
    this.position = answer.position_s;
    this.manifest = answer.manifest;
    this.#renewAddress = answer.renew;
    this.#csrf = csrf;
  }

  /** The stream that the shop was `asked` for; throws Refused, or what the network threw. */
  static async open(asked, csrf, native) {
    return new Stream(await answerOf(asked), csrf, native);
  }

  /** Tell where the film is and take a new token; survives the page, so that it may be the last thing that it does. */
  async renew() {
    const failed = this.#missed;
    const fields = { position_s: Math.floor(this.position), sequence: ++this.#sequence, ...(failed && { failed }) };
    this.manifest = (await post(this.#renewAddress, this.#csrf, fields)).manifest;
    if (failed === this.#missed) this.#missed = "";
  }

  /** Note that a file did not come, from wherever films lie: the next renewal says so, and the shop looks for it itself. */
  miss(address = "") {
    this.#missed = address.match(NAME)?.[1] ?? this.#missed;
  }

  /** The address with the newest token in place of the one that it was written with. */
  signed(address) {
    return address.replace(TOKEN, this.manifest.match(TOKEN)[0]);
  }
}

/** End another stream of the same customer. */
export async function stopStream(address, csrf) {
  await post(address, csrf, {});
}

function post(address, csrf, fields) {
  const body = new URLSearchParams({ ...fields, csrf_token: csrf });
  return answerOf(fetch(address, { method: "POST", body, keepalive: true }));
}

async function answerOf(asked) {
  const response = await asked;
  if (response.ok) return response.status === 204 ? {} : response.json();
  if (!FINAL.has(response.status)) throw new Unwell(`${response.url}: ${response.status}`);
  const { reason = "signed_out", streams } = await response.json().catch(() => ({}));
  throw new Refused(reason, streams);
}
