"""Receipts: numbered within a year without gap or double, whatever is rolled back or killed; written once, for good."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from store import clock
from store.checkout.fulfil import settle
from store.checkout.models import Order, Receipt
from store.checkout.receipts import CREDIT_NOTE, SALE, issue_sale, lines_of
from store.customers.models import Customer
from store.db import db, prepare, transaction
from store.jobs.models import Job
from store.ledger.reconcile import differences
from store.prepaid_cards.models import PrepaidCard
from store.stop import stop_at
from tests.checkout import sales
from tests.checkout.test_buying_a_card import order_card, pay
from tests.conftest import both_engines
from tests.killed import are_killed_at
from tests.shop import Shop

NEW_YEAR = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
"""Midnight in Paris."""


class Mishap(Exception):
    """Something else in the transaction went wrong."""


def numbers(app: Flask, series: str = SALE) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(Receipt.number).where(Receipt.series == series).order_by(Receipt.id)))


def found(app: Flask, number: str) -> Receipt:
    with app.app_context():
        return next(one for one in db.session.scalars(select(Receipt)) if one.shown_number == number)


@both_engines
def test_no_gap_and_no_double_where_many_issue_and_some_roll_back(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    orders = [sales.order(app, person, purpose="gift") for _ in range(24)]
    barrier = threading.Barrier(8)

    def issue(number: int) -> None:
        barrier.wait()
        for order_id in orders[number::8]:
            with app.app_context(), suppress(Mishap), transaction() as session:
                order = session.get_one(Order, order_id)
                issue_sale(session, order, [sales.card_of(session, order)], clock.now())
                if order_id % 3 == 0:
                    raise Mishap

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(issue, number) for number in range(8)]:
            done.result()
    kept = [order_id for order_id in orders if order_id % 3]
    assert numbers(app) == list(range(1, len(kept) + 1))
    with app.app_context():
        assert sorted(db.session.scalars(select(Receipt.order_id))) == kept


@both_engines
def test_no_gap_and_no_double_where_many_settle_and_some_are_killed(app: Flask, shop: Shop, sandbox: str) -> None:
    client = shop.signed_in(shop.customer())
    session_ids = [order_card(client, "10") for _ in range(6)]
    for session_id in session_ids:
        pay(sandbox, session_id)

    def settle_all(seed: int) -> None:
        for session_id in random.Random(seed).sample(session_ids, len(session_ids)):
            settle(session_id)

    steps = ["settle.enqueued", "", "settle.enqueued", "settle.committed", ""]
    killed = are_killed_at(app, [(step, lambda seed=seed: settle_all(seed)) for seed, step in enumerate(steps)])
    assert killed[3] and not killed[1] and not killed[4]
    with app.app_context():
        settle_all(9)
        assert list(differences(db.session)) == []
        assert sorted(db.session.scalars(select(Receipt.order_id))) == sorted(db.session.scalars(select(Order.id)))
        assert set(db.session.scalars(select(Order.state))) == {"paid"}
    assert numbers(app) == [1, 2, 3, 4, 5, 6]


@both_engines
def test_what_was_killed_gives_its_number_back(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    order_id = sales.order(app, person)

    def issue_and_die() -> None:
        with transaction() as session:
            order = session.get_one(Order, order_id)
            issue_sale(session, order, [sales.card_of(session, order)], clock.now())
            stop_at("issued")

    sales.sell(app, person)
    assert are_killed_at(app, [("issued", issue_and_die)]) == [True]
    assert numbers(app) == [1]
    assert sales.pay(app, person, order_id).endswith("-000002")


@both_engines
def test_years_are_the_shops_and_series_are_apart(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    before, after = NEW_YEAR - timedelta(seconds=1), NEW_YEAR
    shown = [sales.sell(app, person, 1000, 1000, at=at) for at in (before, after, before, after)]
    assert shown == ["2026-000001", "2027-000001", "2026-000002", "2027-000002"]
    year = clock_year(app)
    assert sales.refund(app, person, 1, 300) == f"A-{year}-000001"
    assert sales.refund(app, person, 1, 300, "refund:2") == f"A-{year}-000002"


def clock_year(app: Flask) -> int:
    with app.app_context():
        return clock.today().year


@both_engines
def test_repeated_it_is_the_same_receipt(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    order_id = sales.order(app, person)
    first = sales.pay(app, person, order_id)
    assert sales.pay(app, person, order_id) == first
    assert sales.refund(app, person, order_id, 500) == sales.refund(app, person, order_id, 500)
    assert (numbers(app), numbers(app, CREDIT_NOTE)) == ([1], [1])
    with app.app_context():
        letters = select(func.count(Job.id)).where(Job.name == "checkout.mail_credit_note")
        assert db.session.scalar(letters) == 1
    assert sales.sell(app, person).endswith("-000002")


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_of_two_for_one_order_at_once_the_second_starts_again(app: Flask, shop: Shop) -> None:
    """Without the order's lock, which the only caller holds: the number that it took is given back."""
    person = shop.customer()
    order_id = sales.order(app, person)
    barrier = threading.Barrier(2)

    def issue() -> bool:
        try:
            with app.app_context(), transaction() as session:
                order = session.get_one(Order, order_id)
                card = sales.card_of(session, order)
                barrier.wait()
                issue_sale(session, order, [card], clock.now())
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert any(done.result() for done in [pool.submit(issue), pool.submit(issue)])
    assert numbers(app) == [1]
    assert sales.sell(app, person).endswith("-000002")


@both_engines
def test_a_sales_receipt_takes_one_statement(app: Flask, shop: Shop, query_count) -> None:
    person = shop.customer()
    order_id = sales.order(app, person)
    with app.app_context(), transaction() as session:
        order = session.get_one(Order, order_id)
        card = sales.card_of(session, order)
        with query_count() as queries:
            issue_sale(session, order, [card], clock.now())
    assert len(queries) == 1


@both_engines
def test_it_stays_as_it_was_on_its_day(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    number = sales.sell(app, person)
    app.config["SHOP_NAME"] = "Another shop"
    with app.app_context(), transaction() as session:
        session.execute(update(Customer).values(name="Somebody", email="else@example.org"))
    receipt = found(app, number)
    assert (receipt.buyer_name, receipt.buyer_email) == ("Jeanne", "jeanne@example.org")
    assert receipt.seller_name == "CinéMutins"
    assert (receipt.total_cents, receipt.currency, receipt.terms_version) == (2000, "EUR", "2026-11")
    assert [(line["quantity"], line["unit_cents"], line["credit_cents"]) for line in receipt.lines] == [(1, 2000, 2100)]


def test_cards_that_are_alike_are_one_line() -> None:
    def card(number: int, price: int, credit: int) -> PrepaidCard:
        return PrepaidCard(reference=f"order:1/{number}", price_cents=price, credit_cents=credit, last4=f"000{number}")

    lines = lines_of([card(1, 2000, 2100), card(2, 5000, 5500), card(3, 2000, 2100), card(4, 2000, 2000)])
    assert [(line.quantity, line.unit_cents, line.credit_cents, line.numbers) for line in lines] == [
        (1, 5000, 5500, ("0002",)),
        (2, 2000, 2100, ("0001", "0003")),
        (1, 2000, 2000, ("0004",)),
    ]
    assert lines[1].references == ("order:1/1", "order:1/3")


REFUSED = [
    "UPDATE receipt SET total_cents = 1",
    "UPDATE receipt SET buyer_name = 'x'",
    "DELETE FROM receipt",
    "INSERT INTO receipt SELECT 99, series, year, number + 2, 'order:99', customer_id, order_id, corrects_id, issued_at,"
    " total_cents, currency, vat_mode, vat_percent, vat_cents, lines, terms_version, seller_name, seller_imprint, buyer_name,"
    " buyer_email FROM receipt",
    "INSERT INTO receipt SELECT 99, series, year, number, 'order:99', customer_id, order_id, corrects_id, issued_at,"
    " total_cents, currency, vat_mode, vat_percent, vat_cents, lines, terms_version, seller_name, seller_imprint, buyer_name,"
    " buyer_email FROM receipt",
    "UPDATE prepaid_card SET vat_mode = 'none'",
]
REFUSED_BY_ONE = {
    "sqlite": ["INSERT OR REPLACE INTO receipt SELECT * FROM receipt", "DROP TABLE receipt"],
    "postgresql": ["TRUNCATE receipt", "ALTER TABLE receipt DISABLE TRIGGER ALL"],
}


@both_engines
def test_the_database_keeps_receipts_as_they_are(app: Flask, shop: Shop, engine_name: str) -> None:
    number = sales.sell(app, shop.customer())
    for tampering in REFUSED + REFUSED_BY_ONE[engine_name]:
        with app.app_context(), pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(tampering))
    assert numbers(app) == [1]
    assert found(app, number).total_cents == 2000


@both_engines
def test_the_database_keeps_them_from_its_owner_too(app: Flask, shop: Shop, engine_name: str) -> None:
    sales.sell(app, shop.customer())
    engine = create_engine(app.config["MIGRATION_DATABASE_URL"])
    for tampering in REFUSED[:4] + REFUSED_BY_ONE[engine_name][: engine_name == "postgresql"]:
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(tampering))
    engine.dispose()


@both_engines
def test_the_shop_itself_may_not_change_them_whatever_became_of_the_guards(
    app: Flask, shop: Shop, engine_name: str
) -> None:
    sales.sell(app, shop.customer())
    engine = prepare(create_engine(app.config["MIGRATION_DATABASE_URL"]), of_the_owner=True)
    on = " ON receipt" if engine_name == "postgresql" else ""
    with engine.begin() as connection:
        for guard in ("receipt_is_never_changed", "receipt_is_never_removed"):
            connection.execute(text(f"DROP TRIGGER {guard}{on}"))
    engine.dispose()
    for tampering in REFUSED[:3]:
        with app.app_context(), pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(tampering))


def vat_of(app: Flask, number: str) -> tuple[str, str | None, int]:
    receipt = found(app, number)
    return receipt.vat_mode, receipt.vat_percent, receipt.vat_cents


@both_engines
def test_a_multi_purpose_card_is_sold_without_vat(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    assert vat_of(app, sales.sell(app, person)) == ("multi", None, 0)
    assert vat_of(app, sales.refund(app, person, 1, 500)) == ("multi", None, 0)


@both_engines
def test_a_single_purpose_card_is_taxed_on_what_was_paid(app: Flask, shop: Shop) -> None:
    app.config["CARD_VAT_MODE"] = "single"
    assert vat_of(app, sales.sell(app, shop.customer(), 2000, 2100)) == ("single", "20", 333)


@both_engines
def test_the_mode_is_fixed_at_issuance(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    order_id = sales.order(app, person)
    app.config["CARD_VAT_MODE"] = "single"
    assert vat_of(app, sales.pay(app, person, order_id)) == ("multi", None, 0)
    single = sales.order(app, person)
    app.config["CARD_VAT_MODE"] = "multi"
    assert vat_of(app, sales.pay(app, person, single)) == ("single", "20", 333)


def test_printed_cards_have_the_shops_mode(app: Flask, tmp_path) -> None:
    app.config["CARD_VAT_MODE"] = "single"
    out = str(tmp_path / "cards.csv")
    result = app.test_cli_runner().invoke(args=["cards", "batch", "--denomination", "20", "--count", "2", "--out", out])
    assert result.exit_code == 0, result.output
    with app.app_context():
        assert list(db.session.scalars(select(PrepaidCard.vat_mode))) == ["single", "single"]


@both_engines
def test_a_refund_of_an_order_of_before_is_numbered_too(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    sales.sell(app, person, has_receipt=False)
    note = found(app, sales.refund(app, person, 1, 500))
    assert (note.corrects_id, note.vat_mode, note.total_cents) == (None, "multi", 500)
