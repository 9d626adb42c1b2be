"""`flask demo …`: the demo's data, from the command line."""

import click
from flask import current_app
from flask.cli import AppGroup

from store.demo.seed import seed

commands = AppGroup("demo", help="The demo's data.")


@commands.command("seed")
def seed_command() -> None:
    """Fill the shop with the demo's films and accounts; twice changes nothing."""
    if current_app.config["SHOP_MODE"] == "production":
        raise click.ClickException("demo accounts do not belong into production; nothing was changed.")
    seed()
    click.echo("The demo's films, collections and accounts are there.")
