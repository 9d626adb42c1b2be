"""What comes by itself when its time has come, by the sandbox's clock, or sooner by hand."""

from contextlib import suppress

from . import balance, sessions
from .scenes import play
from .state import State
from .tables import Object, Refusal


def settle(state: State, params: Object, identifier: str) -> Object:
    """The end of a refund or of a bank debit: it `succeeded`, or it `failed`, and the money goes back."""
    kind = "refund" if identifier.startswith("re_") else "payment_intent"
    settled = state.get(kind, identifier)
    charge = state.get("charge", settled.get("charge") or settled.get("latest_charge"))
    if kind == "refund":
        play(state, f"refund.{params['outcome']}", refund=settled, charge=charge)
    else:
        session = state.get(sessions.KIND, state.hidden(kind, identifier)["session"])
        play(state, f"debit.{params['outcome']}", intent=settled, charge=charge, session=session)
    return settled


ACTS = {"expire": sessions.expire, "release": balance.release, "settle": settle}


def run_due(state: State) -> None:
    """Do what is due, in its order; what was decided otherwise meanwhile stays as it is."""
    for row in state.query("SELECT * FROM plan WHERE due <= ? ORDER BY due, seq", state.now()):
        state.query("DELETE FROM plan WHERE seq = ?", row["seq"])
        act, _, outcome = row["act"].partition(" ")
        with suppress(Refusal):  # which comes before anything is written
            ACTS[act](state, {"outcome": outcome}, row["object"])


def advance(state: State, params: Object, _: str) -> Object:
    """Put the clock forward by `advance_s`, and do what has become due."""
    ahead_s = int(state.setting("ahead_s", "0")) + params["advance_s"]
    state.switch("ahead_s", str(ahead_s))
    run_due(state)
    return {"now": state.now(), "ahead_s": ahead_s}
