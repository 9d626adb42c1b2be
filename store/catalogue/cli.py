"""`flask films …`: the catalogue, from the command line."""

from pathlib import Path

import click
from flask.cli import AppGroup

from store import clock
from store.catalogue.import_films import Report, Unreadable, import_catalogue, read_catalogue
from store.db import transaction

commands = AppGroup("films", help="The catalogue.")


class _OnlyChecking(Exception):
    """Leaves the transaction, so that nothing is written."""


@commands.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Say what would happen; write nothing.")
def import_command(file: Path, check: bool) -> None:
    """Import FILE (JSON or CSV): each refused line with its reason, and exit 1 if there was one."""
    try:
        report = _import(file, check)
    except Unreadable as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from None
    for refusal in report.refused:
        click.echo(refusal)
    verb = "would be " if check else ""
    click.echo(
        f"{verb}new {report.created}, {verb}changed {report.changed}, unchanged {report.unchanged},"
        f" refused {len(report.refused)}"
    )
    if report.refused:
        raise SystemExit(1)


def _import(file: Path, check: bool) -> Report:
    document = read_catalogue(file)
    report = Report()
    try:
        with transaction() as session:
            report = import_catalogue(session, document, clock.now())
            if check:
                raise _OnlyChecking
    except _OnlyChecking:
        pass
    return report
