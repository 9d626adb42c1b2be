"""Faults on demand: the next calls of the API fail in a way that Stripe and the network know."""

import time

from .conduct import FAULTS
from .parameters import Params
from .refusal import Refusal
from .state import Object, State


def ask(state: State, params: Params, _: str) -> Object:
    """The `next` call fails so, or `count` calls do; `none` takes back what was asked for."""
    queue = [] if params["next"] == "none" else [params["next"]] * params.get("count", 1)
    state.switch("faults", " ".join(queue))
    return {"next": params["next"], "count": len(queue)}


def take(state: State) -> str:
    """The fault of this call, which is then over; mostly there is none."""
    fault, _, others = state.setting("faults", "").partition(" ")
    if fault:
        state.switch("faults", others)
    return fault


def strike(fault: str, *, late: bool) -> None:
    """Fail now, if this fault comes before (or, `late`, after) the call's effect is kept."""
    if fault and FAULTS[fault]["late"] == late:
        time.sleep(FAULTS[fault].get("wait_s", 0))
        raise Refusal(**FAULTS[fault]["answer"])
