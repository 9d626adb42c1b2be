"""Refunds: asked for by the shop or in the dashboard; made at once, later, or not at all."""

from .balance import book
from .conduct import REFUNDS, SETTLES_AFTER_S
from .events import play
from .parameters import Params, metadata
from .refusal import Refusal
from .state import Object, State

SIGNS = {"eur": "€", "usd": "$", "chf": "CHF", "gbp": "£"}


def create(state: State, params: Params, _: str) -> Object:
    """The refund that the shop asks for; how it goes depends on the test card that paid."""
    charge = charge_of(state, params)
    method = state.hidden("payment_method", charge["payment_method"])
    return give_back(state, charge, params, method.get("refunds", "succeeded"))


def create_in_dashboard(state: State, params: Params, intent_id: str) -> Object:
    """A refund that the shop does not know of; an `outcome` of `failed` comes at once."""
    outcome = params.pop("outcome", "succeeded")
    refund = give_back(state, charge_of(state, {"payment_intent": intent_id}), params, outcome)
    return settle(state, "failed", refund["id"]) if outcome == "failed" else refund


def charge_of(state: State, params: Params) -> Object:
    """The charge to refund, named by itself or by its PaymentIntent."""
    if "charge" in params:
        charge = state.get("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        intent = state.get("payment_intent", params["payment_intent"], "payment_intent")
        charge = state.get("charge", intent["latest_charge"]) if intent["latest_charge"] else intent
    else:
        raise Refusal("One of the following params should be provided for this request: payment_intent or charge.")
    if charge["status"] != "succeeded":
        intent_id = charge.get("payment_intent", charge["id"])
        raise Refusal(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return charge


def give_back(state: State, charge: Object, params: Params, outcome: str) -> Object:
    """The refund of `amount` cents, or of all that is left of the charge."""
    amount = amount_left(state, charge, params.get("amount"))
    rule = REFUNDS[outcome]
    refund = state.add(
        "refund",
        **{name: charge[name] for name in ("currency", "customer", "payment_intent", "payment_method")},
        amount=amount,
        charge=charge["id"],
        metadata=metadata(params),
        pending_reason="processing" if rule["status"] == "pending" else None,
        reason=params.get("reason"),
        status=rule["status"],
    )
    kind = "payment_refund" if charge["payment_method_details"]["type"] == "sepa_debit" else "refund"
    refund["balance_transaction"] = book(state, kind, refund, -amount)["id"]
    count_refunded(charge, amount)
    play(state, "refund.created", refund=refund, charge=charge)
    if "then" in rule:
        state.plan(state.now() + SETTLES_AFTER_S, f"settle {rule['then']}", refund["id"])
    return refund


def amount_left(state: State, charge: Object, asked: int | None) -> int:
    """What is asked for, or else the rest; refused where the bank has taken it back, or above the rest."""
    disputes = state.select("dispute", {"json_extract(body, '$.payment_intent') = ?": charge["payment_intent"]})
    if any(dispute["status"] != "won" for dispute in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise Refusal(message, "charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if asked and asked > left:
        sums = [f"{SIGNS[charge['currency']]}{cents / 100:.2f}" for cents in (asked, left)]
        message = f"Refund amount ({sums[0]}) is greater than unrefunded amount on charge ({sums[1]})"
        raise Refusal(message, param="amount")
    return asked or left


def count_refunded(charge: Object, cents: int) -> None:
    """Add to what the charge was refunded, or take away from it."""
    charge["amount_refunded"] += cents
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def settle(state: State, outcome: str, refund_id: str) -> Object:
    """The end of a refund: it `succeeded`, or it `failed`, even after it had succeeded; the money then comes back."""
    refund = state.get("refund", refund_id)
    if refund["status"] not in ("pending", "succeeded") or outcome == refund["status"]:
        raise Refusal(f"This refund has {refund['status']} already.", "refund_unexpected_state")
    charge = state.get("charge", refund["charge"])
    if outcome == "failed":
        refund["failure_balance_transaction"] = book(state, "refund_failure", refund, refund["amount"])["id"]
        count_refunded(charge, -refund["amount"])
    play(state, f"refund.{outcome}", refund=refund, charge=charge)
    return refund
