"""`flask payments …`: agreement with Stripe, from the command line."""

from datetime import UTC, datetime, timedelta

import click
from flask.cli import AppGroup

from store import clock
from store.checkout.reconcile import reconcile
from store.gateways.stripe_gateway import StripeUnavailable

commands = AppGroup("payments", help="Agreement with Stripe.")

USUAL_PERIOD = timedelta(days=30)


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
