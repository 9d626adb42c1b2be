"""`flask home …`: what the home shows, from the command line."""

import json
from pathlib import Path

import click
from flask.cli import AppGroup

from store.catalogue.set_home import BadHome, set_home
from store.db import transaction

commands = AppGroup("home", help="What the home shows.")


@commands.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def set_command(file: Path) -> None:
    """Show what FILE says: JSON with `film` (of the week), `kicker_fr`, `kicker_en`, `films` and `collections` (slugs)."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        with transaction() as session:
            set_home(session, content)
    except (ValueError, RecursionError, BadHome) as error:
        raise click.ClickException(f"{file.name}: {error}. Nothing was changed.") from None
    click.echo("The home shows it from now on.")
