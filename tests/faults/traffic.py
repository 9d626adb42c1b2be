"""People who look at pages and rent films while something happens, and whether they were told the truth."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from store.catalogue.models import Film
from store.db import db
from store.ledger.reconcile import differences
from store.rentals.models import Entitlement
from tests.faults.browser import Answer, Browser
from tests.faults.deployed import FILMS, Deployed
from tests.shop import PASSWORD, Person

PAGES = ("/", "/films/film-0", "/aide", "/connexion")
READERS, SPENDERS = 2, 3
PRICE, CREDIT = 350, 350 * FILMS
PAUSE_S = 0.02


@dataclass
class Seen:
    """Every answer with the page or act it was to, and what was confirmed: (customer, film)."""

    answers: list[tuple[str, Answer]] = field(default_factory=list)
    confirmed: list[tuple[int, str]] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        """How often which."""
        return Counter(answer.status for _, answer in self.answers)

    def slowest_s(self) -> float:
        """Of them all."""
        return max(answer.seconds for _, answer in self.answers)

    def told_wrongly(self, allowed: set[int]) -> Iterator[str]:
        """A sentence for each answer that is no success, no refusal that is allowed, or none that one can read."""
        for path, answer in self.answers:
            if answer.status not in {200, 303} | allowed or (answer.status >= 400 and not answer.is_readable):
                yield f"{path}: {answer.status} after {answer.seconds:.1f} s: {answer.body[:200]!r}"


def people_of(shop: Deployed) -> list[Person]:
    """New customers with credit for all films."""
    return [shop.soaked.shop.customer(f"{uuid.uuid4().hex}@example.org", CREDIT) for _ in range(SPENDERS)]


@contextmanager
def traffic(shop: Deployed, people: list[Person]) -> Iterator[Seen]:
    """Meanwhile people look and rent; afterwards all of them have had their last answer."""
    seen, over = Seen(), threading.Event()
    acts: list[Callable[[], None]] = [lambda: _read(shop.browser(), seen, over)] * READERS
    ready = threading.Barrier(len(people) + 1)
    with ThreadPoolExecutor(READERS + len(people)) as pool:
        done = [pool.submit(act) for act in acts]
        done += [pool.submit(_spend, shop.browser(), person, seen, over, ready) for person in people]
        try:
            ready.wait()
            yield seen
        finally:
            over.set()
        for act in done:
            act.result()


def lost(shop: Deployed, people: list[Person], seen: Seen) -> Iterator[str]:
    """A sentence for whatever was confirmed and is not there, was paid twice, or is not in the books."""
    with shop.soaked.app.app_context():
        held = Counter(
            (row.customer_id, row.slug)
            for row in db.session.execute(
                select(Entitlement.customer_id, Film.slug).join(Film, Film.id == Entitlement.film_id)
            )
        )
        yield from (f"{confirmed} was confirmed and is lost" for confirmed in seen.confirmed if not held[confirmed])
        yield from (f"{what} is held {count} times" for what, count in held.items() if count > 1)
        yield from differences(db.session)
        count = func.count(Entitlement.id)
        for person in people:
            films = db.session.scalar(select(count).where(Entitlement.customer_id == person.id)) or 0
            if (credit := shop.soaked.shop.credit_of(person)) != CREDIT - PRICE * films:
                yield f"customer {person.id} has {credit} cents with {films} films"


def _read(browser: Browser, seen: Seen, over: threading.Event) -> None:
    while not over.is_set():
        for page in PAGES:
            seen.answers.append((page, browser.get(page)))
        time.sleep(PAUSE_S)


def _spend(browser: Browser, person: Person, seen: Seen, over: threading.Event, ready: threading.Barrier) -> None:
    """Rents one film after the other, and each one again until it is confirmed."""
    signed_in = browser.sign_in(person.email, PASSWORD)
    ready.wait()
    assert signed_in.status == 303, signed_in
    number = 0
    while not over.is_set() and number < FILMS:
        film = f"film-{number}"
        answer = browser.post(f"/films/{film}/louer", "/compte")
        seen.answers.append((f"rent {film}", answer))
        if answer.status == 303 and answer.location.endswith(f"/films/{film}/voir"):
            seen.confirmed.append((person.id, film))
            number += 1
        time.sleep(PAUSE_S)
