"""Outgoing mail: by SMTP when MAIL_URL says so, else as files that anyone can open."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

TIMEOUT_S = 20
SHORT_TIMEOUT_S = 2


def send(
    *,
    key: str,
    to: str,
    subject: str,
    text: str,
    html: str,
    pictures: Mapping[str, bytes] | None = None,
    attachments: Mapping[str, bytes] | None = None,
) -> None:
    """Send one message, the same words as text and as HTML. `key` names it: sent twice, it is the same message twice.

    `pictures` are PNGs by the Content-ID that the HTML shows them under (`cid:…`), `attachments` PDFs by their file names.
    Raises OSError or smtplib.SMTPException when it could not be handed over; the caller's job tries again.
    """
    message = _compose(key, to, subject, text, html)
    _add(message, pictures or {}, attachments or {})
    address = current_app.config["MAIL_URL"]
    if address.startswith("file:"):
        _write(message, Path(address.removeprefix("file:")), key)
    else:
        _hand_over(message, address)


def uses_a_server() -> bool:
    """Whether letters leave this machine."""
    return not current_app.config["MAIL_URL"].startswith("file:")


def answers() -> bool:
    """Whether the mail server greets us, within two seconds; it is handed nothing."""
    try:
        with _connected(current_app.config["MAIL_URL"], SHORT_TIMEOUT_S) as server:
            return server.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def _compose(key: str, to: str, subject: str, text: str, html: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = current_app.config["MAIL_FROM"]
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{key}@{urlsplit(current_app.config['SHOP_URL']).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def _add(message: EmailMessage, pictures: Mapping[str, bytes], attachments: Mapping[str, bytes]) -> None:
    *_, html = message.iter_parts()  # the last of the two ways to say the same
    for content_id, png in pictures.items():
        html.add_related(png, "image", "png", cid=f"<{content_id}>", disposition="inline")
    for filename, pdf in attachments.items():
        message.add_attachment(pdf, "application", "pdf", filename=filename)


def _write(message: EmailMessage, folder: Path, key: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{key}.part"
    unfinished.write_bytes(bytes(message))
    unfinished.rename(folder / f"{key}.eml")


def _hand_over(message: EmailMessage, address: str) -> None:
    parts = urlsplit(address)
    with _connected(address, TIMEOUT_S) as server:
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _connected(address: str, timeout_s: float) -> smtplib.SMTP:
    """Whoever waits at the address, after the greeting."""
    parts = urlsplit(address)
    host, port = parts.hostname or "localhost", parts.port
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=timeout_s, context=ssl.create_default_context())
    return smtplib.SMTP(host, port or 25, timeout=timeout_s)
