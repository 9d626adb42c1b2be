"""What follows from an act, as `conduct.json` tells it: objects change step by step, money moves, events are sent.

In a step's changes `$amount` is the object's own amount; `+charge` and `-payout` book its amount as the balance transaction
of that kind; in a list they stand for the whole transaction, which is added to those before.
"""

from typing import Any

from .events import tell
from .state import State
from .tables import CONDUCT, Object, Refusal

A_DAY_S = 86_400


def play(state: State, scene: str, **objects: Object) -> None:
    """Do a scene's steps, if its objects are as they must be at first; each step is saved, and told as it is then."""
    for name, statuses in CONDUCT["scenes"][scene]["from"].items():
        kind, status = objects[name]["object"], objects[name]["status"]
        if status not in statuses:
            message = f"Only a {kind} with a status in {statuses} can do so. This {kind} has a status of `{status}`."
            raise Refusal(message, f"{kind}_unexpected_state".replace(".", "_"))
    for name, changes, event_type in CONDUCT["scenes"][scene]["steps"]:
        about = objects[name]
        before = state.get(about["object"], about["id"])
        about |= {field: _value(state, about, field, value) for field, value in changes.items()}
        about |= _refunded(state, about) if name == "charge" else {}
        state.save(about)
        if event_type:
            tell(state, event_type, about, before)


def _value(state: State, about: Object, field: str, value: Any) -> Any:
    if value == "$amount":
        return about["amount"]
    if isinstance(value, list):
        return [*about[field], *(book(state, about, movement) for movement in value)]
    if isinstance(value, str) and value[0] in "+-":
        return book(state, about, value)["id"]
    return value


def _refunded(state: State, charge: Object) -> Object:
    refunds = state.of_intent("refund", charge["payment_intent"])
    total = sum(refund["amount"] for refund in refunds if refund["status"] != "failed")
    return {"amount_refunded": total, "refunded": total == charge["amount"]}


def book(state: State, source: Object, movement: str) -> Object:
    """The balance transaction of a movement such as `+charge`: the source's amount, less the fee for the kind."""
    amount, kind = int(f"{movement[0]}{source['amount']}"), movement[1:]
    rule = CONDUCT["bookings"][kind]
    fee = (amount * rule.get("fee_per_mille", 0) + 500) // 1000 + rule.get("fee", 0)
    detail = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    days = rule.get("days", 0)
    facts = {"amount": amount, "fee": fee, "net": amount - fee, "source": source["id"], "type": rule.get("type", kind)}
    facts |= {"reporting_category": rule["reporting_category"], "available_on": state.now() + days * A_DAY_S}
    facts |= {"fee_details": [detail | {"description": rule["fee_description"]}] if fee else []}
    booked = state.add("balance_transaction", source, status="pending" if days else "available", **facts)
    if days:
        state.plan(booked["available_on"], "release", booked["id"])
    return booked
