"""Faults on demand: the next calls of the API fail in a way that Stripe and the network know."""

import time

from .refusal import Refusal
from .state import State
from .tables import CONDUCT, Object


def ask(state: State, params: Object, _: str) -> Object:
    """The `next` call fails so, or `count` calls do; `none` takes back what was asked for."""
    queue = [params["next"]] * params.get("count", 1) if params["next"] != "none" else []
    state.switch("faults", " ".join(queue))
    return {"next": params["next"], "count": len(queue)}


def take(state: State) -> Object:
    """The fault of this call, which is then over; mostly none."""
    fault, _, others = state.setting("faults", "").partition(" ")
    if fault:
        state.switch("faults", others)
    return CONDUCT["faults"].get(fault, {})


def strike(fault: Object, *, after_commit: bool) -> None:
    """Fail now, if the fault comes at this point of the call."""
    if fault and fault["after_commit"] == after_commit:
        time.sleep(fault.get("wait_s", 0))  # the fault that was asked for: an answer that comes too late
        raise Refusal(**fault["answer"])
