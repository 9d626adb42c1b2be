"""What each act books, cent by cent, and which lots it takes from."""

from dataclasses import FrozenInstanceError
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import NoResultFound

from store.db import db
from store.ledger.chart import BONUS_VALUE, GOODWILL, PURCHASE_SALES, STORED_VALUE, TILL, UNREDEEMED_CARDS
from store.ledger.models import Journal
from store.ledger.post import Entry, InsufficientCredit
from tests.conftest import both_engines
from tests.ledger.acts import AT, DAY, SECOND, Books, Left, bonus, paid, taxed

pytestmark = both_engines


def journal(books: Books, journal_id: int) -> tuple:
    columns = Journal.kind, Journal.idempotency_key, Journal.reference, Journal.currency, Journal.at
    with books.app.app_context():
        return tuple(db.session.execute(select(*columns).where(Journal.id == journal_id)).one())


def forbid_indexes(app: Flask) -> None:
    """Let PostgreSQL read whole tables in all connections from now on."""
    url = app.config["MIGRATION_DATABASE_URL"]
    owner = create_engine(url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        for way in ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"):
            connection.execute(text(f'ALTER DATABASE "{make_url(url).database}" SET {way} = off'))
    owner.dispose()
    with app.app_context():
        db.engine.dispose()


def test_a_deposit_fills_new_lots_from_who_pays_for_them(books: Books) -> None:
    wallet_id, end = books.wallet(), AT + 365 * DAY
    journal_id = books.deposit(wallet_id, paid(2000), bonus(100, end), kind="card", key="k", reference="card:7")
    assert journal(books, journal_id) == ("card", "k", "card:7", "EUR", AT)
    assert books.postings(journal_id) == [("goodwill", "stored_value", 2000), ("promotions", "bonus_value", 100)]
    assert books.lots(wallet_id) == [
        Left("paid", "card:7", 2000, 2000, None, AT),
        Left("bonus", "card:7", 100, 100, end, AT),
    ]
    assert books.differences() == []


def test_a_movement_is_in_the_currency_of_its_wallet(books: Books) -> None:
    wallet_id = books.wallet(paid(1000), bonus(100, AT), currency="CHF")
    acts = [
        books.spend(wallet_id, 100, currency="CHF"),
        held := books.hold(wallet_id, 100),
        books.reverse(wallet_id, held),
    ]
    assert books.expire(wallet_id, books.lot_ids(wallet_id)[1], AT) == 100
    assert {journal(books, journal_id)[3] for journal_id in acts} == {"CHF"}
    assert books.differences() == []


def test_a_spend_needs_a_wallet_of_its_currency(books: Books) -> None:
    swiss = books.wallet(paid(1000), currency="CHF")
    for wallet_id in (swiss, swiss + 1):
        with pytest.raises(LookupError, match="no wallet"):
            books.spend(wallet_id, 100, currency="EUR")
    assert books.remaining(swiss) == [1000]


def test_a_spend_needs_an_instant_of_which_everybody_knows_when_it_is(books: Books) -> None:
    wallet_id = books.wallet(paid(1000))
    with pytest.raises(ValueError, match="time zone"):
        books.spend(wallet_id, 100, at=AT.replace(tzinfo=None))


def test_an_empty_wallet_is_not_a_missing_one(books: Books) -> None:
    with pytest.raises(InsufficientCredit) as refusal:
        books.spend(books.wallet(), 100)
    assert refusal.value.missing == 100


def test_a_spend_says_what_for(books: Books) -> None:
    wallet_id = books.wallet(paid(1000))
    sale = {"kind": "purchase", "sales_account": PURCHASE_SALES, "reference": "film:7", "vat_percent": Decimal("5.5")}
    journal_id = books.spend(wallet_id, 900, **sale, key="k", at=AT + DAY)
    assert journal(books, journal_id) == ("purchase", "k", "film:7", "EUR", AT + DAY)
    assert books.postings(journal_id) == [
        ("stored_value", "purchase_sales", 853),
        ("stored_value", "vat_collected", 47),
    ]


def test_without_tax_the_whole_price_is_income(books: Books) -> None:
    wallet_id = books.wallet(paid(1000))
    assert books.postings(books.spend(wallet_id, 900, vat_percent=Decimal(0))) == [
        ("stored_value", "rental_sales", 900)
    ]


def test_the_vat_of_a_single_purpose_card_is_booked_at_its_sale(books: Books) -> None:
    wallet_id = books.wallet()
    sold = books.deposit(wallet_id, taxed(2000, 333), bonus(100), sale_vat=333)
    assert books.postings(sold) == [
        ("goodwill", "stored_value", 2000),
        ("promotions", "bonus_value", 100),
        ("voucher_vat", "vat_collected", 333),
    ]
    assert books.differences() == []


def test_what_was_taxed_at_its_sale_is_spent_without_vat_to_its_last_cent(books: Books) -> None:
    """Whatever the rate of the day is; and what was undone meanwhile shifts no cent."""
    wallet_id, vat = books.wallet(), []
    books.deposit(wallet_id, taxed(1000, 167), sale_vat=167)
    for cents in (333, 101, 1):
        spent = books.spend(wallet_id, cents, vat_percent=Decimal("5.5"))
        vat += [amount for _, credit, amount in books.postings(spent) if credit == "voucher_vat"]
        if cents == 101:
            books.reverse(wallet_id, spent)
            assert books.differences() == []
    assert vat == [56, 17]
    last = books.spend(wallet_id, 666)
    assert books.postings(last) == [("stored_value", "rental_sales", 555), ("stored_value", "voucher_vat", 111)]
    assert books.differences() == []


def test_a_whole_single_purpose_card_keeps_none_of_its_vat(books: Books) -> None:
    wallet_id = books.wallet()
    books.deposit(wallet_id, taxed(1000, 167), sale_vat=167)
    assert books.postings(books.spend(wallet_id, 1000)) == [
        ("stored_value", "rental_sales", 833),
        ("stored_value", "voucher_vat", 167),
    ]


def test_at_the_instant_of_its_end_credit_is_neither_spent_nor_set_aside(books: Books) -> None:
    wallet_id = books.wallet(paid(100), bonus(100, AT + SECOND))
    for at in (AT + SECOND, AT + DAY):
        with pytest.raises(InsufficientCredit):
            books.spend(wallet_id, 101, at=at)
        with pytest.raises(InsufficientCredit):
            books.hold(wallet_id, 100, bonus=1, at=at)
    books.hold(wallet_id, 50, bonus=50)
    books.spend(wallet_id, 100)
    assert books.remaining(wallet_id) == [0, 0]


def test_what_is_set_aside_takes_its_vat_along(books: Books) -> None:
    wallet_id = books.wallet()
    books.deposit(wallet_id, taxed(1000, 167), sale_vat=167)
    held = books.hold(wallet_id, 250)
    assert books.postings(held) == [
        ("stored_value", "held_value", 208),
        ("stored_value", "voucher_vat", 42),
        ("voucher_vat", "held_value", 42),
    ]
    spent = books.spend(wallet_id, 750)
    assert ("stored_value", "voucher_vat", 125) in books.postings(spent)
    books.reverse(wallet_id, held)
    assert books.remaining(wallet_id) == [250]
    assert books.postings(books.spend(wallet_id, 250))[1] == ("stored_value", "voucher_vat", 42)
    assert books.differences() == []


def test_a_last_cent_can_be_spent(books: Books) -> None:
    """Of one cent nothing is tax: an entry of 0 would be refused."""
    wallet_id = books.wallet(paid(1))
    assert books.postings(books.spend(wallet_id, 1)) == [("stored_value", "rental_sales", 1)]
    assert books.remaining(wallet_id) == [0]


def test_a_spend_takes_from_its_own_wallet_alone(books: Books) -> None:
    other, mine = books.wallet(bonus(500, AT + DAY)), books.wallet(paid(1000))
    books.spend(mine, 300)
    with pytest.raises(InsufficientCredit) as refusal:
        books.spend(mine, 1000)
    assert refusal.value.missing == 300
    assert (books.remaining(other), books.remaining(mine)) == ([500], [700])


def test_a_spend_takes_what_expires_first_then_the_oldest(books: Books) -> None:
    """However the database finds the lots: without an index PostgreSQL meets one that was touched behind the others."""
    if books.app.config["DATABASE_URL"].startswith("postgresql"):
        forbid_indexes(books.app)
    end = AT + DAY
    wallet_id = books.wallet(paid(100), paid(100), bonus(100, end + DAY), bonus(100, end), bonus(100, end))
    taken = []
    for _ in range(9):
        before = books.remaining(wallet_id)
        books.spend(wallet_id, 50)
        taken.append([was - left for was, left in zip(before, books.remaining(wallet_id), strict=True)].index(50))
    assert taken == [3, 3, 4, 4, 2, 2, 0, 0, 1]


def test_a_lot_can_be_spent_until_the_instant_of_its_end(books: Books) -> None:
    wallet_id, end = books.wallet(bonus(100, AT)), AT
    books.spend(wallet_id, 40, at=end - SECOND)
    with pytest.raises(InsufficientCredit) as refusal:
        books.spend(wallet_id, 60, at=end)
    assert refusal.value.missing == 60


def test_a_hold_takes_of_its_card_the_oldest_lot_first(books: Books) -> None:
    end = AT + DAY
    other = books.wallet(paid(500))
    mine = books.wallet(paid(100), paid(100, end), paid(100))
    books.deposit(mine, paid(500), reference="card:2")
    first, second = books.hold(mine, 50, key="k"), books.hold(mine, 100)
    assert journal(books, first) == ("hold", "k", "card:1", "EUR", AT)
    assert books.postings(first) == [("stored_value", "held_value", 50)]
    assert books.postings(second) == [("stored_value", "held_value", 50)] * 2
    assert books.remaining(mine) == [0, 50, 100, 500]
    with pytest.raises(InsufficientCredit) as refusal:
        books.hold(mine, 151)
    assert refusal.value.missing == 1
    assert (books.remaining(mine), books.remaining(other)) == ([0, 50, 100, 500], [500])


def test_the_end_of_a_bonus_is_booked_under_its_card(books: Books) -> None:
    wallet_id = books.wallet(bonus(100, AT), bonus(50, AT), reference="card:7")
    one, other = books.lot_ids(wallet_id)
    assert [books.expire(wallet_id, lot_id, AT) for lot_id in (one, other, one)] == [100, 50, 0]
    assert books.remaining(wallet_id) == [0, 0]
    with books.app.app_context():
        ends = db.session.execute(select(Journal.id, Journal.reference, Journal.at).where(Journal.kind == "expiry"))
        booked = [(books.postings(row.id), row.reference, row.at) for row in ends]
    assert booked == [([("bonus_value", "promotions", cents)], "card:7", AT) for cents in (100, 50)]


def test_nothing_else_ends(books: Books) -> None:
    """Not paid credit, nor a bonus before its end, nor one that has none, nor another wallet's."""
    wallet_id = books.wallet(paid(100, AT), bonus(100, AT + SECOND), bonus(100), bonus(100, AT))
    other = books.wallet()
    lot_ids = books.lot_ids(wallet_id)
    assert [books.expire(wallet_id, lot_id, AT) for lot_id in lot_ids[:3]] == [0, 0, 0]
    assert books.expire(other, lot_ids[3], AT) == 0
    assert books.expire(wallet_id, max(lot_ids) + 1, AT) == 0
    assert books.remaining(wallet_id) == [100, 100, 100, 100]


def test_what_fills_an_ended_lot_again_ends_again(books: Books) -> None:
    """A refund that began before the end and came after the booking; twice, so that each end is booked under its own key."""
    wallet_id = books.wallet(bonus(90, AT + DAY))
    [lot_id] = books.lot_ids(wallet_id)
    spent = [books.spend(wallet_id, 30) for _ in range(2)]
    assert books.expire(wallet_id, lot_id, AT + DAY) == 30
    for journal_id in spent:
        books.reverse(wallet_id, journal_id, at=AT + DAY - SECOND)
        assert [books.expire(wallet_id, lot_id, AT + DAY) for _ in range(2)] == [30, 0]
    assert books.remaining(wallet_id) == [0]
    assert books.differences() == []


def test_a_transfer_books_its_entries_in_its_currency(books: Books) -> None:
    entries = [Entry(TILL, UNREDEEMED_CARDS, 2000), Entry(GOODWILL, TILL, 100)]
    journal_id = books.transfer(*entries, kind="sale", key="k", reference="card:7", currency="CHF", at=AT + DAY)
    assert journal(books, journal_id) == ("sale", "k", "card:7", "CHF", AT + DAY)
    assert books.postings(journal_id) == [("till", "unredeemed_cards", 2000), ("goodwill", "till", 100)]


@pytest.mark.parametrize("account", [STORED_VALUE, BONUS_VALUE])
@pytest.mark.parametrize("is_debit", [True, False])
def test_a_transfer_never_moves_credit_past_its_wallet(books: Books, account: str, is_debit: bool) -> None:
    moving = Entry(account, TILL, 100) if is_debit else Entry(TILL, account, 100)
    with pytest.raises(ValueError):
        books.transfer(Entry(TILL, UNREDEEMED_CARDS, 2000), moving)


def test_a_reversal_exchanges_debit_and_credit_lot_by_lot(books: Books) -> None:
    wallet_id = books.wallet(paid(300), bonus(100, AT + 9 * DAY), reference="card:1")
    spent = books.spend(wallet_id, 340, reference="film:7")
    undone = books.reverse(wallet_id, spent, kind="undone", key="k", at=AT + DAY)
    assert journal(books, undone) == ("undone", "k", "film:7", "EUR", AT + DAY)
    assert books.postings(undone) == [
        ("promotions", "bonus_value", 100),
        ("rental_sales", "stored_value", 200),
        ("vat_collected", "stored_value", 40),
    ]
    assert books.remaining(wallet_id) == [300, 100]


def test_a_reversed_deposit_takes_back_what_it_gave(books: Books) -> None:
    """Also a bonus that has expired: what goes out of a lot is no goodwill."""
    wallet_id = books.wallet()
    given = books.deposit(wallet_id, paid(300), bonus(100, AT))
    undone = books.reverse(wallet_id, given, at=AT + DAY)
    assert books.postings(undone) == [("stored_value", "goodwill", 300), ("bonus_value", "promotions", 100)]
    assert books.remaining(wallet_id) == [0, 0]


def test_goodwill_lasts_ninety_days_and_is_paid_by_who_was_paid(books: Books) -> None:
    wallet_id = books.wallet(bonus(100, AT + DAY), bonus(50, AT + DAY), paid(300, AT + 2 * DAY), reference="card:1")
    spent = books.spend(wallet_id, 160, reference="film:7")
    undone = books.reverse(wallet_id, spent, at=AT + DAY)
    assert books.postings(undone) == [
        ("promotions", "bonus_value", 100),
        ("promotions", "bonus_value", 50),
        ("rental_sales", "stored_value", 8),
        ("vat_collected", "stored_value", 2),
    ]
    end = AT + DAY + timedelta(days=90)
    assert books.lots(wallet_id)[3:] == [
        Left("bonus", "film:7", 100, 100, end, AT + DAY),
        Left("bonus", "film:7", 50, 50, end, AT + DAY),
    ]
    assert books.remaining(wallet_id)[:3] == [0, 0, 300]
    assert books.differences() == []


def test_a_reversal_needs_a_journal_of_its_wallet(books: Books) -> None:
    mine, other = books.wallet(paid(300)), books.wallet(paid(300))
    spent = books.spend(other, 100)
    with pytest.raises(ValueError):
        books.reverse(mine, spent)
    with pytest.raises(NoResultFound):
        books.reverse(other, spent + 1)
    assert (books.remaining(mine), books.remaining(other)) == ([300], [200])


def test_what_moved_house_money_alone_can_be_reversed(books: Books) -> None:
    sold = books.transfer(Entry(TILL, UNREDEEMED_CARDS, 2000))
    assert books.postings(books.reverse(books.wallet(), sold)) == [("unredeemed_cards", "till", 2000)]


@pytest.mark.parametrize("what", [Entry(TILL, GOODWILL, 1), paid(1)], ids=["entry", "lot"])
def test_what_was_asked_for_cannot_change_on_its_way(app: Flask, what: object) -> None:
    with pytest.raises(FrozenInstanceError):
        what.amount = 2
