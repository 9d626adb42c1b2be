"""Disputes: the customer's bank takes back what was not refunded, and gives it back if the shop is right."""

from .balance import book
from .events import play
from .parameters import Params
from .refunds import charge_of
from .refusal import Refusal
from .state import Object, State

ANSWER_WITHIN_S = 7 * 86_400


def dispute(state: State, params: Params, intent_id: str) -> Object:
    """Open the dispute of a payment, or bring an open one to its end: `outcome` = `open`, `won` or `lost`."""
    charge = charge_of(state, {"payment_intent": intent_id})
    known = state.select("dispute", {"json_extract(body, '$.payment_intent') = ?": intent_id})
    if known and (params["outcome"] == "open" or known[0]["status"] != "needs_response"):
        raise Refusal(f"This payment's dispute is {known[0]['status']} already.", "dispute_unexpected_state")
    disputed = known[0] if known else open_dispute(state, charge)
    if params["outcome"] != "open":
        close(state, disputed, charge, params["outcome"])
    return disputed


def open_dispute(state: State, charge: Object) -> Object:
    """The bank takes back what of the charge was not refunded, and Stripe takes its fee."""
    amount = charge["amount"] - charge["amount_refunded"]
    if amount == 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    opened = state.add(
        "dispute",
        **{name: charge[name] for name in ("currency", "payment_intent")},
        amount=amount,
        charge=charge["id"],
    )
    opened["evidence_details"]["due_by"] = opened["created"] + ANSWER_WITHIN_S
    opened["balance_transactions"] = [book(state, "dispute", opened, -amount)]
    play(state, "dispute.open", dispute=opened, charge=charge)
    return opened


def close(state: State, disputed: Object, charge: Object, outcome: str) -> None:
    """The end: `won` brings the money back, but not the fee; `lost` does not."""
    if outcome == "won":
        disputed["balance_transactions"].append(book(state, "dispute_reversal", disputed, disputed["amount"]))
        disputed["is_charge_refundable"] = True
    play(state, f"dispute.{outcome}", dispute=disputed, charge=charge)
