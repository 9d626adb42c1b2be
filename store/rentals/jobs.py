"""What renting and buying films does in the background: letters."""

from collections.abc import Callable

from sqlalchemy import select

from store.catalogue.models import Film
from store.customers.language import writing_to
from store.customers.models import Customer
from store.db import db
from store.jobs.enqueue import job
from store.mail.deliver import deliver
from store.mail.letter import Letter
from store.rentals import letters
from store.rentals.models import Entitlement


@job("rentals.mail_granted")
def mail_granted(entitlement_id: int) -> None:
    """Confirm a rental or a purchase."""
    _send(f"mail-granted-{entitlement_id}", entitlement_id, letters.granted)


@job("rentals.mail_begun")
def mail_begun(entitlement_id: int) -> None:
    """Confirm that a rental began."""
    _send(f"mail-begun-{entitlement_id}", entitlement_id, letters.begun)


def _send(key: str, entitlement_id: int, compose: Callable[[str, Entitlement, str, str], Letter]) -> None:
    held, title, slug, email, name = db.session.execute(
        select(Entitlement, Film.title, Film.slug, Customer.email, Customer.name)
        .join(Film, Film.id == Entitlement.film_id)
        .join(Customer, Customer.id == Entitlement.customer_id)
        .where(Entitlement.id == entitlement_id)
    ).one()
    with writing_to(db.session, held.customer_id):
        letter = compose(name, held, title, slug)
    deliver(letter, key=key, to=email)
