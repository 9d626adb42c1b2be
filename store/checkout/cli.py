"""`flask payments …`: agreement with Stripe, from the command line."""

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import or_, select

from store import clock
from store.audit.models import Facts
from store.audit.record import record
from store.checkout.give_back import refund_film
from store.checkout.models import Order
from store.checkout.reconcile import USUAL_PERIOD, reconcile
from store.checkout.refund import NothingToRefund, refund, settle_debt
from store.db import GREATEST_ID, db, transaction
from store.gateways.stripe_gateway import StripeUnavailable
from store.rentals.refund import NotRefundable

LONGEST_REASON = 300

commands = AppGroup("payments", help="Agreement with Stripe.")


@commands.command("reconcile")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on (UTC); thirty days when left out.")
def reconcile_command(since: datetime | None) -> None:
    """Settle what was missed: a line per difference and exit 1, or `0 differences`."""
    now = clock.now()
    start = since.replace(tzinfo=UTC) if since else now - USUAL_PERIOD
    count = 0
    try:
        for difference in reconcile(start, now):
            count += 1
            click.echo(difference)
    except StripeUnavailable as error:
        raise click.ClickException(f"Stripe did not answer ({error}); nothing was lost, run this again.") from None
    click.echo(f"{count} differences" if count != 1 else "1 difference")
    if count:
        raise SystemExit(1)


@commands.command("refund")
@click.argument("order")
@click.option(
    "--amount", type=click.IntRange(min=1), help="Cents to pay back; all that is left of its cards when left out."
)
def refund_command(order: str, amount: int | None) -> None:
    """Pay back what is left of an ORDER's cards (its number, as on the receipt and in letters, or its key)."""
    order_id = _order_named(order)
    try:
        made = refund(order_id, amount, clock.now())
    except NothingToRefund as refusal:
        left = _money(refusal.left_cents)
        raise click.ClickException(f"Of order {order_id}, {left} can be paid back; nothing was done.") from None
    except StripeUnavailable as error:
        raise click.ClickException(
            f"Stripe did not answer ({error}). The refund is reserved, and the worker asks again by itself: do not repeat this."
        ) from None
    click.echo(f"Refund {made.id} of order {order_id}: {_money(made.amount_cents)}, {made.state}.")
    if made.state == "failed":
        raise click.ClickException(f"Stripe refused it ({made.failure}); the credit is what it was.")


@commands.command("refund-film")
@click.argument("entitlement", type=click.IntRange(min=1, max=GREATEST_ID))
@click.option("--reason", required=True, help="Why, for the audit log: it is not shown to the customer.")
def refund_film_command(entitlement: int, reason: str) -> None:
    """Give the price of a film back that could not be watched, and end the right to it.

    ENTITLEMENT is its number in /compte/recus/films/…
    """
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise click.UsageError(f"Say why, in at most {LONGEST_REASON} characters.")
    try:
        with transaction() as session:
            given = refund_film(session, entitlement, reason.strip(), clock.now())
    except NotRefundable:
        raise click.ClickException(
            f"Entitlement {entitlement} cost nothing, was given back before, or is none; nothing was done."
        ) from None
    click.echo(f"Entitlement {entitlement}: {_money(given.price_cents)} given back.")
    if given.credit_cents < given.price_cents:
        owed = _money(given.price_cents - given.credit_cents)
        click.echo(f"Of it {owed} settle what is owed for the card that paid it.")


@commands.command("settle-debt")
@click.argument("refund_id", type=click.IntRange(min=1, max=2**63 - 1))
@click.option("--paid", "how", flag_value="paid", help="The customer paid what was owed, at the till.")
@click.option("--forgive", "how", flag_value="forgiven", help="The shop bears the loss.")
def settle_debt_command(refund_id: int, how: str | None) -> None:
    """End the debt of a refund that went beyond what was left, and let the wallet be spent from again."""
    if how is None:
        raise click.UsageError("Say which it is: --paid or --forgive.")
    with transaction() as session:
        owed = settle_debt(session, refund_id, was_paid=how == "paid", at=clock.now())
        if owed:
            facts: Facts = {"owed": owed, "how": how}
            record(session, actor=None, act="debt.settled", subject=f"refund:{refund_id}", facts=facts, at=clock.now())
    if not owed:
        raise click.ClickException(f"Nothing is owed for refund {refund_id}; nothing was done.")
    click.echo(f"{_money(owed)} {how}: the wallet is free.")


def _order_named(name: str) -> int:
    is_number = name.isascii() and name.isdigit() and len(name) < 19
    named = or_(Order.key == name, Order.id == int(name)) if is_number else Order.key == name
    order_id = db.session.scalar(select(Order.id).where(named))
    db.session.rollback()
    if order_id is None:
        raise click.ClickException(f"There is no order {name}; nothing was done.")
    return order_id


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02} {current_app.config['SHOP_CURRENCY']}"
