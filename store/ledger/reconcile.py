"""The audit: proves the promises of the ledger from its postings alone, and names every difference."""

from collections.abc import Iterator

from sqlalchemy import case, func, or_, select, text
from sqlalchemy.orm import Session

from store.ledger.chart import ACCOUNT_OF_LOT_KIND, CHART, LOT_ACCOUNTS
from store.ledger.models import Journal, Lot, Posting

GUARDS = frozenset(
    {
        "journal_is_never_changed",
        "journal_is_never_removed",
        "posting_is_never_changed",
        "posting_is_never_removed",
        "posting_moves_its_lot",
        "lot_is_never_removed",
    }
)


def differences(session: Session) -> Iterator[str]:
    """A sentence for each thing that is not as the postings say it must be; nothing when the books are right."""
    yield from _missing_guards(session)
    yield from _impossible_postings(session)
    yield from _journals_without_postings(session)
    yield from _lots_that_differ(session)


def _missing_guards(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        found = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    else:
        found = session.scalars(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"))
    for name in sorted(GUARDS - set(found)):
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
