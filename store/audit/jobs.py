"""What alerts do by themselves: a letter to everybody who works here."""

from datetime import timedelta

from sqlalchemy import select

from store import clock
from store.audit.alert import open_count, some_unmailed, take_unmailed
from store.audit.letter import alert_letter
from store.audit.models import Alert
from store.customers.language import writing_to
from store.customers.models import STAFF, Customer
from store.customers.roles import staff_ids
from store.db import db, transaction
from store.jobs.enqueue import enqueue, every, job
from store.mail.deliver import deliver

MOST_TOLD = 20
"""Alerts that one letter tells of; it counts the others."""


@every(timedelta(minutes=1))
@job("audit.announce")
def announce() -> None:
    """Enqueue one letter to each member of the staff about all that is new; as long as nobody works here it waits."""
    if not some_unmailed(db.session) or not staff_ids(db.session):
        return
    with transaction() as session:
        alert_ids = take_unmailed(session, clock.now())
        for customer_id in staff_ids(session) if alert_ids else []:
            enqueue(session, "audit.mail_alerts", {"customer_id": customer_id, "alert_ids": alert_ids[:MOST_TOLD]})


@job("audit.mail_alerts")
def mail_alerts(customer_id: int, alert_ids: list[int]) -> None:
    """Write to one member of the staff. What was seen meanwhile is left out, and so is who works here no longer."""
    address = db.session.scalar(select(Customer.email).where(Customer.id == customer_id, Customer.role == STAFF))
    still_open = select(Alert).where(Alert.id.in_(alert_ids), Alert.seen_at.is_(None)).order_by(Alert.id)
    alerts = db.session.scalars(still_open).all()
    if address is None or not alerts:
        return
    with writing_to(db.session, customer_id):
        letter = alert_letter(alerts, open_count(db.session))
    deliver(letter, key=f"alerts-{alert_ids[0]}-{customer_id}", to=address)
