"""`flask films …`: the catalogue, from the command line."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from store import clock
from store.catalogue.export_films import export_catalogue
from store.catalogue.import_films import Report, Unreadable, import_catalogue, read_catalogue
from store.catalogue.index_films import index_everything
from store.catalogue.map_columns import BadMapping, read_mapping
from store.catalogue.rename import Unnameable, rename
from store.db import snapshot, transaction

commands = AppGroup("films", help="The catalogue.")

_A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _OnlyChecking(Exception):
    """Leaves the transaction, so that nothing is written."""


@commands.command("import")
@click.argument("file", type=_A_FILE)
@click.option("--check", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--map", "mapping", type=_A_FILE, help="A JSON file that says which column holds what (docs/import.md).")
def import_command(file: Path, check: bool, mapping: Path | None) -> None:
    """Import FILE (JSON or CSV): each refused line with its reason, and exit 1 if there was one."""
    try:
        report = _import(read_catalogue(file, read_mapping(mapping) if mapping else None), check)
    except (Unreadable, BadMapping) as error:
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


def _import(document: dict[str, Any], check: bool) -> Report:
    report = Report()
    films = len(document.get("films", []))
    with (
        click.progressbar(length=films, label="films", file=sys.stderr) as bar,
        suppress(_OnlyChecking),
        transaction() as session,
    ):
        report = import_catalogue(session, document, clock.now(), lambda done: bar.update(done - bar.pos))
        if check:
            raise _OnlyChecking
    return report


@commands.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def export_command(file: Path) -> None:
    """Write the catalogue to FILE (JSON, or CSV with the films alone), as `films import` reads it."""
    with snapshot() as session:
        count = export_catalogue(session, file)
    click.echo(f"{count} films in {file}")


@commands.command("index")
def index_command() -> None:
    """Write what films, people and collections are found by anew: words and facets."""
    with transaction() as session:
        index_everything(session)
    click.echo("written")


@commands.command("rename")
@click.argument("slug")
@click.argument("new_slug")
def rename_command(slug: str, new_slug: str) -> None:
    """Give the film SLUG another address; the old one keeps answering and leads to it."""
    try:
        with transaction() as session:
            rename(session, slug, new_slug)
    except Unnameable as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from None
    click.echo(f"/films/{slug} now leads to /films/{new_slug}")
