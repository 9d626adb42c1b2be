"""Having one's account erased: in two steps, with one's money back where it can be, and nothing that names one anywhere."""

import email
import email.policy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from store import clock
from store.audit.models import AuditEntry
from store.checkout.models import Order, Receipt, Refund, WebhookEvent
from store.customers.forget import pseudonym_of
from store.customers.models import Customer, CustomerSession
from store.db import Base, db, transaction
from store.ledger.balance import credit_of
from store.ledger.post import freeze, lock_wallet
from store.logs import init_logs
from store.prepaid_cards.gifts import GiftWish
from store.prepaid_cards.models import Gift
from store.privacy import erase
from store.privacy.models import Archive, Erasure
from tests.checkout import sales
from tests.checkout.purchases import books, bought
from tests.checkout.stripe_side import act, signed
from tests.checkout.test_buying_a_card import do_jobs
from tests.conftest import both_engines
from tests.killed import is_killed_at
from tests.postbox import Postbox
from tests.prepaid_cards.counter import Counter
from tests.privacy.life import EMAIL, RECIPIENT, live
from tests.privacy.test_archive import ask
from tests.shop import PASSWORD, Shop, csrf_of

FIRST, SECOND = "/compte/donnees/effacer", "/compte/donnees/effacer/confirmer"

TRACES = ("quatrepoint", "zéphyrine", "zephyrine", r"z\u00e9phyrine", "ledoux", "barnab", "quarante ans")
"""Of the customer of `life.py`, of whom they gave a card to, and of what they wrote."""


def in_the_database(app: Flask) -> Iterator[str]:
    """What any column of any table says that is a trace."""
    with app.app_context(), db.engine.connect() as connection:
        tables = connection.execute(text(TABLES[connection.dialect.name])).scalars().all()
        assert {*Base.metadata.tables} <= {*tables}
        for table in tables:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                yield from (f"{table}.{column}: {value}" for column, value in row.items() if says(value))


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


def says(value: object) -> bool:
    """Whether a value names one of them: an archive's file would, by its bytes or by being one."""
    if isinstance(value, (bytes, memoryview)):
        return True  # nobody's archive is left
    said = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
    return any(trace in said.casefold() for trace in TRACES)


def in_files(app: Flask) -> Iterator[str]:
    """Files of the instance folder, media and mail among them, that hold a trace, letters as one reads them."""
    for path in Path(app.instance_path).rglob("*"):
        if path.is_file() and "sqlite" not in path.name:
            content = path.read_bytes()
            if path.suffix == ".eml":
                letter = email.message_from_bytes(content, policy=email.policy.default)
                parts = [part.get_content() for part in letter.walk() if part.get_content_maintype() == "text"]
                content = "\n".join((letter.as_string(), str(letter["To"]), str(letter["Subject"]), *parts)).encode()
            if any(trace.encode() in content.lower() for trace in TRACES):
                yield path.name


def leave(client: FlaskClient, *, cards: int = 9) -> str:
    """Both steps as a browser does them, with so many of the cards ticked that are offered so; where one is led."""
    offered = re.findall(r'name="rendre" value="([0-9]+)" checked', client.get(FIRST).text)[:cards]
    address = f"{SECOND}?{'&'.join(f'rendre={card}' for card in offered)}"
    data = {"csrf_token": csrf_of(client, address), "word": "effacer", "rendre": offered}
    answer = client.post(SECOND, data=data)
    assert answer.status_code == 303, answer.text
    return answer.location


def erased(app: Flask) -> None:
    """What is queued is done, now and a little later."""
    do_jobs(app)
    with app.app_context():
        later = clock.now() + timedelta(minutes=2)
    with time_machine.travel(later):
        do_jobs(app)


@both_engines
def test_nothing_names_whoever_was_erased(
    app: Flask, shop: Shop, sandbox: str, capsys: pytest.CaptureFixture[str]
) -> None:
    init_logs()
    life = live(app, shop)
    bought(app, life.client, sandbox, "50")
    receive_events(app, sandbox)
    ask(life.client)
    do_jobs(app)
    named_in = {found.partition(":")[0] for found in in_the_database(app)}
    assert named_in >= {
        "customer.email",
        "gift.message",
        "mail_bounce.said",
        "own_archive.content",
        "receipt.buyer_name",
    }
    assert len(list(in_files(app))) > 3

    assert leave(life.client, cards=1) == "/compte-ferme"  # the other was not sold by Stripe
    assert life.client.get("/compte").status_code == 303
    erased(app)
    assert list(in_files(app)) == [f"farewell-{life.person.id}.eml"]
    discard_farewell_an_hour_later(app)

    assert list(in_the_database(app)) == []
    assert list(in_files(app)) == []
    logged = capsys.readouterr()
    assert not [line for line in (logged.out + logged.err).splitlines() if says(line)]
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert (result.exit_code, result.output) == (0, "ok\n")
    with app.app_context():
        assert {*db.session.scalars(select(Receipt.buyer_name))} == {pseudonym_of(life.person.id)}
        acts = db.session.scalars(select(AuditEntry.act).where(AuditEntry.subject == pseudonym_of(life.person.id)))
        assert acts.all() == ["account.closed", "account.erased"]


def receive_events(app: Flask, sandbox: str) -> None:
    """What Stripe told meanwhile, with all that it says of people."""
    with urlopen(f"{sandbox}/_sandbox/events") as answer:
        events = json.load(answer)
    bodies = [event.get("body", event) for event in (events["data"] if isinstance(events, dict) else events)]
    told = 0
    for body in bodies:
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        if EMAIL.encode() in raw:
            assert app.test_client().post("/stripe/webhook", data=raw, headers=signed(raw)).status_code == 200
            told += 1
    assert told
    with app.app_context():
        assert not any(says(event.body) for event in db.session.scalars(select(WebhookEvent)))


def discard_farewell_an_hour_later(app: Flask) -> None:
    with app.app_context():
        later = clock.now() + timedelta(hours=2)
    with time_machine.travel(later):
        do_jobs(app)


@both_engines
def test_what_can_be_paid_back_is_and_the_rest_was_warned_of(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer(credit=700)
    client = shop.signed_in(person)
    bought(app, client, sandbox, "20")
    first = client.get(FIRST).text
    assert 'data-credit-cents="2800"' in first and 'data-lost-cents="700"' in first and "checked" in first
    second = client.get(f"{SECOND}?rendre=1").text
    assert 'data-refund-cents="2000"' in second and 'data-lost-cents="700"' in second
    assert 'data-lost-cents="2800"' in client.get(SECOND).text
    leave(client)
    erased(app)
    with app.app_context():
        [refund] = db.session.scalars(select(Refund))
        assert (refund.state, refund.amount_cents, refund.origin) == ("succeeded", 2000, "withdrawal")
        assert db.session.scalar(select(Erasure.erased_at)) is not None
        assert credit_of(db.session, person.wallet_id, clock.now()) == 700  # in the books, and nobody's to spend
    letters = sorted(path.name.partition("-")[0] for path in Path(app.instance_path, "mail").glob("*.eml"))
    assert letters == ["farewell"]
    assert "20,00" in letter_of(app, "farewell")
    books(app)


def letter_of(app: Flask, key: str) -> str:
    [path] = Path(app.instance_path, "mail").glob(f"{key}*.eml")
    letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return letter.get_body(("plain",)).get_content()


@both_engines
def test_it_waits_for_refunds_gifts_and_letters(app: Flask, shop: Shop, sandbox: str, postbox: Postbox) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    bought(app, client, sandbox, "20")
    with app.app_context():
        in_a_month = clock.today() + timedelta(days=30)
    Counter(app).card(person, gift=GiftWish("email", RECIPIENT, "barnabe@example.net", "Bon film", in_a_month))
    assert "elle part aujourd’hui" in client.get(FIRST).text
    act(sandbox, "faults", next="timeout")
    with app.app_context():
        erase.leave(person.id, person.wallet_id, {1}, clock.now())
        erase.erase(person.id)
        assert db.session.scalar(select(Erasure.erased_at)) is None
        assert db.session.scalars(select(Gift.deliver_on)).one() == clock.today()
    erased(app)
    with app.app_context():
        assert db.session.scalar(select(Erasure.erased_at)) is not None
        assert db.session.scalars(select(Gift.recipient_email, Gift.message)).one() == ""
    subjects = [(letter["To"], letter["Subject"]) for letter in postbox.letters]
    assert [to for to, _ in subjects].count("barnabe@example.net") == 1
    assert "Votre compte est effacé" in subjects[-1][1]
    assert any("avoir" in subject for _, subject in subjects), "the credit note came before"


@pytest.mark.parametrize("step", ["erase.refunded", "erase.told"])
@both_engines
def test_killed_on_the_way_and_done_again(app: Flask, shop: Shop, sandbox: str, step: str) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    bought(app, client, sandbox, "20")
    if step == "erase.refunded":
        assert is_killed_at(app, step, lambda: leave(client))
        assert client.get("/compte").status_code == 200
        leave(client)
    else:
        leave(client)
        do_jobs(app)
        assert is_killed_at(app, step, lambda: erase.erase(person.id))
    erased(app)
    with app.app_context():
        assert db.session.scalar(select(Erasure.erased_at)) is not None
        assert [refund.state for refund in db.session.scalars(select(Refund))] == ["succeeded"]
    books(app)


@both_engines
def test_the_account_is_gone_and_the_address_free(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    client, elsewhere = shop.signed_in(person), shop.signed_in(person)
    leave(client)
    assert elsewhere.get("/compte").status_code == 303
    stranger = app.test_client()
    for password in (PASSWORD, "!", "nobody's password"):
        data = {"email": person.email, "password": password, "csrf_token": csrf_of(stranger, "/connexion")}
        assert stranger.post("/connexion", data=data).status_code == 422
    erased(app)
    again = shop.customer(person.email)
    assert again.id != person.id
    assert shop.signed_in(again).get("/compte").status_code == 200
    for name in ("customer:1", "customer%3A1"):
        data = {"email": name, "password": PASSWORD, "csrf_token": csrf_of(stranger, "/connexion")}
        assert stranger.post("/connexion", data=data).status_code == 422


def test_only_who_means_it_and_proves_it_is_erased(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    token = {"csrf_token": csrf_of(client, SECOND)}
    assert 'name="password"' not in client.get(SECOND).text  # signed in just now
    for word in ("", "x", "erase", "effacer mon compte"):
        assert client.post(SECOND, data=token | {"word": word}).status_code == 422
    with app.app_context(), transaction() as session:
        session.execute(CustomerSession.__table__.update().values(proved_at=clock.now() - timedelta(minutes=16)))
    assert 'name="password"' in client.get(SECOND).text
    for password in ("", "not-it-at-all"):
        assert client.post(SECOND, data=token | {"word": "EFFACER", "password": password}).status_code == 422
    with app.app_context():
        assert db.session.scalar(select(Erasure.customer_id)) is None
    assert client.get("/compte").status_code == 200
    assert client.post(SECOND, data=token | {"word": "EFFACER", "password": PASSWORD}).status_code == 303


@both_engines
def test_who_owes_or_is_paying_stays_for_now(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer(credit=100)
    client = shop.signed_in(person)
    token = {"csrf_token": csrf_of(client, SECOND)}
    with app.app_context(), transaction() as session:
        wallet = lock_wallet(session, person.wallet_id)
        freeze(session, wallet, reference="refund:1", cents=100, at=clock.now())
    assert_stays(client, token)
    payer = shop.customer("paul@example.org")
    order_id = sales.order(app, payer)
    with app.app_context(), transaction() as session:
        session.get_one(Order, order_id).state = "processing"
    paying = shop.signed_in(payer)
    assert_stays(paying, {"csrf_token": csrf_of(paying, "/compte")})


def assert_stays(client: FlaskClient, token: dict[str, str]) -> None:
    page = client.get(FIRST).text
    assert 'role="alert"' in page and "/effacer/confirmer" not in page
    assert client.get(SECOND).location == FIRST
    assert client.post(SECOND, data=token | {"word": "EFFACER"}).location == FIRST
    assert client.get("/compte").status_code == 200


@both_engines
def test_a_strangers_card_cannot_be_given_back_in_passing(app: Flask, shop: Shop, sandbox: str) -> None:
    victim = shop.customer("paul@example.org")
    bought(app, shop.signed_in(victim), sandbox, "20")
    client = shop.signed_in(shop.customer())
    token = csrf_of(client, SECOND)
    assert client.post(SECOND, data={"csrf_token": token, "word": "EFFACER", "rendre": ["1", "x"]}).status_code == 303
    erased(app)
    assert shop.credit_of(victim) == 2100
    with app.app_context():
        assert db.session.scalar(select(Refund.id)) is None
        assert db.session.get_one(Customer, victim.id).email == victim.email


def test_staff_who_leave_work_here_no_longer(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.staff())
    leave(client)
    erased(app)
    with app.app_context():
        assert db.session.scalars(select(Customer.role)).one() is None
        assert db.session.scalar(select(Archive.customer_id)) is None


def test_the_pages_ask_the_database_no_more_for_whoever_has_much(
    app: Flask, shop: Shop, query_count: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    person = shop.customer(credit=100)
    client = shop.signed_in(person)

    def asked() -> list[int]:
        counts = []
        for page in ("/compte/donnees", FIRST, SECOND):
            with query_count() as queries:
                assert client.get(page).status_code == 200
            counts.append(len(queries))
        return counts

    sales.sell(app, person)
    one = asked()
    for _ in range(3):
        sales.sell(app, person)
        with app.app_context():
            wish = GiftWish("email", RECIPIENT, "barnabe@example.net", "Bon film", clock.today() + timedelta(days=30))
        Counter(app).card(person, gift=wish)
    assert asked() == one and max(one) <= 15
