"""`flask ledger …`: the books, from the command line."""

import csv
from datetime import datetime, time
from typing import TextIO

import click
from flask.cli import AppGroup

from store import clock
from store.db import snapshot, transaction
from store.ledger.close import close_days, end_of
from store.ledger.export import COLUMNS, rows
from store.ledger.reconcile import differences

commands = AppGroup("ledger", help="The books.")

DAY = click.DateTime(["%Y-%m-%d"])


@commands.command("check")
def check() -> None:
    """Audit everything from the postings: `ok`, or a line per difference and exit 1."""
    found = False
    with snapshot() as session:
        for difference in differences(session):
            found = True
            click.echo(difference)
    if found:
        raise SystemExit(1)
    click.echo("ok")


@commands.command("close")
def close() -> None:
    """Close the days that have ended; the worker does it every hour."""
    with transaction() as session:
        closed = close_days(session, clock.shop_zone(), clock.now())
    click.echo(f"{closed} days closed")


@commands.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@click.option("--from", "first", type=DAY, help="First day, such as 2026-01-01; else from the beginning.")
@click.option("--to", "last", type=DAY, help="Last day, included; else until now.")
def export(file: TextIO, first: datetime | None, last: datetime | None) -> None:
    """Write the books as an accountant's CSV with the accounts of the French general chart."""
    zone = clock.shop_zone()
    start = datetime.combine((first or datetime.min.replace(year=1970)).date(), time(0), zone)
    end = end_of((last or clock.now().astimezone(zone)).date(), zone)
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    written = 0
    with snapshot() as session:
        for row in rows(session, start, end, zone):
            writer.writerow(row)
            written += 1
    click.echo(f"{written} rows", err=True)
