"""Outgoing mail: by SMTP when MAIL_URL says so, else as files that anyone can open."""

import re
import smtplib
import ssl
from collections.abc import Collection, Mapping
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

TIMEOUT_S = 20
SHORT_TIMEOUT_S = 2
REFUSED_FOR_GOOD = range(500, 600)
"""Answers of a mail server after which asking again changes nothing (RFC 5321, 4.2.1)."""


class AddressRefused(Exception):
    """The server takes no letters for this address; `status` is its code, `said` its reason."""

    def __init__(self, status: str, said: str) -> None:
        super().__init__(status)
        self.status, self.said = status, said


def send(
    *,
    key: str,
    to: str,
    subject: str,
    text: str,
    html: str,
    pictures: Mapping[str, bytes] | None = None,
    attachments: Mapping[str, bytes] | None = None,
    stop_address: str | None = None,
) -> None:
    """Send one message, the same words as text and as HTML. `key` names it: sent twice, it is the same message twice.

    `pictures` are PNGs by the Content-ID that the HTML shows them under (`cid:…`), `attachments` PDFs by their file names.
    `stop_address` is where one asks for no more of this kind (List-Unsubscribe, RFC 2369).
    Raises AddressRefused when there is nobody to take it, OSError or smtplib.SMTPException when it could not be handed over:
    the caller's job tries again.
    """
    message = _compose(key, to, subject, text, html)
    if stop_address:
        message["List-Unsubscribe"] = f"<{stop_address}>"
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
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refusal:
            [(code, reason)] = refusal.recipients.values()
            if code not in REFUSED_FOR_GOOD:
                raise
            raise AddressRefused(_enhanced(reason) or str(code), reason.decode(errors="replace")) from None


def _enhanced(reason: bytes) -> str | None:
    """The code of RFC 3463 with which most servers begin their reason."""
    found = re.match(rb"[245]\.\d{1,3}\.\d{1,3}(?= )", reason)
    return found[0].decode() if found else None


def discard(folder_address: str, *, to: str, keys: Collection[str] = (), but: str | None = None) -> int:
    """Delete the letters to an address, and those of these keys, from the folder that MAIL_URL names; returns how many.

    `but` is the key of one that stays. What a mail server took is not ours to take back.
    """
    folder = Path(folder_address.removeprefix("file:"))
    if not folder_address.startswith("file:") or not folder.is_dir():
        return 0
    found = [path for path in folder.glob("*.eml") if path.stem != but and (path.stem in keys or _is_to(path, to))]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _is_to(path: Path, address: str) -> bool:
    with path.open("rb") as file:
        recipients = BytesHeaderParser(policy=default).parse(file)["To"]
    return address in {one.addr_spec for one in recipients.addresses}


def _connected(address: str, timeout_s: float) -> smtplib.SMTP:
    """Whoever waits at the address, after the greeting."""
    parts = urlsplit(address)
    host, port = parts.hostname or "localhost", parts.port
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=timeout_s, context=ssl.create_default_context())
    return smtplib.SMTP(host, port or 25, timeout=timeout_s)
