"""What comes by itself when its time has come, by the sandbox's clock, and what can be brought about sooner by hand."""

from contextlib import suppress

from . import balance, payments, refunds, sessions
from .parameters import Params
from .refusal import Refusal
from .state import Object, State


def settle(state: State, params: Params, identifier: str) -> Object:
    """The end of a bank debit or of a refund: `outcome` = `succeeded` or `failed`."""
    room = refunds if identifier.startswith("re_") else payments
    return room.settle(state, params["outcome"], identifier)


ACTS = {"expire": sessions.expire, "release": balance.release, "settle": settle}


def run_due(state: State) -> None:
    """Do what is due, in its order; what was decided otherwise meanwhile stays as it is."""
    for row in state.query("SELECT * FROM plan WHERE due <= ? ORDER BY due, seq", state.now()):
        state.query("DELETE FROM plan WHERE seq = ?", row["seq"])
        act, _, outcome = row["act"].partition(" ")
        with suppress(Refusal):
            ACTS[act](state, {"outcome": outcome}, row["object"])


def advance(state: State, params: Params, _: str) -> Object:
    """Put the clock forward by `advance_s`, and do what has become due."""
    ahead = int(state.setting("clock_ahead_s", "0")) + params["advance_s"]
    state.switch("clock_ahead_s", str(ahead))
    run_due(state)
    return {"now": state.now(), "ahead_s": ahead}
