"""`flask ledger …`: the books, from the command line."""

import click
from flask.cli import AppGroup

from store.db import db
from store.ledger.reconcile import differences

commands = AppGroup("ledger", help="The books.")


@commands.command("check")
def check() -> None:
    """Audit everything from the postings: `ok`, or a line per difference and exit 1."""
    found = False
    for difference in differences(db.session):
        found = True
        click.echo(difference)
    if found:
        raise SystemExit(1)
    click.echo("ok")
