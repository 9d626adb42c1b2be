"""Doing something in a process of its own that kills itself at a named step."""

import os
import signal
import traceback
from collections.abc import Callable

from flask import Flask

from store.db import db


def is_killed_at(app: Flask, step: str, act: Callable[[], object]) -> bool:
    """Whether `act`, done in a fork of this process, reached the step and died there."""
    with app.app_context():
        db.engine.dispose()  # no connection is shared with the fork
    child = os.fork()
    if child == 0:
        _act_and_leave(app, step, act)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _act_and_leave(app: Flask, step: str, act: Callable[[], object]) -> None:
    app.config["SHOP_STOP_AT"] = step
    try:
        with app.app_context():
            act()
    except BaseException:
        traceback.print_exc()
    os._exit(0)
