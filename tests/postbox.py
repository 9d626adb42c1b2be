"""A mail server of the tests: keeps what the shop hands over by SMTP."""

import email
import email.policy
import html
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from flask import Flask


class Postbox(Message):
    """Keeps what a server is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[EmailMessage] = []

    def handle_message(self, message: EmailMessage) -> None:
        self.letters.append(email.message_from_bytes(bytes(message), policy=email.policy.default))


@contextmanager
def open_postbox(app: Flask) -> Iterator[Postbox]:
    """A server that the shop sends by."""
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
    yield box
    server.stop()


def words_of(page: str) -> list[str]:
    """What one reads of an HTML letter, its pictures by their descriptions."""
    body = page.partition("<body")[2].partition(">")[2]
    body = re.sub(r'<img[^>]* alt="([^"]*)"[^>]*>', r" \1 ", body)
    return html.unescape(re.sub(r"<[^>]*>", " ", body)).split()
