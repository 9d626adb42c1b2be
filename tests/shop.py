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
from store.customers import second_factor
from store.customers.models import STAFF, Customer, CustomerSession
from store.customers.passwords import hash_password
from store.customers.register import register
from store.customers.roles import staff_ids
from store.customers.sessions import note_second_factor
from store.db import db, transaction
from store.jobs.models import Job
from store.ledger.balance import credit_of
from store.ledger.chart import GOODWILL, PROMOTIONS
from store.ledger.post import NewLot, deposit, lock_wallet
from store.shown import move_on

PASSWORD = "un-bon-mot-de-passe"
SECOND_FACTOR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""What the app of a test shop's staff makes its codes of."""


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
        """Somebody who works here, with an app for codes."""
        person = self.customer(email, credit, role=STAFF)
        with self.app.app_context(), transaction() as session:
            second_factor.put(session, person.id, self.app.config["SECRET_KEY"], SECOND_FACTOR, clock.now())
        return person

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

    def signed_in(self, person: Person, *, with_second_factor: bool = True) -> FlaskClient:
        """A browser in which the person is signed in and, working here, has shown the second factor."""
        client = self.app.test_client()
        token = csrf_of(client, "/connexion")
        answer = client.post("/connexion", data={"email": person.email, "password": PASSWORD, "csrf_token": token})
        assert answer.status_code == 303, answer.text
        with self.app.app_context(), transaction() as session:
            # Few tests are about the letter that tells of an unknown browser.
            session.execute(delete(Job).where(Job.name == "customers.mail_new_device", Job.done_at.is_(None)))
            if with_second_factor and person.id in staff_ids(session):
                begun_last = select(CustomerSession.digest).where(CustomerSession.customer_id == person.id)
                newest = session.scalars(begun_last.order_by(CustomerSession.began_at.desc()).limit(1)).one()
                note_second_factor(session, newest, clock.now())
        return client


def csrf_of(client: FlaskClient, page: str) -> str:
    """The CSRF token of the page's first form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(page).text)
    assert found, f"{page} holds no form"
    return found.group(1)
