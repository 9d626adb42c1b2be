"""A delivery status report, as mail servers send one back (RFC 3464): which addresses refused a letter of ours for good, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

PERMANENT = "5."
"""What the code of a failure begins with that asking again does not end (RFC 3463)."""


@dataclass(frozen=True)
class Refusal:
    """An address as the report spells it, the code, and the other server's reason."""

    address: str
    status: str
    said: str


def refusals_in(report: Message, host: str) -> Iterator[Refusal]:
    """The refusals that a report tells of; none if it is no report, or one about a letter that did not leave from `host`."""
    if report.get_content_type() != "multipart/report" or not _is_about_us(report, host):
        return
    for part in report.walk():
        if part.get_content_type() == "message/delivery-status":
            yield from filter(None, map(_refusal, _blocks(part)))


def _blocks(part: Message) -> list[Message]:
    """The first block is about the letter, each other one about a recipient."""
    blocks = part.get_payload()
    return [block for block in blocks[1:] if isinstance(block, Message)] if isinstance(blocks, list) else []


def _refusal(recipient: Message) -> Refusal | None:
    """The address to which we sent is the original one; the final one may be where it was forwarded."""
    status = str(recipient.get("Status", "")).split(" ")[0]
    named = str(recipient.get("Original-Recipient") or recipient.get("Final-Recipient") or "")
    kind, _, address = named.partition(";")
    if str(recipient.get("Action", "")).lower() != "failed" or not status.startswith(PERMANENT):
        return None
    if kind.strip().lower() != "rfc822" or "@" not in address:
        return None
    said = str(recipient.get("Diagnostic-Code", "")).partition(";")[2]
    return Refusal(address.strip(" <>"), status, " ".join(said.split()))


def _is_about_us(report: Message, host: str) -> bool:
    """Whether the letter that came back, where it came along, has a Message-ID of ours: anybody can send a report."""
    returned = [
        str(inner.get("Message-ID", "")) for part in report.walk() for inner in _returned(part) if "Message-ID" in inner
    ]
    return not returned or any(found.strip().endswith(f"@{host}>") for found in returned)


def _returned(part: Message) -> Iterator[Message]:
    content = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(content, list):
        yield from (inner for inner in content if isinstance(inner, Message))
    elif part.get_content_type() == "text/rfc822-headers":
        yield message_from_string(str(part.get_payload()))
