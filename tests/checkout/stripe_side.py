"""What happens on Stripe's side of a test, by the sandbox's control interface."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

PAYS, IS_DECLINED, ASKS_THE_BANK = "4242424242424242", "4000000000000002", "4000002500003155"
DEBIT = "FR1420041010050500013M02606"


def act(sandbox: str, path: str, **fields: object) -> dict:
    """One act; returns what the sandbox answers."""
    request = Request(f"{sandbox}/_sandbox/{path}", urlencode(fields).encode(), method="POST")
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def pay(sandbox: str, session_id: str, card: str = PAYS) -> str:
    """An attempt to pay; returns its status."""
    return act(sandbox, f"pay/{session_id}", card=card)["status"]


def announce_debit(sandbox: str, session_id: str) -> str:
    """A bank debit, announced and not settled; returns its PaymentIntent."""
    answer = act(sandbox, f"pay/{session_id}", card=DEBIT)
    assert answer["status"] == "processing"
    return answer["payment_intent"]


def end_debit(sandbox: str, payment_intent: str, outcome: str) -> None:
    """The bank pays (`succeeded`) or does not (`failed`)."""
    act(sandbox, f"settle/{payment_intent}", outcome=outcome)


def signed(body: bytes, secret: str = "whsec_sandbox", age_s: int = 0) -> dict[str, str]:
    """The headers with which Stripe sends an event that it signed so many seconds ago."""
    timestamp = str(int(time.time()) - age_s)
    signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={timestamp},v1={signature}", "Content-Type": "application/json"}
