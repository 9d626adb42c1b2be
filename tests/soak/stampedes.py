"""Forty requests at the same moment, from two processes, of which one may win: renting, redeeming, signing up."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

from flask import Flask
from sqlalchemy import func, select

from store.customers.models import Customer
from store.db import db
from store.rentals.models import Entitlement
from store.web.limits import limiter
from tests.prepaid_cards.counter import Counter
from tests.shop import PASSWORD, Person, Shop, csrf_of
from tests.soak.processes import PROCESSES, in_two_processes

AT_ONCE = 40
PATIENCE_S = 120
FILM, PRICE = "la-sociale", 3_50


class Press(NamedTuple):
    """A button that a browser with this cookie presses."""

    cookie: str
    path: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Round:
    """Forty presses at once, and what is not as it must be afterwards, told the answers' statuses."""

    presses: list[Press]
    violations: Callable[[list[int]], Iterator[str]]


def stampede(app: Flask, rounds: list[Round]) -> Iterator[str]:
    """Press the buttons of each round at the same moment, half of them in each of two processes."""
    limiter.enabled = False  # they come from one address; who is slowed down wins nothing
    barrier = get_context("fork").Barrier(AT_ONCE, timeout=PATIENCE_S)

    def press(button: Press) -> int:
        client = app.test_client()
        client.set_cookie("session", button.cookie)
        barrier.wait()
        return client.post(button.path, data=button.fields).status_code

    def press_half(process: int) -> list[list[int]]:
        with ThreadPoolExecutor(AT_ONCE // PROCESSES) as pool:
            return [list(pool.map(press, one.presses[process::PROCESSES])) for one in rounds]

    try:
        halves = in_two_processes(app, press_half, PATIENCE_S * len(rounds))
    finally:
        limiter.enabled = True
    for one, *statuses in zip(rounds, *halves, strict=True):
        answers = [status for half in statuses for status in half]
        yield from (f"answered {status}" for status in answers if status >= 500)
        yield from one.violations(answers)


def rents(app: Flask, shop: Shop, count: int) -> list[Round]:
    """One customer's forty windows rent one film, with credit for one rental."""
    return [_rent(app, shop, shop.customer(f"rents-{number}@example.org", PRICE)) for number in range(count)]


def redemptions(app: Flask, shop: Shop, count: int) -> list[Round]:
    """Forty customers enter one code."""
    counter, giver = Counter(app), shop.customer("giver@example.org")
    crowd = [_signed_in(shop, shop.customer(f"redeems-{number}@example.org")) for number in range(AT_ONCE)]
    return [_redeem(counter.card(giver, 1_00, 1_10), crowd) for _ in range(count)]


def sign_ups(app: Flask, _shop: Shop, count: int) -> list[Round]:
    """Forty strangers sign up with one address."""
    return [_sign_up(app, f"new-{number}@example.org") for number in range(count)]


KINDS = (rents, redemptions, sign_ups)


def _rent(app: Flask, shop: Shop, person: Person) -> Round:
    cookie, token = _signed_in(shop, person)

    def violations(_answers: list[int]) -> Iterator[str]:
        with app.app_context():
            held = db.session.scalar(select(func.count(Entitlement.id)).where(Entitlement.customer_id == person.id))
        if (held, shop.credit_of(person)) != (1, 0):
            yield f"{person.email} holds {held} rentals and {shop.credit_of(person)} cents of {PRICE}"

    return Round([Press(cookie, f"/films/{FILM}/louer", {"csrf_token": token})] * AT_ONCE, violations)


def _redeem(code: str, crowd: list[tuple[str, str]]) -> Round:
    presses = [Press(cookie, "/cartes/activer", {"csrf_token": token, "code": code}) for cookie, token in crowd]
    return Round(presses, _one_winner)


def _sign_up(app: Flask, email: str) -> Round:
    client = app.test_client()
    fields = {"csrf_token": csrf_of(client, "/inscription"), "email": email, "name": "Ambre", "password": PASSWORD}
    press = Press(client.get_cookie("session").value, "/inscription", fields)

    def violations(answers: list[int]) -> Iterator[str]:
        yield from _one_winner(answers)
        with app.app_context():
            customers = db.session.scalar(select(func.count(Customer.id)).where(Customer.email == email))
        if customers != 1:
            yield f"{email} is {customers} customers"

    return Round([press] * AT_ONCE, violations)


def _one_winner(answers: list[int]) -> Iterator[str]:
    if answers.count(303) != 1 or set(answers) != {303, 422}:
        yield f"not one winner: {answers}"


def _signed_in(shop: Shop, person: Person) -> tuple[str, str]:
    """The session cookie and the form token of a browser of theirs."""
    browser = shop.signed_in(person)
    token = csrf_of(browser, "/compte")  # leaves its half in the cookie
    return browser.get_cookie("session").value, token
