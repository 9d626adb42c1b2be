"""`flask edge …`: what the web server before the shop must know."""

import click
from flask import current_app
from flask.cli import AppGroup

from store.playback.tokens import edge_secret

commands = AppGroup("edge", help="What nginx before the shop must know.")


@commands.command("keys")
def keys_command() -> None:
    """Print the secrets that nginx checks path tokens with, as deploy/nginx/shop.conf includes them."""
    for version, secret in current_app.config["MEDIA_TOKEN_KEYS"]:
        click.echo(f"{version} {edge_secret(secret)};")
