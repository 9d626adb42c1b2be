"""Digests of passwords are computed one at a time, behind pages, and in forks too."""

import os
import threading
from collections.abc import Callable

from flask import Flask

from store.customers import passwords
from store.customers.passwords import NICENESS, hash_password, password_matches
from tests.killed import is_killed_at


def computed(compute: Callable[[], object]) -> object:
    return passwords._behind_pages(compute)


def test_a_digest_is_computed_with_lower_priority() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert computed(niceness) == min(19, niceness() + NICENESS)


def test_two_at_once_follow_each_other() -> None:
    started, go_on, order = threading.Event(), threading.Event(), []

    def first() -> None:
        started.set()
        assert go_on.wait(20)
        order.append("first")

    one = threading.Thread(target=computed, args=[first])
    one.start()
    assert started.wait(20)
    other = threading.Thread(target=computed, args=[lambda: order.append("second")])
    other.start()
    go_on.set()
    one.join(20)
    other.join(20)
    assert order == ["first", "second"]


def test_a_fork_has_a_thread_of_its_own(app: Flask) -> None:
    with app.app_context():
        digest = hash_password("a good password")

    def check() -> None:
        assert password_matches("a good password", digest)
        os.kill(os.getpid(), 9)

    assert is_killed_at(app, "", check)
