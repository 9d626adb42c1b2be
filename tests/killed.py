"""Doing something in a process of its own that kills itself at a named step."""

import faulthandler
import os
import signal
import traceback
from collections.abc import Callable, Sequence

from flask import Flask

from store.db import db

LONGEST_S = 120
"""A fork that stands still shows where, and ends: its test fails and the suite goes on."""


def is_killed_at(app: Flask, step: str, act: Callable[[], object]) -> bool:
    """Whether `act`, done in a fork of this process, reached the step and died there."""
    return are_killed_at(app, [(step, act)]) == [True]


def are_killed_at(app: Flask, acts: Sequence[tuple[str, Callable[[], object]]]) -> list[bool]:
    """The same for several acts at once, each in a fork of its own; an empty step kills nobody."""
    with app.app_context():
        db.engine.dispose()  # no connection is shared with the forks
    children = []
    for step, act in acts:
        child = os.fork()
        if child == 0:
            _act_and_leave(app, step, act)
        children.append(child)
    ends = [os.waitpid(child, 0)[1] for child in children]
    return [os.WIFSIGNALED(end) and os.WTERMSIG(end) == signal.SIGKILL for end in ends]


def _act_and_leave(app: Flask, step: str, act: Callable[[], object]) -> None:
    app.config["SHOP_STOP_AT"] = step
    faulthandler.dump_traceback_later(LONGEST_S, exit=True)
    try:
        with app.app_context():
            act()
    except BaseException:
        traceback.print_exc()
    os._exit(0)
