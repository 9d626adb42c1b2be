"""Ways to fill a test shop through the domain's own functions."""

import re
from dataclasses import dataclass
from datetime import datetime

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select

from store import clock
from store.catalogue.index_films import index_films
from store.catalogue.models import Film
from store.customers.models import STAFF, Customer
from store.customers.passwords import hash_password
from store.customers.register import register
from store.db import db, transaction
from store.jobs.models import Job
from store.ledger.balance import credit_of
from store.ledger.chart import GOODWILL, PROMOTIONS
from store.ledger.post import NewLot, deposit, lock_wallet
from store.shown import move_on

PASSWORD = "un-bon-mot-de-passe"


@dataclass
class Person:
    """A customer of the test shop."""

    id: int
    wallet_id: int
    email: str


class Shop:
    """A shop under test and what one does to it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._serial = 0

    def customer(
        self,
        email: str = "jeanne@example.org",
        credit: int = 0,
        bonus: int = 0,
        role: str | None = None,
        *,
        is_confirmed: bool = True,
    ) -> Person:
        """A customer with this much paid and bonus credit, in cents."""
        with self.app.app_context():
            with transaction() as session:
                customer_id = register(
                    session,
                    email=email,
                    name="Jeanne",
                    password_hash=hash_password(PASSWORD),
                    currency="EUR",
                    at=clock.now(),
                    role=role,
                    confirmed_at=clock.now() if is_confirmed else None,
                )
            wallet_id = db.session.scalars(select(Customer.wallet_id).where(Customer.id == customer_id)).one()
            person = Person(customer_id, wallet_id, email)
        if credit or bonus:
            self.credit(person, credit, bonus)
        return person

    def staff(self, email: str = "equipe@example.org", credit: int = 0) -> Person:
        """Somebody who works here."""
        return self.customer(email, credit, role=STAFF)

    def credit(self, person: Person, paid: int, bonus: int = 0, bonus_expires_at: datetime | None = None) -> None:
        """Put credit into the person's wallet, in cents."""
        self._serial += 1
        lots = [NewLot("paid", paid, GOODWILL)] if paid else []
        if bonus:
            lots.append(NewLot("bonus", bonus, PROMOTIONS, bonus_expires_at))
        with self.app.app_context(), transaction() as session:
            deposit(
                session,
                lock_wallet(session, person.wallet_id),
                lots,
                kind="card",
                key=f"test:{self._serial}:credit",
                reference=f"test:{self._serial}",
                at=clock.now(),
            )

    def credit_of(self, person: Person) -> int:
        """What the person may spend, in cents."""
        with self.app.app_context():
            return credit_of(db.session, person.wallet_id, clock.now())

    def film(self, slug: str = "la-sociale", minutes: int = 84, playable: bool = True) -> int:
        """A film; returns its id."""
        with self.app.app_context(), transaction() as session:
            film_id = session.scalars(
                insert(Film)
                .values(
                    slug=slug,
                    title=slug.replace("-", " ").title(),
                    year=2016,
                    minutes=minutes,
                    countries=["FR"],
                    languages=["fr"],
                    age=0,
                    tagline_fr="Une phrase.",
                    tagline_en="A sentence.",
                    synopsis_fr="Un résumé.",
                    synopsis_en="A synopsis.",
                    recipe="0123456789abcdef" if playable else None,
                    subtitles=["fr", "en"],
                    added_at=clock.now(),
                )
                .returning(Film.id)
            ).one()
            index_films(session, [film_id])
            move_on(session)
            return film_id

    def signed_in(self, person: Person) -> FlaskClient:
        """A browser in which the person is signed in."""
        client = self.app.test_client()
        token = csrf_of(client, "/connexion")
        answer = client.post("/connexion", data={"email": person.email, "password": PASSWORD, "csrf_token": token})
        assert answer.status_code == 303, answer.text
        self._tidy_after_signing_in(person)
        return client

    def _tidy_after_signing_in(self, person: Person) -> None:
        """Take back the letter that tells of an unknown browser, which few tests are about."""
        with self.app.app_context(), transaction() as session:
            session.execute(delete(Job).where(Job.name == "customers.mail_new_device", Job.done_at.is_(None)))


def csrf_of(client: FlaskClient, page: str) -> str:
    """The CSRF token of the page's first form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(page).text)
    assert found, f"{page} holds no form"
    return found.group(1)
