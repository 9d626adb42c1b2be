"""`flask staff …`: who works here, each change noted."""

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from store.audit.models import AuditEntry
from store.customers.models import Customer
from store.db import db
from tests.conftest import both_engines
from tests.shop import Shop

pytestmark = both_engines


def staff(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["staff", *arguments])


def role_of(app: Flask, customer_id: int) -> str | None:
    with app.app_context():
        return db.session.scalars(select(Customer.role).where(Customer.id == customer_id)).one()


def log(app: Flask) -> list[tuple[object, ...]]:
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.actor, entry.act, entry.subject, entry.facts) for entry in entries]


@pytest.mark.parametrize("role", ["staff", "equipe"])
def test_a_role_is_granted_and_taken_at_once(app: Flask, shop: Shop, role: str) -> None:
    person, other = shop.customer(), shop.customer("paul@example.org")
    client = shop.signed_in(person)
    assert client.get("/equipe/alertes").status_code == 404
    for _ in range(2):
        assert staff(app, "grant", " Jeanne@Example.ORG", role).exit_code == 0
    first_visit = client.get("/equipe/alertes")
    assert first_visit.location.startswith("/equipe/second-facteur"), "it opens without a second factor"
    assert shop.signed_in(person).get("/equipe/alertes").status_code == 200
    for _ in range(2):
        assert staff(app, "revoke", "jeanne@example.org").exit_code == 0
    assert client.get("/equipe/alertes").status_code == 404
    assert (role_of(app, person.id), role_of(app, other.id)) == (None, None)
    subject = f"customer:{person.id}"
    assert log(app) == [
        (None, "role.granted", subject, {"role": "staff"}),
        (None, "role.revoked", subject, {"role": "staff"}),
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("grant", "nobody@example.org", "staff"), "Nobody has signed up as nobody@example.org"),
        (("grant", "jeanne", "staff"), "'jeanne' is not an e-mail address"),
        (("grant", "jeanne@example.org", "boss"), "There is no role 'boss'"),
        (("grant", "jeanne@example.org", ""), "There is no role ''"),
        (("revoke", "nobody@example.org"), "Nobody has signed up as nobody@example.org"),
        (("revoke", "\0"), "is not an e-mail address"),
    ],
)
def test_one_line_says_what_is_wrong(app: Flask, shop: Shop, arguments: tuple[str, ...], complaint: str) -> None:
    person = shop.customer()
    refused = staff(app, *arguments)
    assert refused.exit_code == 1
    [line] = refused.output.splitlines()
    assert complaint in line and line.endswith("Nothing was changed.")
    assert (role_of(app, person.id), log(app)) == (None, [])
