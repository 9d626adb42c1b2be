"""Taking one's data along: everything, readable, no secret, for its owner alone, for seven days."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Column, Table, select

from store import clock
from store.checkout.models import Refund
from store.customers.models import Customer, CustomerSession
from store.db import Base, db, transaction
from store.jobs.enqueue import REGISTRY
from store.own_table import Owner
from store.prepaid_cards.models import PrepaidCard
from store.privacy.gather import tables_of
from store.privacy.headings import HEADINGS
from store.privacy.models import Archive
from tests.checkout import sales
from tests.conftest import both_engines
from tests.languages import foreign_words, spoken
from tests.privacy.life import EMAIL, MESSAGE, NAME, RECIPIENTS_ADDRESS, live
from tests.shop import PASSWORD, Person, Shop, csrf_of

NOT_OURS_TO_GIVE = {
    "customer.password_hash": "a digest: a secret",
    "customer.pin_hash": "a digest: a secret",
    "customer.wallet_id": "wallet.id says it",
    "customer_session.digest": "a digest: a secret",
    "account_link.digest": "a digest: a secret",
    "account_link.stamp": "a digest",
    "passkey.id": "a number of the machine's",
    "passkey.credential_id": "what the device itself calls it",
    "passkey.public_key": "of use to the shop alone",
    "passkey.sign_count": "a count of the machine's",
    "passkey.user_handle": "what the device itself calls its owner",
    "recovery_code.digest": "a digest: a secret",
    "remembered_device.id": "a number of the machine's",
    "remembered_device.digest": "a digest: a secret",
    "second_factor.sealed_secret": "a secret",
    "second_factor.last_step": "a count of the machine's",
    "second_factor.customer_id": "they",
    "prepaid_card.lookup_digest": "a digest: a secret",
    "prepaid_card.key_version": "what codes are made from",
    "prepaid_card.wallet_id": "wallet.id says it, or it is somebody else's",
    "prepaid_card.bought_by": "they, or somebody else",
    "prepaid_card.batch_id": "of the shop's stock",
    "lease.id": "part of the address that plays",
    "lease.session_digest": "a digest: a secret",
    "lease.recipe": "of the film, not of the customer",
    "lease.sequence": "a count of the machine's",
    "entitlement.position_sequence": "a count of the machine's",
    "playback_failure.id": "a number of the machine's",
    "playback_failure.lease_id": "part of the address that played",
    "playback_failure.recipe": "of the film, not of the customer",
    "playback_failure.name": "of the film, not of the customer",
    "card_order.key": "what opens a payment of theirs",
    "card_order.form_key": "what makes a form harmless twice",
    "card_order.stripe_session_id": "what opens a payment of theirs",
    "card_refund.key": "what makes a call harmless twice",
    "journal.idempotency_key": "what makes a call harmless twice",
    "journal.request_hash": "a digest",
    "posting.id": "journal.id names the movement",
    "gift.id": "the card's reference names it",
    "card_hold.id": "its cause names it",
    "card_hold.journal_id": "movements have it",
    "wallet_freeze.id": "its reference names it",
    "audit_entry.id": "a number of the machine's",
    "audit_entry.actor": "they, or one of us",
    "card_batch": "the shop's stock of cards, of nobody",
    "film": "what the shop shows",
    "ledger_account": "the names of accounts",
    "own_archive": "the archive itself",
    "erasure": "whoever has one has no account any more",
    "alert": "what staff are told of the shop; customers are in it by their orders' numbers alone",
}
"""What no archive holds, and why: a column, or a whole table."""

OF_NOBODY = {
    *("person", "film_director", "theme", "film_theme", "collection", "collection_film", "former_slug", "film_facet"),
    *("search_word", "search_gram", "search_entry", "catalogue_index", "home_page", "ingest", "film_download", "shown"),
    *("denomination", "closing", "audit_run", "receipt_counter", "worker", "schedule"),
    "job",  # names customers by numbers, for thirty days
    "webhook_event",  # kept without people
    "passkey_challenge",  # random bits, for five minutes
}
"""Tables that say nothing of any customer."""


def make_archive(app: Flask) -> None:
    with app.app_context():
        for customer_id in db.session.scalars(select(Archive.customer_id)).all():
            REGISTRY["privacy.gather"].handler(customer_id=customer_id)


def ask(client: FlaskClient, site: str = "") -> None:
    token = csrf_of(client, f"{site}/compte/donnees")
    answer = client.post(f"{site}/compte/donnees/archive", data={"csrf_token": token})
    assert (answer.status_code, answer.location) == (303, f"{site}/compte/donnees#archive")


def unpacked(client: FlaskClient) -> dict[str, str]:
    answer = client.get("/compte/donnees/archive.zip")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@both_engines
def test_all_that_the_shop_knows_is_in_the_archive(app: Flask, shop: Shop) -> None:
    life = live(app, shop)
    page = life.client.get("/compte/donnees").text
    assert 'data-archive="none"' in page
    ask(life.client)
    assert 'data-archive="waiting"' in life.client.get("/compte/donnees").text
    assert life.client.get("/compte/donnees/archive.zip").location == "/compte/donnees#archive"
    make_archive(app)
    assert 'data-archive="ready"' in life.client.get("/compte/donnees").text
    files = unpacked(life.client)
    data = json.loads(files["data.json"])
    assert data["account"][0] | {"email": EMAIL, "name": NAME, "country": "BE"} == data["account"][0]
    assert data["films"][0]["title"] == "La Sociale" and data["films"][0]["position_s"] == 1200
    assert {row["recipient_email"] for row in data["gifts_given"]} == {RECIPIENTS_ADDRESS}
    assert data["gifts_given"][0]["message"] == MESSAGE and data["gifts_received"][0]["message"] == "Pour toi"
    assert sum(lot["remaining"] for lot in data["credit"]) == shop.credit_of(life.person)
    empty = {name for name, rows in data.items() if not rows}
    assert empty == {"refunds"}  # `tests/checkout/test_refund.py` makes some; all others say something
    for name, rows in data.items():
        table = list(csv.reader(io.StringIO(files[f"csv/{name}.csv"].removeprefix("\ufeff")), delimiter=";"))
        assert len(table) == len(rows) + 1
        assert f'id="{name}"' in files["index.html"]
    words_for_people = re.sub(r"<td>.*?</td>", "", files["index.html"], flags=re.DOTALL)
    assert foreign_words(spoken(words_for_people), "fr") == set()
    assert NAME in files["index.html"] and "La Sociale" in files["index.html"]


@both_engines
def test_no_secret_is_in_the_archive(app: Flask, shop: Shop) -> None:
    life = live(app, shop)
    ask(life.client)
    make_archive(app)
    everything = "".join(unpacked(life.client).values())
    with app.app_context():
        secrets = [
            *db.session.scalars(select(Customer.password_hash)),
            *db.session.scalars(select(CustomerSession.digest)),
            *filter(None, db.session.scalars(select(PrepaidCard.lookup_digest))),
        ]
    assert len(secrets) > 3
    for secret in [*secrets, PASSWORD, "ami@example.org", life.client.get_cookie("session").value]:
        assert secret not in everything


def reachable_tables() -> set[Table]:
    """Tables that lead to a customer or to a wallet, directly or by others."""
    found = {Base.metadata.tables["customer"], Base.metadata.tables["wallet"]}
    while True:
        more = {
            table for table in Base.metadata.tables.values() if {key.column.table for key in table.foreign_keys} & found
        }
        if more <= found:
            return found
        found |= more


def shown_columns() -> set[Column]:
    return {column for table in tables_of(Owner(1, 1, "x")) for column in table.rows.selected_columns}


def undecided(tables: set[Table]) -> set[str]:
    """Columns that are neither in the archive, nor agreed to stay out, nor a reference to a row that is in it."""
    shown = {f"{column.table.name}.{column.name}" for column in shown_columns()}
    columns = {f"{column.table.name}.{column.name}": column for table in tables for column in table.columns}
    return {
        name
        for name, column in columns.items()
        if name not in shown | NOT_OURS_TO_GIVE.keys()
        and column.table.name not in NOT_OURS_TO_GIVE
        and not column.foreign_keys
    }


def test_every_column_of_somebody_is_decided_on() -> None:
    """A new table or column with something of a customer's goes into a room's `own_data.py`, or above with its reason."""
    everything = set(Base.metadata.tables.values())
    assert {table.name for table in reachable_tables()} & OF_NOBODY == set()
    assert Base.metadata.tables.keys() >= OF_NOBODY
    assert undecided({table for table in everything if table.name not in OF_NOBODY}) == set()
    for name in NOT_OURS_TO_GIVE:
        table, _, column = name.partition(".")
        assert table in Base.metadata.tables and (not column or column in Base.metadata.tables[table].columns), name


def test_a_forgotten_column_is_seen() -> None:
    changed = Base.metadata.tables["customer"].to_metadata(Base.metadata.__class__())
    changed.append_column(Column("shoe_size", Customer.__table__.c.name.type))
    assert undecided({changed}) == {"customer.shoe_size"}


def test_every_column_has_a_name_for_people() -> None:
    assert {column.name for column in shown_columns()} - HEADINGS.keys() == set()


def test_another_customer_sees_nothing_of_it(app: Flask, shop: Shop) -> None:
    first, second = shop.customer(), shop.customer("paul@example.org")
    client = shop.signed_in(first)
    ask(client)
    make_archive(app)
    assert shop.signed_in(second).get("/compte/donnees/archive.zip").location == "/compte/donnees#archive"
    assert "jeanne@example.org" in "".join(unpacked(client).values())
    assert app.test_client().get("/compte/donnees/archive.zip").location.startswith("/connexion")


@both_engines
def test_it_is_there_for_seven_days_and_then_gone(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer())
    ask(client)
    make_archive(app)
    with app.app_context():
        made_at = clock.now()
    with time_machine.travel(made_at + timedelta(days=6, hours=23)):
        prune(app)
        assert client.get("/compte/donnees/archive.zip").status_code == 200
    with time_machine.travel(made_at + timedelta(days=7, hours=1)):
        assert client.get("/compte/donnees/archive.zip").location == "/compte/donnees#archive"
        prune(app)
    with app.app_context():
        assert db.session.scalar(select(Archive.customer_id)) is None


def prune(app: Flask) -> None:
    with app.app_context():
        REGISTRY["privacy.prune"].handler()


@both_engines
def test_asking_twice_makes_one_and_asking_anew_makes_another(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer())
    ask(client)
    ask(client)
    assert waiting_jobs(app) == 1
    make_archive(app)
    ask(client)
    assert waiting_jobs(app) == 2  # the first was done by hand
    assert client.get("/compte/donnees/archive.zip").location == "/compte/donnees#archive"


def waiting_jobs(app: Flask) -> int:
    from_the_outbox = select(Base.metadata.tables["job"].c.id).where(
        Base.metadata.tables["job"].c.name == "privacy.gather"
    )
    with app.app_context():
        return len(db.session.execute(from_the_outbox).all())


@pytest.mark.parametrize("site", ["", "/en"])
def test_a_table_of_many_rows_is_whole(app: Flask, shop: Shop, site: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    add_refunds(app, person, 1200)
    ask(client, site)
    make_archive(app)
    assert len(json.loads(unpacked(client)["data.json"])["refunds"]) == 1200


def add_refunds(app: Flask, person: Person, count: int) -> None:
    order_id = sales.order(app, person)
    with app.app_context(), transaction() as session:
        at = clock.now()
        session.add_all(
            Refund(key=f"k{n}", order_id=order_id, origin="staff", amount_cents=1, state="failed", asked_at=at)
            for n in range(count)
        )
