"""The audit: proves the promises of the ledger from its postings alone, and names every difference."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, insert, or_, select, text
from sqlalchemy.orm import Session

from store.ledger.chart import (
    ACCOUNT_OF_LOT_KIND,
    CHART,
    LOT_ACCOUNTS,
    UNREDEEMED_CARDS,
    VAT_COLLECTED,
    VOUCHER_VAT,
)
from store.ledger.close import BEGINNING, digest_of
from store.ledger.models import AuditRun, Closing, Journal, Lot, Posting, Wallet

GUARDS = frozenset(
    {
        "journal_is_never_changed",
        "journal_is_never_removed",
        "posting_is_never_changed",
        "posting_is_never_removed",
        "posting_moves_its_lot",
        "lot_begins_empty",
        "lot_is_never_removed",
        "lot_keeps_its_origin",
        "closing_is_never_changed",
        "closing_is_never_removed",
        "audit_entry_is_never_changed",
        "audit_entry_is_never_removed",
        "receipt_is_never_changed",
        "receipt_is_never_removed",
        "receipt_may_forget_its_buyer",
        "receipt_follows_the_one_before",
    }
)
"""Triggers of the books, and of what else is written once: the audit log and the receipts."""

GUARDS_OF_POSTGRESQL = GUARDS | {
    "journal_is_never_truncated",
    "posting_is_never_truncated",
    "lot_is_never_truncated",
    "lot_moves_with_its_postings",
    "closing_is_never_truncated",
    "audit_entry_is_never_truncated",
    "receipt_is_never_truncated",
}


def differences(session: Session) -> Iterator[str]:
    """A sentence for each thing that is not as the postings say it must be; nothing when the books are right."""
    yield from _missing_guards(session)
    yield from _impossible_postings(session)
    yield from _journals_without_postings(session)
    yield from _lots_that_differ(session)
    yield from _cards_redeemed_beyond_their_sale(session)
    yield from _lots_taxed_twice_or_wrongly(session)
    yield from _cards_taxed_beyond_their_sale(session)
    yield from _broken_chain(session)


def record(session: Session, found: int, at: datetime) -> None:
    """Keep that an audit took place and how many differences it found."""
    journals = session.scalars(select(func.count()).select_from(Journal)).one()
    session.execute(insert(AuditRun).values(at=at, journals=journals, differences=found))


def _missing_guards(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        expected, found = GUARDS, session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    else:
        enabled = text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'")
        expected, found = GUARDS_OF_POSTGRESQL, session.scalars(enabled)
    for name in sorted(expected - set(found)):
        yield f"guard {name} is missing from the database"


def _impossible_postings(session: Session) -> Iterator[str]:
    codes = [account.code for account in CHART]
    touches_lot = or_(Posting.debit_account.in_(LOT_ACCOUNTS), Posting.credit_account.in_(LOT_ACCOUNTS))
    rules = {
        "has an amount that is not a positive integer": Posting.amount <= 0,
        "names an account outside the chart": or_(
            Posting.debit_account.not_in(codes), Posting.credit_account.not_in(codes)
        ),
        "debits and credits one account": Posting.debit_account == Posting.credit_account,
        "moves stored value without a lot": touches_lot & Posting.lot_id.is_(None),
        "names a lot but moves no stored value": ~touches_lot & Posting.lot_id.is_not(None),
    }
    for complaint, rule in rules.items():
        for posting_id in session.scalars(select(Posting.id).where(rule).order_by(Posting.id)):
            yield f"posting {posting_id} {complaint}"
    currencies = (
        select(Posting.id, Journal.currency, Wallet.currency.label("of_the_wallet"))
        .join(Journal, Journal.id == Posting.journal_id)
        .join(Lot, Lot.id == Posting.lot_id)
        .join(Wallet, Wallet.id == Lot.wallet_id)
        .where(Journal.currency != Wallet.currency)
    )
    for row in session.execute(currencies.order_by(Posting.id)):
        yield f"posting {row.id} moves {row.currency} in a wallet of {row.of_the_wallet}"
    orphans = select(Posting.id).outerjoin(Journal).where(Journal.id.is_(None))
    for posting_id in session.scalars(orphans.order_by(Posting.id)):
        yield f"posting {posting_id} belongs to no journal"


def _journals_without_postings(session: Session) -> Iterator[str]:
    empty = select(Journal.id).outerjoin(Posting).where(Posting.id.is_(None)).order_by(Journal.id)
    for journal_id in session.scalars(empty):
        yield f"journal {journal_id} has no posting"


def _lots_that_differ(session: Session) -> Iterator[str]:
    credited = func.sum(case((Posting.credit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=0))
    debited = func.sum(case((Posting.debit_account.in_(LOT_ACCOUNTS), Posting.amount), else_=0))
    rows = session.execute(
        select(
            Lot.id,
            Lot.kind,
            Lot.initial,
            Lot.remaining,
            func.coalesce(credited, 0).label("credited"),
            func.coalesce(debited, 0).label("debited"),
        )
        .outerjoin(Posting, Posting.lot_id == Lot.id)
        .group_by(Lot.id, Lot.kind, Lot.initial, Lot.remaining)
        .order_by(Lot.id)
    )
    first_amounts = _first_amounts(session)
    for lot in rows:
        if lot.credited - lot.debited != lot.remaining:
            yield f"lot {lot.id} says {lot.remaining} cents remain, its postings say {lot.credited - lot.debited}"
        if not 0 <= lot.remaining <= lot.initial:
            yield f"lot {lot.id} holds {lot.remaining} of {lot.initial} cents"
        if first_amounts.get(lot.id) != (lot.initial, ACCOUNT_OF_LOT_KIND.get(lot.kind)):
            yield f"lot {lot.id} was not filled by its first posting with its initial {lot.initial} cents of {lot.kind} credit"


def _first_amounts(session: Session) -> dict[int, tuple[int, str]]:
    """What each lot's first posting put into it: cents, and the account that it credited."""
    first = select(func.min(Posting.id)).where(Posting.lot_id.is_not(None)).group_by(Posting.lot_id)
    rows = session.execute(select(Posting.lot_id, Posting.amount, Posting.credit_account).where(Posting.id.in_(first)))
    return {row.lot_id: (row.amount, row.credit_account) for row in rows}


def _cards_redeemed_beyond_their_sale(session: Session) -> Iterator[str]:
    """What a card's sale put aside is what its redemption takes: never more, whichever journals say so."""
    aside = func.sum(case((Posting.credit_account == UNREDEEMED_CARDS, Posting.amount), else_=-Posting.amount))
    rows = session.execute(
        select(Journal.reference, aside.label("cents"))
        .join(Posting, Posting.journal_id == Journal.id)
        .where(or_(Posting.credit_account == UNREDEEMED_CARDS, Posting.debit_account == UNREDEEMED_CARDS))
        .group_by(Journal.reference)
        .having(aside < 0)
        .order_by(Journal.reference)
    )
    for row in rows:
        yield f"{row.reference} took {-row.cents} cents more from unredeemed cards than its sale put there"


def _lots_taxed_twice_or_wrongly(session: Session) -> Iterator[str]:
    """Of the VAT that was booked at a card's sale its lot keeps, to its last cent, what its spends and holds have not used."""
    used = func.sum(case((Posting.credit_account == VOUCHER_VAT, Posting.amount), else_=-Posting.amount))
    lots = (
        select(Lot.id, Lot.remaining, Lot.vat_cents, func.coalesce(used, 0).label("used"))
        .outerjoin(Posting, (Posting.lot_id == Lot.id) & _touches(VOUCHER_VAT))
        .group_by(Lot.id, Lot.remaining, Lot.vat_cents)
        .having(or_(Lot.vat_cents.is_not(None), func.count(Posting.id) > 0))
    )
    for lot in session.execute(lots.order_by(Lot.id)):
        left = (lot.vat_cents or 0) - lot.used
        if not 0 <= left <= lot.remaining:
            yield f"lot {lot.id} keeps {left} cents of its sale's VAT in {lot.remaining} cents"
    twice = (
        select(Lot.id)
        .join(Posting, Posting.lot_id == Lot.id)
        .where(Lot.vat_cents.is_not(None), _touches(VAT_COLLECTED))
    )
    for lot_id in session.scalars(twice.distinct().order_by(Lot.id)):
        yield f"lot {lot_id} was taxed at its sale, and again when it was spent"


def _cards_taxed_beyond_their_sale(session: Session) -> Iterator[str]:
    """The VAT in a card's lots was booked at its sale, whatever of it is held, went back or waits for its code."""
    change = case((Posting.debit_account == VOUCHER_VAT, Posting.amount), else_=-Posting.amount)
    booked = (
        select(Journal.reference, func.sum(change).label("cents"))
        .join(Posting, Posting.journal_id == Journal.id)
        .where(_touches(VOUCHER_VAT), Posting.lot_id.is_(None))
        .group_by(Journal.reference)
    )
    at_sale = {row.reference: int(row.cents) for row in session.execute(booked)}
    in_lots = select(Lot.reference, func.sum(Lot.vat_cents).label("cents")).where(Lot.vat_cents.is_not(None))
    given = {row.reference: int(row.cents) for row in session.execute(in_lots.group_by(Lot.reference))}
    for reference in sorted(at_sale.keys() | given.keys()):
        if (excess := given.get(reference, 0) - at_sale.get(reference, 0)) > 0:
            yield f"{reference} gave its lots {excess} cents more VAT than was booked at its sale"


def _touches(account: str) -> ColumnElement[bool]:
    return or_(Posting.debit_account == account, Posting.credit_account == account)


def _broken_chain(session: Session) -> Iterator[str]:
    """Compute every closing anew, each from the digest of the one before."""
    digest, last_id, outstanding, expected_day = BEGINNING, 0, 0, None
    for closing in session.scalars(select(Closing).order_by(Closing.day)).all():
        if expected_day and closing.day != expected_day:
            yield f"the closing of {expected_day} is missing"
        if closing.previous_digest != digest:
            yield f"the closing of {closing.day} does not follow the one before it"
        booked = digest_of(session, f"{closing.previous_digest} {closing.day}", last_id, closing.last_journal_id)
        outstanding += booked.outstanding_change
        if (booked.digest, booked.journals, outstanding) != (closing.digest, closing.journals, closing.outstanding):
            yield f"the closing of {closing.day} is not what its journals say"
        digest, last_id = closing.digest, closing.last_journal_id
        outstanding, expected_day = closing.outstanding, closing.day + timedelta(days=1)
