"""A card for somebody else: ordered, paid, mailed or printed on its day, redeemed, corrected."""

import email
import email.policy
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from store import clock
from store.customers.models import Customer
from store.db import db, transaction
from store.jobs.work import run_next
from store.ledger.balance import outstanding
from store.ledger.reconcile import differences
from store.prepaid_cards.jobs import deliver_gifts
from tests.checkout.stripe_side import pay
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

CODE = r"\b(?:[0-9A-Z]{5}-){3}[0-9A-Z]{5}\b"
GIFT = {
    "pour": "cadeau",
    "denomination": "20",
    "recipient_name": "Éloïse",
    "recipient_email": "eloise@example.org",
    "message": "Bon anniversaire !\nÀ bientôt.",
}


def press(client: FlaskClient, **fields: str):
    return client.post("/cartes/acheter", data={**fields, "csrf_token": csrf_of(client, "/cartes")})


def buy(client: FlaskClient, sandbox: str, **fields: str) -> str:
    """Order, pay and come back; returns the page of thanks."""
    answer = press(client, **fields)
    assert answer.status_code == 303, answer.text
    session_id = re.search(r"cs_test_\w+", answer.location).group()
    assert pay(sandbox, session_id) == "paid"
    return client.get(f"/paiement/retour?session_id={session_id}").text


def letters(app: Flask, to: str) -> list[str]:
    """The text of every letter to this address."""
    with app.app_context():
        while run_next("test", "prompt"):
            pass
    folder = Path(app.config["MAIL_URL"].removeprefix("file:"))
    read = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    ]
    return [letter.get_body(("plain",)).get_content() for letter in read if letter["To"] == to]


def redeem(client: FlaskClient, code: str) -> int:
    data = {"code": code, "csrf_token": csrf_of(client, "/cartes/activer")}
    return client.post("/cartes/activer", data=data).status_code


def assert_books_are_right(app: Flask) -> None:
    with app.app_context():
        assert list(differences(db.session)) == []


@both_engines
def test_a_gift_by_mail_from_order_to_credit(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    thanks = buy(jeanne, sandbox, **GIFT)
    assert "Éloïse" in thanks and "eloise@example.org" in thanks
    [letter] = letters(app, "eloise@example.org")
    assert "Bon anniversaire" in letter and "Jeanne" in letter
    code = re.search(CODE, letter).group()
    assert f"/cartes/activer#{code}" in letter
    assert 'data-gift-state="sent"' in jeanne.get("/compte/cartes").text
    with app.app_context():
        assert outstanding(db.session).unredeemed == 2000
    eloise = shop.customer("eloise@example.org")
    assert redeem(shop.signed_in(eloise), code) == 303
    assert shop.credit_of(eloise) == 2100
    assert 'data-gift-state="redeemed"' in jeanne.get("/compte/cartes").text
    with app.app_context():
        assert outstanding(db.session).unredeemed == 0
    assert_books_are_right(app)


@both_engines
def test_a_gift_waits_for_its_day(app: Flask, shop: Shop, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    jeanne = shop.signed_in(shop.customer())
    with app.app_context():
        day = clock.today() + timedelta(days=10)
    buy(jeanne, sandbox, **GIFT, deliver_on=day.isoformat())
    assert letters(app, "eloise@example.org") == []
    assert 'data-gift-state="waiting"' in jeanne.get("/compte/cartes").text
    app.config["SHOP_CLOCK_OFFSET_S"] = 10 * 86_400
    with app.app_context():
        deliver_gifts()
        deliver_gifts()
    assert len(letters(app, "eloise@example.org")) == 1


@both_engines
def test_correcting_the_address_ends_the_old_code(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, **GIFT)
    [letter] = letters(app, "eloise@example.org")
    action = re.search(r'action="(/compte/cartes/\d+/adresse)"', jeanne.get("/compte/cartes").text).group(1)
    token = csrf_of(jeanne, "/compte/cartes")
    assert jeanne.post(action, data={"recipient_email": "not an address", "csrf_token": token}).status_code == 422
    paul = shop.signed_in(shop.customer("paul@example.org"))
    theirs = {"recipient_email": "paul@example.org", "csrf_token": csrf_of(paul, "/compte")}
    assert paul.post(action, data=theirs).status_code == 404
    corrected = {"recipient_email": "Eloise@Example.com", "csrf_token": token}
    assert jeanne.post(action, data=corrected).status_code == 303
    [second] = letters(app, "Eloise@example.com") or letters(app, "eloise@example.com")
    old, new = (re.search(CODE, text).group() for text in (letter, second))
    assert old != new
    assert redeem(paul, old) == 422
    assert redeem(paul, new) == 303
    assert jeanne.post(action, data=corrected).status_code == 422
    assert_books_are_right(app)


def test_one_card_does_not_pay_for_letters_without_end(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, **GIFT)
    action = re.search(r'action="(/compte/cartes/\d+/adresse)"', jeanne.get("/compte/cartes").text).group(1)
    token = csrf_of(jeanne, "/compte/cartes")

    def send(address: str) -> int:
        return jeanne.post(action, data={"recipient_email": address, "csrf_token": token}).status_code

    assert [send("no address") for _ in range(40)] == [422] * 40
    assert [send(f"eloise{number}@example.org") for number in range(31)] == [303] * 30 + [429]
    last = letters(app, "eloise29@example.org")
    assert len(last) == 1 and redeem(jeanne, re.search(CODE, last[0]).group()) == 303


@both_engines
def test_a_gift_to_print_is_one_page_and_somebody_elses_is_not_found(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, pour="cadeau", denomination="libre", montant="37,50", remise="imprimer", recipient_name="Zoë")
    action = re.search(r'action="(/compte/cartes/\d+/imprimer)"', jeanne.get("/compte/cartes").text).group(1)
    paul = shop.signed_in(shop.customer("paul@example.org"))
    assert paul.post(action, data={"csrf_token": csrf_of(paul, "/compte")}).status_code == 404
    answer = jeanne.post(action, data={"csrf_token": csrf_of(jeanne, "/compte/cartes")})
    assert answer.mimetype == "application/pdf" and answer.data.startswith(b"%PDF")
    page = jeanne.get("/compte/cartes").text
    assert 'data-gift-state="sent"' in page
    assert "L’envoyer finalement par e-mail" in page and "Corriger l’adresse" not in page


@both_engines
def test_a_suspended_card_is_counted_and_handed_out(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, pour="suspendue", denomination="10")
    assert shop.credit_of(shop.customer("x@example.org")) == 0
    result = app.test_cli_runner().invoke(args=["cards", "hand-out"])
    code = re.search(CODE, result.output).group()
    paul = shop.customer("paul@example.org")
    assert redeem(shop.signed_in(paul), code) == 303
    assert shop.credit_of(paul) == 1000
    assert_books_are_right(app)


@both_engines
@pytest.mark.parametrize("act", ["adresse", "imprimer"])
@pytest.mark.parametrize("number", ["0", "7", str(2**63), "9" * 40])
def test_a_gift_that_there_is_not_is_not_found(shop: Shop, act: str, number: str) -> None:
    client = shop.signed_in(shop.customer())
    fields = {"recipient_email": "eloise@example.org", "csrf_token": csrf_of(client, "/compte")}
    assert client.post(f"/compte/cartes/{number}/{act}", data=fields).status_code == 404


def test_any_sum_is_sold_at_par(app: Flask, shop: Shop, sandbox: str) -> None:
    person = shop.customer()
    buy(shop.signed_in(person), sandbox, pour="moi", denomination="libre", montant="37.50")
    assert shop.credit_of(person) == 3750


@pytest.mark.parametrize(
    "fields",
    [
        {"denomination": "libre", "montant": "4,99"},
        {"denomination": "libre", "montant": "150,01"},
        {"denomination": "libre", "montant": "1e2"},
        {"denomination": "libre", "montant": "-20"},
        {"denomination": "libre"},
        {"denomination": "15"},
        {"pour": "personne", "denomination": "20"},
        {**GIFT, "recipient_name": " "},
        {**GIFT, "recipient_email": "eloise"},
        {**GIFT, "recipient_email": ""},
        {**GIFT, "deliver_on": "2001-01-01"},
        {**GIFT, "deliver_on": "9999-12-31"},
        {**GIFT, "deliver_on": "demain"},
        {**GIFT, "message": "x" * 501},
        {**GIFT, "message": "a\x00b"},
    ],
)
def test_what_cannot_be_ordered_is_said_and_kept(shop: Shop, fields: dict[str, str]) -> None:
    client = shop.signed_in(shop.customer())
    answer = press(client, **fields)
    assert answer.status_code == 422
    if fields.get("recipient_name") == "Éloïse":
        assert "Éloïse" in answer.text


@pytest.mark.parametrize(
    ("field", "text", "named"),
    [
        ("message", "Bon film 🎉 ❤️ ☃ 🎉 !", "Ces signes ne peuvent pas être imprimés : 🎉 ❤ ☃."),
        ("message", "生日快乐", "生 日 快 乐"),
        ("message", "x\u0302", "Ce signe ne peut pas être imprimé : \u0302."),
        ("message", "一二三四五六七八九十百千", "九 十…"),
        ("recipient_name", "王小明", "王 小 明"),
        ("recipient_name", "\u200b", "Pour qui est-elle"),
        ("recipient_name", "a\x00b", "un caractère qui ne s’imprime pas"),
    ],
)
@pytest.mark.parametrize("remise", ["email", "imprimer"])
def test_what_cannot_be_printed_is_named_before_it_is_paid(
    shop: Shop, field: str, text: str, named: str, remise: str
) -> None:
    answer = press(shop.signed_in(shop.customer()), **{**GIFT, "remise": remise, field: text})
    assert answer.status_code == 422
    [complaint] = re.findall(rf'<p class="field-error" id="{field}-error">(.+?)</p>', answer.text)
    assert named in complaint.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "change",
    [
        {"message": "Bon anniversaire\u00a0! «\u202fÀ bientôt\u202f», é\u0301t\u00e9\u00ad, cœur"},
        {"message": "Γειά σου, привет, tiếng Việt", "recipient_name": "Łukasz\u00a0\u2068Ольга\u2069"},
        {"message": "\r\n".join(["dix lettre"] * 45 + ["cinq."])},
        {"remise": "imprimer", "deliver_on": "2001-01-01"},
    ],
)
def test_what_can_be_printed_is_ordered(shop: Shop, sandbox: str, change: dict[str, str]) -> None:
    """Spaces and marks of every keyboard, five hundred characters as a browser counts them, a day that does not matter."""
    answer = press(shop.signed_in(shop.customer()), **{**GIFT, **change})
    assert answer.status_code == 303, answer.text


def test_who_has_a_name_that_does_not_print_is_asked_to_sign(app: Flask, shop: Shop) -> None:
    client = shop.signed_in(shop.customer())
    assert "il manquera à votre nom" not in client.get("/cartes").text
    with app.app_context(), transaction() as session:
        session.execute(update(Customer).values(name="王 Jeanne"))
    assert "il manquera à votre nom : 王." in client.get("/cartes").text.replace("\u00a0", " ")


@both_engines
def test_a_form_that_was_changed_is_another_order(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    key = {"form_key": "0" * 32}
    first, again = press(jeanne, **GIFT, **key).location, press(jeanne, **GIFT, **key).location
    assert first == again
    changed = [{"denomination": "50"}, {"recipient_email": "eloise@example.net"}, {"pour": "moi"}]
    others = [press(jeanne, **{**GIFT, **key, **change}).location for change in changed]
    assert len({first, *others}) == 4


@both_engines
def test_a_mailed_gift_that_is_printed_early_is_mailed_all_the_same(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    with app.app_context():
        day = clock.today() + timedelta(days=10)
    buy(jeanne, sandbox, **GIFT, deliver_on=day.isoformat())
    action = re.search(r'action="(/compte/cartes/\d+/imprimer)"', jeanne.get("/compte/cartes").text).group(1)
    assert jeanne.post(action, data={"csrf_token": csrf_of(jeanne, "/compte/cartes")}).status_code == 200
    app.config["SHOP_CLOCK_OFFSET_S"] = 10 * 86_400
    with app.app_context():
        deliver_gifts()
    assert len(letters(app, "eloise@example.org")) == 1


def test_a_gift_that_cannot_be_mailed_holds_up_no_other(app: Flask, shop: Shop, sandbox: str) -> None:
    jeanne = shop.signed_in(shop.customer())
    buy(jeanne, sandbox, **GIFT)
    buy(jeanne, sandbox, **{**GIFT, "recipient_email": "paul@example.org"})
    folder = Path(app.config["MAIL_URL"].removeprefix("file:"))
    blocked = folder / "gift-1-0.eml"  # a folder where the first letter belongs: writing it fails
    (blocked / "x").mkdir(parents=True)
    with app.app_context(), pytest.raises(OSError):
        deliver_gifts()
    assert (folder / "gift-2-0.eml").exists()
    (blocked / "x").rmdir()
    blocked.rmdir()
    with app.app_context():
        deliver_gifts()
    assert blocked.is_file()
