"""What renting and buying films does in the background: letters."""

from typing import Any

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy import select

from store.catalogue.models import Film
from store.customers.language import writing_to
from store.customers.models import Customer
from store.db import db
from store.gateways import mailer
from store.jobs.enqueue import job
from store.rentals.models import Entitlement


@job("rentals.mail_granted")
def mail_granted(entitlement_id: int) -> None:
    """Confirm a rental or a purchase: what, how much, until when."""
    words = _words(entitlement_id)
    with writing_to(db.session, words["held"].customer_id):
        _send("mail_granted", _("%(title)s is yours to watch", title=words["title"]), words)


@job("rentals.mail_begun")
def mail_begun(entitlement_id: int) -> None:
    """Confirm, as the law asks, that the customer wished to begin at once and gave up the right to withdraw."""
    words = _words(entitlement_id)
    with writing_to(db.session, words["held"].customer_id):
        _send("mail_begun", _("%(title)s: your rental has begun", title=words["title"]), words)


def _words(entitlement_id: int) -> dict[str, Any]:
    row = db.session.execute(
        select(Entitlement, Film.title, Film.slug, Customer.email, Customer.name)
        .join(Film, Film.id == Entitlement.film_id)
        .join(Customer, Customer.id == Entitlement.customer_id)
        .where(Entitlement.id == entitlement_id)
    ).one()
    return {"held": row[0], "title": row.title, "slug": row.slug, "email": row.email, "name": row.name}


def _send(letter: str, subject: str, words: dict[str, Any]) -> None:
    mailer.send(
        key=f"{letter.replace('_', '-')}-{words['held'].id}",
        to=words["email"],
        subject=subject,
        text=render_template(f"rentals/{letter}.txt", **words),
        html=render_template(f"rentals/{letter}.html", **words),
    )
