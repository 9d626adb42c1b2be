"""`flask staff …`: who works here, from the command line."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from store import clock
from store.audit.record import record
from store.customers.models import STAFF, Customer
from store.customers.register import normalise
from store.customers.roles import NoSuchCustomer, grant, revoke
from store.customers.second_factor import forget
from store.db import transaction

commands = AppGroup("staff", help="Who works here.")

ROLES = {"staff": STAFF, "equipe": STAFF}  # also as the desk's address says it


@commands.command("grant")
@click.argument("email", metavar="EMAIL")
@click.argument("role", metavar="ROLE")
def grant_command(email: str, role: str) -> None:
    """Give the customer of this address a role: `staff` opens the desk at /equipe."""
    if role not in ROLES:
        raise click.ClickException(f"There is no role {role!r}: the one there is is `staff`. Nothing was changed.")
    address = _address(email)
    try:
        with transaction() as session:
            is_new = grant(session, address, ROLES[role], by=None, at=clock.now())
    except NoSuchCustomer:
        raise _nobody(address) from None
    click.echo(f"{address} works here{'' if is_new else ' already'}: the desk is at /equipe.")


@commands.command("revoke")
@click.argument("email", metavar="EMAIL")
def revoke_command(email: str) -> None:
    """Take the role of the customer of this address; they stay a customer."""
    address = _address(email)
    try:
        with transaction() as session:
            was_staff = revoke(session, address, by=None, at=clock.now())
    except NoSuchCustomer:
        raise _nobody(address) from None
    click.echo(f"{address} {'works here no longer' if was_staff else 'had no role'}.")


@commands.command("forget-factor")
@click.argument("email", metavar="EMAIL")
def forget_factor_command(email: str) -> None:
    """Forget the app and the recovery codes of who lost both: their next visit to the desk asks for a new app."""
    address = _address(email)
    with transaction() as session:
        customer_id = session.scalar(select(Customer.id).where(Customer.email == address))
        if customer_id is None:
            raise _nobody(address)
        forget(session, customer_id)
        record(
            session,
            actor=None,
            act="second_factor.forgotten",
            subject=f"customer:{customer_id}",
            facts={},
            at=clock.now(),
        )
    click.echo(f"{address} has no second factor but passkeys now: the next visit to /equipe asks for a new one.")


def _address(email: str) -> str:
    try:
        return normalise(email)
    except ValueError:
        raise click.ClickException(f"{email!r} is not an e-mail address. Nothing was changed.") from None


def _nobody(address: str) -> click.ClickException:
    return click.ClickException(f"Nobody has signed up as {address}: they must first. Nothing was changed.")
