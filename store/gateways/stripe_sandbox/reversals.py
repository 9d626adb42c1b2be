"""Charges reversed: by refunds, from the shop or from the dashboard, and by disputes; together never more than the charge."""

from .scenes import book, play
from .state import State
from .tables import CONDUCT, Object, Refusal

ANSWER_WITHIN_S = 7 * 86_400


def refund(state: State, params: Object, _: str) -> Object:
    """The refund that the shop asks for; how it goes depends on the test card that paid."""
    charge = charge_of(state, params)
    method = state.hidden("payment_method", charge["payment_method"])
    return give_back(state, charge, params, method.get("refunds", "succeeded"))


def charge_of(state: State, params: Object) -> Object:
    """The charge that took the money, named by itself or by its PaymentIntent."""
    if "charge" in params:
        charge = state.get("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        intent = state.get("payment_intent", params["payment_intent"], "payment_intent")
        charge = state.get("charge", intent["latest_charge"])
    else:
        raise Refusal("One of the following params should be provided for this request: payment_intent or charge.")
    if charge["status"] != "succeeded":
        raise Refusal(f"This PaymentIntent ({charge['payment_intent']}) does not have a successful charge to refund.")
    return charge


def give_back(state: State, charge: Object, params: Object, outcome: str) -> Object:
    """The refund of `amount` cents, or of all that is left of the charge; `outcome` is a row of `conduct.json`."""
    left, rule = amount_left(charge), CONDUCT["refunds"][outcome]
    amount = params.get("amount", left)
    if any(dispute["status"] != "won" for dispute in state.of_intent("dispute", charge["payment_intent"])):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise Refusal(message, "charge_disputed")
    if amount > left:
        sign = CONDUCT["currencies"][charge["currency"]]["sign"]
        message = f"Refund amount ({sign}{amount / 100:.2f}) is greater than unrefunded amount on charge "
        raise Refusal(f"{message}({sign}{left / 100:.2f})", param="amount")
    made = state.add("refund", charge | params, **rule["facts"], amount=amount, charge=charge["id"])
    debit = charge["payment_method_details"]["type"] == "sepa_debit"
    made["balance_transaction"] = book(state, made, "-payment_refund" if debit else "-refund")["id"]
    play(state, "refund.created", refund=made, charge=charge)
    if "then" in rule:
        state.plan(state.now() + CONDUCT["settles_after_s"], f"settle {rule['then']}", made["id"])
    return made


def amount_left(charge: Object) -> int:
    """What was not refunded, in cents; refused if that is nothing."""
    if charge["refunded"]:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    return charge["amount"] - charge["amount_refunded"]


def dispute(state: State, params: Object, intent_id: str) -> Object:
    """Open a dispute about what was not refunded, or bring it to its end: `outcome` = `open`, `won` or `lost`."""
    charge, disputes = charge_of(state, {"payment_intent": intent_id}), state.of_intent("dispute", intent_id)
    if disputes and params["outcome"] == "open":
        raise Refusal(f"This payment's dispute is there already: {disputes[0]['status']}.", "charge_disputed")
    if not disputes:
        disputes = [state.add("dispute", charge, amount=amount_left(charge), charge=charge["id"])]
        disputes[0]["evidence_details"]["due_by"] = state.now() + ANSWER_WITHIN_S
        play(state, "dispute.open", dispute=disputes[0], charge=charge)
    if params["outcome"] != "open":
        play(state, f"dispute.{params['outcome']}", dispute=disputes[0])
    return disputes[0]
