"""Letters that come back: by the mail server's word, by a report, by hand; who sees it, and what is sent there afterwards."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import func, select

from store import clock
from store.db import db, transaction
from store.gateways.mailer import discard
from store.jobs.enqueue import REGISTRY, enqueue
from store.jobs.models import Job
from store.jobs.work import run_next
from store.ledger.models import Lot
from store.mail import bounces
from store.mail.models import Bounce
from store.prepaid_cards.gifts import GiftWish
from tests.checkout import sales
from tests.conftest import both_engines
from tests.postbox import Postbox
from tests.prepaid_cards.counter import Counter
from tests.shop import Person, Shop, csrf_of

BOUNDARY = "outer"


class StrictPostbox(Postbox):
    """A server that answers some addresses as it is told to."""

    answers: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        self.answers = {}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def strict(app: Flask) -> Iterator[StrictPostbox]:
    box = StrictPostbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
    yield box
    server.stop()


def report(
    address: str = "jeanne@example.org",
    *,
    action: str = "failed",
    status: str = "5.1.1",
    message_id: str = "<order-x@localhost>",
    original: str | None = None,
) -> bytes:
    """As Postfix writes one (RFC 3464), shortened."""
    original_line = f"Original-Recipient: rfc822;{original}\r\n" if original else ""
    return (
        "From: MAILER-DAEMON@mx.example.net\r\nTo: shop@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{BOUNDARY}"\r\n\r\n'
        f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n"
        f"--{BOUNDARY}\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.net\r\nArrival-Date: Sat, 28 Nov 2026 10:00:00 +0000\r\n\r\n"
        f"{original_line}Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; mail.example.org\r\nDiagnostic-Code: smtp; 550 {status} <{address}>: user\r\n unknown\r\n"
        f"--{BOUNDARY}\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: {message_id}\r\nTo: {address}\r\nSubject: x\r\n\r\nx\r\n--{BOUNDARY}--\r\n"
    ).encode()


def mail(app: Flask, *arguments: str, given: bytes | None = None) -> str:
    result = app.test_cli_runner().invoke(args=["mail", *arguments], input=given)
    return f"{result.exit_code} {result.output}"


def noted(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {bounce.address: bounce.status for bounce in db.session.scalars(select(Bounce))}


def due(app: Flask) -> None:
    with app.app_context():
        while run_next("test", "prompt"):
            pass


def reminder(app: Flask, shop: Shop, person: Person) -> dict[str, Any]:
    """Something to remind a customer of; the job's payload."""
    with app.app_context():
        in_two_days = clock.now() + timedelta(days=2)
    shop.credit(person, 0, bonus=100, bonus_expires_at=in_two_days)
    with app.app_context():
        lot_id = db.session.scalars(select(func.max(Lot.id))).one()
    return {"wallet_id": person.wallet_id, "lot_ids": [lot_id], "days": 3}


@both_engines
def test_an_address_that_is_refused_for_good_is_noted_and_not_tried_again(
    app: Flask, shop: Shop, strict: StrictPostbox
) -> None:
    person = shop.customer()
    sales.sell(app, person)
    strict.answers = {person.email: "550 5.1.1 no such user here"}
    with app.app_context(), transaction() as session:
        enqueue(session, "checkout.mail_confirmation", {"order_id": 1})
    due(app)
    assert noted(app) == {person.email: "5.1.1"}
    with app.app_context():
        job = db.session.scalars(select(Job)).one()
        assert job.done_at is not None and job.attempts == 1


@both_engines
def test_a_busy_or_dead_server_is_tried_again_and_the_job_names_nobody(
    app: Flask, shop: Shop, strict: StrictPostbox
) -> None:
    person = shop.customer()
    sales.sell(app, person)
    strict.answers = {person.email: f"451 4.2.1 {person.email} is busy"}
    with app.app_context(), transaction() as session:
        enqueue(session, "checkout.mail_confirmation", {"order_id": 1})
    due(app)
    assert noted(app) == {} and strict.letters == []
    with app.app_context():
        job = db.session.scalars(select(Job)).one()
        assert job.done_at is None and job.run_at > clock.now() and job.error and "@" not in job.error
    strict.answers = {}
    app.test_cli_runner().invoke(args=["jobs", "retry"])
    due(app)
    assert [letter["To"] for letter in strict.letters] == [person.email]


def test_a_letter_leaves_with_the_transaction_that_asked_for_it(app: Flask, shop: Shop, postbox: Postbox) -> None:
    sales.sell(app, shop.customer())
    with app.app_context(), pytest.raises(RuntimeError), transaction() as session:
        enqueue(session, "checkout.mail_confirmation", {"order_id": 1})
        raise RuntimeError
    due(app)
    assert postbox.letters == []


@both_engines
def test_reports_are_read(app: Flask, shop: Shop) -> None:
    shop.customer()
    assert mail(app, "reports", given=report()) == "0 1 refused addresses noted\n"
    assert noted(app) == {"jeanne@example.org": "5.1.1"}
    with app.app_context():
        said = db.session.scalars(select(Bounce.said)).one()
    assert said == "550 5.1.1 <jeanne@example.org>: user unknown"
    forwarded = report("elsewhere@example.net", original="Paul@Example.org", status="5.2.2")
    assert mail(app, "reports", given=forwarded) == "0 1 refused addresses noted\n"
    assert noted(app) == {"jeanne@example.org": "5.1.1", "paul@example.org": "5.2.2"}


@pytest.mark.parametrize(
    "given",
    [
        report(action="delayed", status="4.4.1"),
        report(action="delivered", status="2.0.0"),
        report(status="4.2.2"),
        report("no-address"),
        report("=?x?=@@"),
        report(message_id="<somebody@elsewhere.example>"),
        report().replace(b"multipart/report", b"multipart/mixed"),
        report().replace(b"message/delivery-status", b"text/plain"),
        report()[:400],
        b"",
        b"\0\xff" * 500,
        b"From x\nFrom y\nFrom z\n\n",
    ],
    ids=range(12),
)
def test_what_is_no_refusal_of_ours_changes_nothing(app: Flask, given: bytes) -> None:
    assert mail(app, "reports", given=given) == "0 0 refused addresses noted\n"
    assert noted(app) == {}


def test_a_mailbox_of_reports_is_read_whole(app: Flask, tmp_path) -> None:
    box = tmp_path / "bounces.mbox"
    letters = [report(f"a{number}@example.org").replace(b"\r\n", b"\n") for number in range(3)]
    letters.insert(1, bytes(EmailMessage()) + b"\nHello\n")
    box.write_bytes(b"\n".join(b"From MAILER-DAEMON Sat Nov 28 10:00:00 2026\n" + letter for letter in letters))
    assert mail(app, "reports", str(box)) == "0 3 refused addresses noted\n"


def test_by_hand(app: Flask) -> None:
    assert mail(app, "bounce", "Paul@example.org", "--reason", "told by phone").startswith("0 Noted")
    assert mail(app, "list").startswith("0 paul@example.org  5.0.0  ")
    assert mail(app, "arrives", "paul@example.org").startswith("0 Noted")
    assert mail(app, "list") == "0 "
    assert mail(app, "bounce", "x").startswith("1 ")


@both_engines
def test_its_owner_sees_it_and_gets_the_essential_alone(app: Flask, shop: Shop, postbox: Postbox) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    sales.sell(app, person)
    payload = reminder(app, shop, person)
    with app.app_context(), transaction() as session:
        bounces.note(session, person.email, status="5.1.1", said="", at=clock.now())
    assert "reviennent" in client.get("/compte").text and "5.1.1" in client.get("/compte/donnees").text
    with app.app_context():
        REGISTRY["prepaid_cards.mail_reminder"].handler(**payload)
        REGISTRY["checkout.mail_confirmation"].handler(order_id=1)
    assert [letter["Subject"].partition(":")[0].strip() for letter in postbox.letters] == ["Votre carte prépayée"]
    token = {"csrf_token": csrf_of(client, "/compte/donnees")}
    assert client.post("/compte/donnees/adresse", data=token).status_code == 303
    assert noted(app) == {} and "reviennent" not in client.get("/compte").text
    with app.app_context():
        REGISTRY["prepaid_cards.mail_reminder"].handler(**payload)
    assert len(postbox.letters) == 2


def test_whoever_gave_a_card_sees_that_its_letter_came_back(app: Flask, shop: Shop, strict: StrictPostbox) -> None:
    person = shop.customer()
    strict.answers = {"paul@example.org": "550 nobody of that name"}
    with app.app_context():
        wish = GiftWish("email", "Paul", "paul@example.org", "", clock.today())
    Counter(app).card(person, gift=wish)
    with app.app_context():
        REGISTRY["prepaid_cards.deliver_gifts"].handler()
    assert noted(app) == {"paul@example.org": "550"}
    assert "Le courrier est revenu de paul@example.org" in shop.signed_in(person).get("/compte/cartes").text


@both_engines
def test_reminders_end_by_a_button_and_begin_again(app: Flask, shop: Shop, postbox: Postbox) -> None:
    person = shop.customer()
    payload = reminder(app, shop, person)

    def remind() -> int:
        postbox.letters.clear()
        with app.app_context():
            REGISTRY["prepaid_cards.mail_reminder"].handler(**payload)
        return len(postbox.letters)

    assert remind() == 1
    address = postbox.letters[0]["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    assert address in postbox.letters[0].get_body(("plain",)).get_content()
    stranger = app.test_client()
    assert stranger.get(address).status_code == 200 and remind() == 1  # looking ends nothing
    assert stranger.get(f"{address}x").status_code == 404
    assert stranger.post(address, data={"csrf_token": csrf_of(stranger, address)}).status_code == 200
    assert remind() == 0
    client = shop.signed_in(person)
    token = {"csrf_token": csrf_of(client, "/compte/donnees"), "recevoir": "oui"}
    assert client.post("/compte/donnees/rappels", data=token).status_code == 303
    assert remind() == 1


def test_letters_in_a_folder_are_found_by_whom_they_went_to(tmp_path) -> None:
    for name, to in (("a", "x@example.org"), ("b", '"Y, or not" <y@example.org>'), ("c", "x@example.org"), ("d", "")):
        (tmp_path / f"{name}.eml").write_bytes(f"To: {to}\r\n\r\nx@example.org\r\n".encode())
    assert discard(f"file:{tmp_path}", to="x@example.org", but="c") == 1
    assert discard(f"file:{tmp_path}", to="y@example.org", keys=["d"]) == 2
    assert [path.stem for path in tmp_path.glob("*.eml")] == ["c"]
    assert discard("smtp://localhost", to="x@example.org") == 0
