"""The books for an accountant: one row for each debit and each credit, with the accounts of the French general chart.

The columns are those of the French tax office's file of entries (FEC, Livre des procédures fiscales, art. A. 47 A-1): the
sums in euros with a comma, dates as YYYYMMDD.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.ledger.chart import CHART
from store.ledger.models import Journal, Posting

COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "ValidDate",
    "Idevise",
)
JOURNAL_CODE, JOURNAL_LABEL = "CP", "Crédit prépayé"

LABELS = {
    "card": "Carte prépayée créditée",
    "card_sold": "Carte prépayée vendue",
    "rental": "Location",
    "purchase": "Achat",
    "undone": "Location annulée",
    "film_refunded": "Film remboursé",
    "expiry": "Fin d’un crédit offert",
    "hold": "Crédit retenu",
    "release": "Crédit libéré",
}
ACCOUNTS = {account.code: account for account in CHART}
ROWS_AT_ONCE = 5000


def rows(session: Session, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[str, ...]]:
    """Each posting between the two instants as a debit row and a credit row, oldest first; days are those of `zone`."""
    query = (
        select(Journal, Posting.debit_account, Posting.credit_account, Posting.amount)
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Journal.at >= start, Journal.at < end)
        .order_by(Journal.id, Posting.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for journal, debit_account, credit_account, amount in session.execute(query):
        yield _row(journal, debit_account, zone, debit=amount)
        yield _row(journal, credit_account, zone, credit=amount)


def _row(journal: Any, account_code: str, zone: ZoneInfo, debit: int = 0, credit: int = 0) -> tuple[str, ...]:
    account = ACCOUNTS[account_code]
    day = journal.at.astimezone(zone).strftime("%Y%m%d")
    return (
        JOURNAL_CODE,
        JOURNAL_LABEL,
        str(journal.id),
        day,
        account.number,
        account.label,
        journal.reference,
        day,
        LABELS.get(journal.kind, journal.kind),
        _euros(debit),
        _euros(credit),
        day,
        journal.currency,
    )


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
