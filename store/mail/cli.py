"""`flask mail …`: what comes back of our letters, from the command line."""

import mailbox
import tempfile
from email import message_from_bytes
from email.message import Message
from typing import BinaryIO
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import AppGroup

from store import clock
from store.customers.register import normalise
from store.db import db, transaction
from store.mail import bounces
from store.mail.report import refusals_in

commands = AppGroup("mail", help="What comes back of our letters.")

BY_HAND = "5.0.0"
"""Some other permanent failure (RFC 3463)."""
MOST_SHOWN = 1000
LARGEST_BYTES = 64 * 1024 * 1024


@commands.command("bounce")
@click.argument("address")
@click.option("--reason", default="", help="What the other server said, or what you were told.")
def bounce_command(address: str, reason: str) -> None:
    """Note that letters to ADDRESS do not arrive: nothing but the essential is sent there any more."""
    note_refusal(_address(address), BY_HAND, reason)
    click.echo("Noted. Its owner sees it in their account; letters go there again once they say so.")


@commands.command("arrives")
@click.argument("address")
def arrives_command(address: str) -> None:
    """Forget that letters to ADDRESS came back."""
    with transaction() as session:
        bounces.forget(session, _address(address))
    click.echo("Noted: letters are sent there again.")


@commands.command("reports")
@click.argument("file", type=click.File("rb"), default="-")
def reports_command(file: BinaryIO) -> None:
    """Read delivery status reports (RFC 3464): one message, or a mailbox in mbox format; from standard input without FILE."""
    content = file.read(LARGEST_BYTES)
    host = urlsplit(current_app.config["SHOP_URL"]).hostname or ""
    noted = 0
    for message in _messages(content):
        for refusal in refusals_in(message, host):
            try:
                address = normalise(refusal.address)
            except ValueError:
                continue
            note_refusal(address, refusal.status, refusal.said)
            noted += 1
    click.echo(f"{noted} refused addresses noted")


@commands.command("list")
def list_command() -> None:
    """Show the addresses at which letters do not arrive, the youngest first, a line each."""
    for bounce in bounces.list_all(db.session, MOST_SHOWN):
        click.echo(f"{bounce.address}  {bounce.status}  {bounce.noted_at:%Y-%m-%d}  {bounce.said}".rstrip())


def note_refusal(address: str, status: str, said: str) -> None:
    """Each address in a transaction of its own: a mailbox may hold thousands."""
    with transaction() as session:
        bounces.note(session, address, status=status, said=said, at=clock.now())


def _messages(content: bytes) -> list[Message]:
    if not content.startswith(b"From "):
        return [message_from_bytes(content)]
    with tempfile.NamedTemporaryFile() as copy:  # the reader of mailboxes wants a file
        copy.write(content)
        copy.flush()
        return list(mailbox.mbox(copy.name, create=False))


def _address(written: str) -> str:
    try:
        return normalise(written)
    except ValueError:
        raise click.ClickException(f"{written!r} is not an e-mail address. Nothing was changed.") from None
