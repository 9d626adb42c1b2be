"""What prepaid cards do by themselves: gifts on their day, the end of bonus credit and its reminders."""

from datetime import timedelta

import structlog
from flask import current_app
from sqlalchemy import select

from store import clock
from store.customers.models import Customer
from store.db import db, transaction
from store.jobs.enqueue import enqueue, every, job
from store.language import speaking
from store.ledger.balance import credit_of
from store.ledger.models import Lot
from store.mail.deliver import deliver
from store.prepaid_cards import gifts
from store.prepaid_cards.expire import book_expiry, due_reminders, expired_lots, note_reminded
from store.prepaid_cards.gift_letter import gift_letter
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.reminder import EndingCredit, reminder, stop_address_of
from store.stop import stop_at

log = structlog.get_logger()


@every(timedelta(hours=1))
@job("prepaid_cards.expire")
def expire_lots() -> None:
    """Book the ends that have come, each in a transaction of its own."""
    now = clock.now()
    while endings := expired_lots(db.session, now):
        for ending in endings:
            with transaction() as session:
                book_expiry(session, ending, now)
            stop_at("expire.committed")


@every(timedelta(hours=1))
@job("prepaid_cards.remind")
def remind() -> None:
    """Enqueue the letters that are due."""
    now = clock.now()
    for due in due_reminders(db.session, now, clock.shop_zone()):
        with transaction() as session:
            if note_reminded(session, due, now):
                enqueue(
                    session,
                    "prepaid_cards.mail_reminder",
                    {"wallet_id": due.wallet_id, "lot_ids": list(due.lot_ids), "days": due.days},
                )


@every(timedelta(hours=1))
@job("prepaid_cards.deliver_gifts")
def deliver_gifts() -> None:
    """Mail the gifts whose day has come. One that cannot be mailed holds up no other; it stays due, and the job tries again."""
    failures = []
    for gift_id in gifts.due(db.session, clock.today()):
        try:
            _deliver(gift_id)
        except Exception as failure:
            failures.append(failure)
            log.warning("gift not mailed", gift=gift_id, error=type(failure).__name__)
    if failures:
        raise failures[0]


def _deliver(gift_id: int) -> None:
    """Mail a gift. If its code is replaced meanwhile it stays due: the next letter has the new one."""
    gift, card, giver = _gift(gift_id)
    _mail_gift(gift, card, giver)
    with transaction() as session:
        gifts.mark_sent(session, gift_id, card.reissue, clock.now())


def _gift(gift_id: int) -> tuple[Gift, PrepaidCard, Customer]:
    db.session.rollback()
    gift, card, giver = db.session.execute(
        select(Gift, PrepaidCard, Customer)
        .join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        .join(Customer, Customer.id == PrepaidCard.bought_by)
        .where(Gift.id == gift_id)
        .execution_options(populate_existing=True)
    ).one()
    return gift, card, giver


def _mail_gift(gift: Gift, card: PrepaidCard, giver: Customer) -> None:
    """In the language of who gives: it is their message, and all that is known of the other."""
    with speaking(giver.language):
        letter = gift_letter(gift, card, giver=giver.name, keys=current_app.config["CODE_KEYS"], at=clock.now())
    deliver(letter, key=f"gift-{gift.id}-{card.reissue}", to=gift.recipient_email or "")


@job("prepaid_cards.mail_reminder")
def mail_reminder(wallet_id: int, lot_ids: list[int], days: int) -> None:
    """Say what credit ends when, as long as there is some left of it, to whoever wants to know."""
    lots = db.session.scalars(
        select(Lot).where(Lot.id.in_(lot_ids), Lot.remaining > 0).order_by(Lot.expires_at, Lot.id)
    ).all()
    customer = db.session.scalars(select(Customer).where(Customer.wallet_id == wallet_id)).one()
    if not lots or not customer.wants_reminders:
        return
    credit_cents = credit_of(db.session, wallet_id, clock.now())
    with speaking(customer.language):
        stop_address = stop_address_of(customer.id)
        endings = [EndingCredit(lot.remaining, lot.expires_at) for lot in lots]
        letter = reminder(customer.name, endings, credit_cents, stop_address)
    key = f"expiry-{wallet_id}-{lot_ids[0]}-{days}"
    deliver(letter, key=key, to=customer.email, is_essential=False, stop_address=stop_address)
