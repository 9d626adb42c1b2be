"""A customer has their account erased: closed at once, forgotten when nothing of theirs is under way any more.

Each step is a transaction of its own and safe to repeat. The cards that they give back go first, so that a crash between leaves
an account that can be closed again; then nobody signs in to it; then, in the background, a letter, and the end.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from store import clock
from store.audit.record import record
from store.checkout.forget import forget as forget_in_receipts
from store.checkout.withdraw import CannotWithdraw, Owes, withdraw
from store.customers.forget import close as close_account
from store.customers.forget import forget as forget_account
from store.customers.forget import pseudonym_of
from store.customers.models import Customer
from store.db import db, insert_if_absent, table_of, transaction
from store.gateways import mailer
from store.jobs.enqueue import enqueue
from store.mail import bounces
from store.playback.forget import forget as forget_streams
from store.prepaid_cards.forget import forget as forget_gifts
from store.prepaid_cards.forget import hasten, keys_of_gifts
from store.privacy.letters import farewell_key, say_farewell
from store.privacy.models import Archive, Erasure
from store.privacy.remains import is_under_way, remains_of
from store.rentals.forget import forget as forget_films
from store.stop import stop_at

LONGEST_WAIT = timedelta(days=14)
"""For refunds and bank debits to end, and gifts to arrive: longer than any of them takes, well within the month of the law."""
LOOK_AGAIN = timedelta(minutes=1)
LETTER_KEPT = timedelta(hours=1)
"""In the folder of a demo, which is its customers' mailbox."""


class CannotLeave(Exception):
    """Something is owed, or money is under way."""


def leave(customer_id: int, wallet_id: int, card_ids: Collection[int], at: datetime) -> None:
    """Give these cards back and close the account; what cannot be given back any more is left out. Raises CannotLeave."""
    if not remains_of(db.session, customer_id, wallet_id, at).may_leave:
        raise CannotLeave(customer_id)
    for card_id in card_ids:
        _give_back(customer_id, card_id, at)
    stop_at("erase.refunded")
    with transaction() as session:
        _close(session, customer_id, at)


def erase(customer_id: int) -> None:
    """Forget a customer whose account is closed, once nothing of theirs is under way; till then look again later."""
    at = clock.now()
    asked_at = db.session.scalar(
        select(Erasure.asked_at).where(Erasure.customer_id == customer_id, Erasure.erased_at.is_(None))
    )
    if asked_at is None:
        return
    if is_under_way(db.session, customer_id, at) and at - asked_at < LONGEST_WAIT:
        with transaction() as session:
            later = at + max(LOOK_AGAIN, (at - asked_at) / 10)  # ever more rarely: a bank debit takes days
            enqueue(session, "privacy.erase", {"customer_id": customer_id}, run_at=later)
        return
    say_farewell(customer_id)
    stop_at("erase.told")
    _discard_letters(customer_id)
    with transaction() as session:
        _forget(session, customer_id, at)


def discard_farewell(customer_id: int) -> None:
    """The last letter, where letters are files."""
    mailer.discard(current_app.config["MAIL_URL"], to="", keys=[farewell_key(customer_id)])


def _give_back(customer_id: int, card_id: int, at: datetime) -> None:
    try:
        with transaction() as session:
            withdraw(session, customer_id, card_id, at)
    except CannotWithdraw:  # it was given back or spent meanwhile
        return
    except Owes:
        raise CannotLeave(customer_id) from None


def _close(session: Session, customer_id: int, at: datetime) -> None:
    erasure = table_of(Erasure)
    is_new = session.scalar(
        insert_if_absent(erasure, erasure.c.customer_id).returning(erasure.c.customer_id),
        {"customer_id": customer_id, "asked_at": at},
    )
    if not is_new:
        return
    close_account(session, customer_id)
    session.execute(delete(Archive).where(Archive.customer_id == customer_id))
    if hasten(session, customer_id, clock.today()):
        enqueue(session, "prepaid_cards.deliver_gifts", {})
    record(session, actor=customer_id, act="account.closed", subject=f"customer:{customer_id}", facts={}, at=at)
    letters_first = LOOK_AGAIN if is_under_way(session, customer_id, at) else timedelta(0)
    enqueue(session, "privacy.erase", {"customer_id": customer_id}, run_at=at + letters_first)


def _forget(session: Session, customer_id: int, at: datetime) -> None:
    """All rooms, at once."""
    email = session.scalars(select(Customer.email).where(Customer.id == customer_id)).one()
    forget_streams(session, customer_id)
    forget_films(session, customer_id, at)
    forget_gifts(session, customer_id, email, at)
    forget_in_receipts(session, customer_id, email, pseudonym_of(customer_id))
    bounces.forget(session, email)
    session.execute(delete(Archive).where(Archive.customer_id == customer_id))
    forget_account(session, customer_id)
    session.execute(update(Erasure).where(Erasure.customer_id == customer_id).values(erased_at=at))
    record(session, actor=None, act="account.erased", subject=f"customer:{customer_id}", facts={}, at=at)
    enqueue(session, "privacy.discard_farewell", {"customer_id": customer_id}, run_at=at + LETTER_KEPT)


def _discard_letters(customer_id: int) -> None:
    """Where letters are files: those to the customer but the last one, and those that brought their gifts."""
    email = db.session.scalars(select(Customer.email).where(Customer.id == customer_id)).one()
    keys = keys_of_gifts(db.session, customer_id)
    mailer.discard(current_app.config["MAIL_URL"], to=email, keys=keys, but=farewell_key(customer_id))
