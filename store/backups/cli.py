"""`flask backup` and `flask restore`."""

from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from store.backups.make import back_up
from store.backups.manifest import NotABackup
from store.backups.restore import NotRestored, restore
from store.gateways.database_copy import CopyFailed
from store.gateways.media_store import Busy, OutOfReach

FOLDER = click.Path(file_okay=False, path_type=Path)
EXPECTED = (NotABackup, NotRestored, CopyFailed, OutOfReach, Busy, OSError)
FILMS = "A folder that keeps films once for many backups (hard links on the same disk), instead of in FILE."


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--films", type=FOLDER, help=FILMS)
@click.option("--replace", is_flag=True, help="Write over FILE.")
@with_appcontext
def backup(file: Path, films: Path | None, replace: bool) -> None:
    """Write database and films to FILE while the shop is open; films in a bucket stay there and are listed."""
    if file.exists() and not replace:
        raise click.ClickException(f"{file} is there already; --replace writes over it.")
    try:
        manifest = back_up(file.absolute(), films and films.absolute(), _tell)
    except OperationalError as error:
        raise click.ClickException(f"The database does not answer: {error.orig}") from None
    except EXPECTED as error:
        raise click.ClickException(f"No backup was made: {error}") from None
    click.echo(f"{manifest.journals} journals, ledger digest {manifest.ledger}")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--films", type=FOLDER, help="The folder that was given to `backup`.")
@click.option("--force", is_flag=True, help="Replace the shop that is here: it is lost.")
@with_appcontext
def restore_command(file: Path, films: Path | None, force: bool) -> None:
    """Make this shop what it was when FILE was written; stop its worker and web processes before."""
    complaints = 0
    try:
        for complaint in restore(file.absolute(), films and films.absolute(), replace=force, tell=_tell):
            complaints += 1
            click.echo(complaint)
    except OperationalError as error:
        raise click.ClickException(f"The database does not answer: {error.orig}") from None
    except EXPECTED as error:
        raise click.ClickException(str(error)) from None
    if complaints:
        raise SystemExit(1)
    click.echo("ok")


def _tell(sentence: str) -> None:
    click.echo(f"  … {sentence}", err=True)
