"""Every letter of the shop with made-up data: nothing here was bought, and nobody of this name exists."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from flask_babel import gettext as say
from flask_babel import lazy_gettext as _

from store import clock
from store.audit.letter import alert_letter
from store.audit.models import Alert
from store.checkout import letter_words
from store.checkout.letter_words import Reader
from store.checkout.models import Order, Receipt, Refund
from store.checkout.withdraw import Withdrawal
from store.customers import letters as account_letters
from store.language import site
from store.mail.letter import Letter
from store.prepaid_cards.gift_letter import gift_letter
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.reminder import EndingCredit, reminder, stop_address_of
from store.privacy.letters import farewell
from store.rentals import letters as rental_letters
from store.rentals.models import Entitlement

TITLE, SLUG = "La Sociale", "la-sociale"
NAME = "Camille"
READER = Reader(NAME, 1750)


@dataclass(frozen=True)
class Sample:
    """A kind of letter: what staff call it, and how one is written."""

    title: str
    compose: Callable[[], Letter]


def _confirmation() -> Letter:
    return letter_words.confirmation(READER, _order(), _receipt(), TITLE)


def _credit_note() -> Letter:
    return letter_words.credit_note(READER, _note(), _receipt())


def _restored_sale() -> Letter:
    restored = _receipt()
    restored.corrects_id, restored.number = 2, 124
    return letter_words.restored_sale(READER, restored, _note())


def _failed_payment() -> Letter:
    return letter_words.failed_payment(READER, _order(), TITLE)


def _missed_film() -> Letter:
    order = _order()
    order.purpose, order.film_slug, order.film_outcome = "gap", SLUG, "short"
    return letter_words.missed_film(READER, order, TITLE)


def _refunded_film() -> Letter:
    return letter_words.refunded_film(READER, _held(), TITLE, 350)


def _withdrawal() -> Letter:
    return letter_words.withdrawal(READER, 1, Withdrawal(_refund(), 100, "K7ZM", 2000))


def _failed_refund() -> Letter:
    return letter_words.failed_refund(READER, _refund())


def _granted() -> Letter:
    return rental_letters.granted(NAME, _held(), TITLE, SLUG)


def _begun() -> Letter:
    return rental_letters.begun(NAME, _held(), TITLE, SLUG)


def _gift() -> Letter:
    at = clock.now()
    card = PrepaidCard(
        **{"id": 0, "reference": "order:0", "purpose": "gift", "price_cents": 2000, "credit_cents": 2100},
        **{"currency": current_app.config["SHOP_CURRENCY"], "last4": "K7ZM", "reissue": 0, "taken_cents": 0},
        **{"key_version": current_app.config["CODE_KEYS"][0][0], "issued_at": at, "activated_at": at},
        **{"vat_mode": "multi"},
    )
    gift = Gift(
        **{"id": 0, "card_id": 0, "delivery": "email", "recipient_name": "Dominique"},
        **{"recipient_email": "dominique@example.org", "message": say("Here is to many evenings with films!")},
        deliver_on=clock.today(),
    )
    return gift_letter(gift, card, giver=NAME, keys=current_app.config["CODE_KEYS"], at=at)


def _reminder() -> Letter:
    return reminder(NAME, [EndingCredit(100, clock.now() + timedelta(days=15))], 1750, stop_address_of(0))


def _alerts() -> Letter:
    facts = {"refund": "re_0", "order": 12, "amount": 2000}
    return alert_letter([Alert(kind="refund_failed", key="x", facts=facts, raised_at=clock.now())], 1)


def _farewell() -> Letter:
    return farewell(NAME, "customer:12", [_refund()])


def _link(page: str) -> str:
    """To where a link leads: its token is nobody's."""
    return f"{current_app.config['SHOP_URL']}{site()}{page}{'0' * 12}"


def _reset() -> Letter:
    return account_letters.reset(NAME, _link("/mot-de-passe/"))


def _confirm() -> Letter:
    return account_letters.confirm(NAME, _link("/confirmer/"))


def _new_address() -> Letter:
    return account_letters.new_address(NAME, _link("/confirmer/"))


def _address_changed() -> Letter:
    return account_letters.address_changed(NAME, "camille@example.org", _link("/confirmer/"))


def _changed() -> Letter:
    return account_letters.changed(NAME, "password")


def _new_device() -> Letter:
    return account_letters.new_device(NAME, "Firefox, Linux", clock.now())


SAMPLES = {
    "confirm": Sample(_("Confirmation of an address"), _confirm),
    "reset": Sample(_("A new password"), _reset),
    "changed": Sample(_("A password or passkey that was changed"), _changed),
    "new-address": Sample(_("Confirmation of a new address"), _new_address),
    "address-changed": Sample(_("An address that was changed"), _address_changed),
    "new-device": Sample(_("A sign-in on a new device"), _new_device),
    "confirmation": Sample(_("A card sale and its receipt"), _confirmation),
    "credit-note": Sample(_("A refund and its credit note"), _credit_note),
    "restored-sale": Sample(_("A refund that failed after its credit note"), _restored_sale),
    "failed": Sample(_("A bank debit that failed"), _failed_payment),
    "film-missed": Sample(_("A payment that did not go into its film"), _missed_film),
    "film-refunded": Sample(_("A film given back"), _refunded_film),
    "withdrawal": Sample(_("Acknowledgement of a withdrawal"), _withdrawal),
    "refund-failed": Sample(_("A refund that failed"), _failed_refund),
    "granted": Sample(_("A film rented"), _granted),
    "begun": Sample(_("A rental begun, its waiver confirmed"), _begun),
    "gift": Sample(_("A card given"), _gift),
    "expiry": Sample(_("Reminder of credit that ends"), _reminder),
    "alerts": Sample(_("Alerts to staff"), _alerts),
    "farewell": Sample(_("An account erased"), _farewell),
}
"""By the name of its templates (`mail_credit_note.html` is `credit-note`)."""


def _order() -> Order:
    at = clock.now()
    return Order(
        **{"id": 123, "key": "x", "customer_id": 12, "purpose": "self", "quantity": 1},
        **{"price_cents": 2000, "credit_cents": 2100, "currency": current_app.config["SHOP_CURRENCY"]},
        **{"created_at": at - timedelta(days=5), "paid_at": at},
    )


def _receipt() -> Receipt:
    line = {"what": "card", "quantity": 1, "unit_cents": 2000, "credit_cents": 2100, "numbers": ["K7ZM"]}
    return _paper("sale", 123, 2000, line)


def _note() -> Receipt:
    line = {"what": "refund", "quantity": 1, "unit_cents": 1500, "credit_cents": None, "numbers": ["K7ZM"]}
    return _paper("credit_note", 4, 1500, line)


def _paper(series: str, number: int, cents: int, line: dict[str, object]) -> Receipt:
    at = clock.now()
    return Receipt(
        **{"id": 1, "series": series, "year": at.year, "number": number, "order_id": 123, "issued_at": at},
        **{"total_cents": cents, "currency": current_app.config["SHOP_CURRENCY"], "vat_mode": "multi"},
        **{"vat_cents": 0, "lines": [line], "terms_version": "2026-11"},
        **{"seller_name": current_app.config["SHOP_NAME"], "seller_imprint": current_app.config["SHOP_PUBLISHER"]},
        **{"buyer_name": NAME, "buyer_email": "camille@example.org"},
    )


def _refund() -> Refund:
    return Refund(id=1, order_id=123, amount_cents=1500, state="succeeded", asked_at=clock.now())


def _held() -> Entitlement:
    at = clock.now()
    return Entitlement(
        **{"id": 1, "customer_id": 12, "kind": "rental", "price_cents": 350, "granted_at": at},
        **{"begin_before": at + timedelta(days=30), "begun_at": at, "ends_at": at + timedelta(hours=72)},
        consent_version="2026-11",
    )
