"""What alerts do by themselves: a letter to everybody who works here."""

from datetime import timedelta

from flask import render_template
from flask_babel import ngettext
from sqlalchemy import select

from store import clock
from store.audit.alert import open_count, some_unmailed, take_unmailed
from store.audit.kinds import facts_of, words_of
from store.audit.models import Alert
from store.customers.language import writing_to
from store.customers.models import STAFF, Customer
from store.customers.roles import staff_ids
from store.db import db, transaction
from store.gateways import mailer
from store.jobs.enqueue import enqueue, every, job

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
        told = [(alert, words_of(alert.kind), facts_of(alert.facts)) for alert in alerts]
        subject = _subject(str(told[0][1].title), len(told))
        words = {"subject": subject, "told": told, "open_in_all": open_count(db.session)}
        text, html = (render_template(f"audit/mail_alerts.{kind}", **words) for kind in ("txt", "html"))
        db.session.rollback()  # the mail server is slow: no read stays open meanwhile
        mailer.send(key=f"alerts-{alert_ids[0]}-{customer_id}", to=address, subject=subject, text=text, html=html)


def _subject(title: str, count: int) -> str:
    return ngettext("Alert: %(title)s", "%(num)s alerts: %(title)s…", count, title=title)
