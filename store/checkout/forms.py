"""What the forms that buy cards may hold."""

import re
import unicodedata
from datetime import timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    EmailField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, Length, NumberRange, Optional, Regexp

from store import clock
from store.checkout.models import MOST_CARDS
from store.customers.register import normalise
from store.prepaid_cards.print_cards import printable, unprintable

FREE_SUM = "libre"
LEAST_FREE_CENTS, MOST_FREE_CENTS = 5_00, 150_00
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_MESSAGE = 100, 254, 500
LONGEST_WAIT = timedelta(days=366)
ACTS = {"louer": "rent", "acheter": "buy"}
MOST_SIGNS_NAMED = 10
SUM = re.compile(r"([0-9]{1,4})(?:[.,]([0-9]{1,2}))?")


def _with_plain_line_ends(text: str | None) -> str | None:
    """Browsers count a line's end as one character, and send two."""
    return text.replace("\r\n", "\n") if text else text


class CardForm(FlaskForm):
    """Cards: of which sum, how many, and for whom. `film` is where the customer came from and `acte` what for.

    Gifts by e-mail are as many as there are addresses, divided by commas; so are the names, if there is more than one.
    `form_key` makes two presses one order.
    """

    pour = RadioField(
        _("For whom?"),
        choices=[
            SelectChoice("moi", _("for me: the credit is there at once")),
            SelectChoice("cadeau", _("a present: they get a code")),
            SelectChoice("suspendue", _("for somebody who cannot pay: a suspended card")),
        ],
        default="moi",
    )
    denomination = StringField(_("Sum"), [Length(max=10)])
    montant = StringField(_("Another sum, from €5 to €150"), [Length(max=20)])
    remise = RadioField(
        _("How do they get it?"),
        choices=[SelectChoice("email", _("by e-mail")), SelectChoice("imprimer", _("on paper, printed by you"))],
        default="email",
    )
    combien = IntegerField(
        _("How many?"),
        [Optional(), NumberRange(1, MOST_CARDS, _("From 1 to %(max)s cards.", max=MOST_CARDS))],
        default=1,
    )
    recipient_name = StringField(_("Their name"), [Length(max=MOST_CARDS * (LONGEST_NAME + 2))])
    recipient_email = EmailField(_("Their e-mail address"), [Length(max=MOST_CARDS * (LONGEST_ADDRESS + 2))])
    deliver_on = DateField(_("On which day?"), [Optional()])
    message = TextAreaField(
        _("A message"),
        [Length(max=LONGEST_MESSAGE, message=_("At most %(max)s characters.", max=LONGEST_MESSAGE))],
        filters=[_with_plain_line_ends],
    )
    film = HiddenField(validators=[Optional(), Length(max=200), Regexp(r"[a-z0-9-]+\Z")])
    acte = HiddenField(validators=[Optional(), AnyOf(ACTS)])
    form_key = HiddenField(validators=[Optional(), Regexp(r"[0-9a-f]{32}\Z")])

    price_cents: int = 0
    """Of a free sum, once the form is valid."""

    def validate_montant(self, field: StringField) -> None:
        """A free sum, with a comma or a point."""
        if self.denomination.data != FREE_SUM:
            return
        found = SUM.fullmatch((field.data or "").replace("€", "").strip())
        cents = int(Decimal(f"{found[1]}.{found[2] or 0}") * 100) if found else 0
        if not LEAST_FREE_CENTS <= cents <= MOST_FREE_CENTS:
            raise ValidationError(_("Write a sum between €5 and €150, such as 35 or 37.50."))
        self.price_cents = cents

    def validate_recipient_name(self, field: StringField) -> None:
        """A present goes to somebody: one name for all cards, or one for each."""
        if not self.is_gift:
            return
        _require_printable(field.data or "")
        names = self._names()
        if not names or not all(printable(name) for name in names):
            raise ValidationError(_("Who is it for?"))
        if max(map(len, names)) > LONGEST_NAME:
            raise ValidationError(_("At most 100 characters."))
        if len(names) not in (1, self.quantity):
            raise ValidationError(
                _(
                    "Write one name for all, or one for each card, divided by commas: %(names)s names for %(cards)s cards.",
                    names=len(names),
                    cards=self.quantity,
                )
            )

    def validate_recipient_email(self, field: EmailField) -> None:
        """A present by e-mail needs an address, each card another."""
        if not self.is_mailed:
            return
        addresses = self._addresses()
        if len(addresses) > MOST_CARDS:
            raise ValidationError(_("At most %(max)s addresses.", max=MOST_CARDS))
        try:
            known = [normalise(address) for address in addresses or [""]]
        except ValueError:
            raise ValidationError(_("This does not look like an e-mail address.")) from None
        if len({*known}) < len(known):
            raise ValidationError(_("An address stands here twice: each card goes to another."))

    def validate_deliver_on(self, field: DateField) -> None:
        """From today to a year from now, by the shop's calendar."""
        if self.is_mailed and field.data and not clock.today() <= field.data <= clock.today() + LONGEST_WAIT:
            raise ValidationError(_("Choose a day from today to a year from now."))

    def validate_message(self, field: TextAreaField) -> None:
        """What can be read and printed."""
        if self.is_gift:
            _require_printable(field.data or "")

    @property
    def is_gift(self) -> bool:
        """Whether somebody else gets a code."""
        return bool(self.pour.data == "cadeau")

    @property
    def is_mailed(self) -> bool:
        """Whether they get it by e-mail."""
        return self.is_gift and self.remise.data != "imprimer"

    @property
    def quantity(self) -> int:
        """How many cards are asked for."""
        return max(len(self._addresses()), 1) if self.is_mailed else self.combien.data or 1

    @property
    def recipients(self) -> list[tuple[str, str | None]]:
        """The name and, if it is mailed, the address for each card of a present, once the form is valid."""
        names = self._names()
        addresses = [normalise(address) for address in self._addresses()] if self.is_mailed else [None] * self.quantity
        return list(zip(names if len(names) > 1 else names * self.quantity, addresses, strict=True))

    def _names(self) -> list[str]:
        """A comma divides names only where there are several cards: a single one may be for « Dupont, Jean »."""
        written = self.recipient_name.data or ""
        return _cleaned(written.split(",") if self.quantity > 1 else [written])

    def _addresses(self) -> list[str]:
        return _cleaned((self.recipient_email.data or "").split(","))


class GapForm(FlaskForm):
    """What is missing for a film: `montant` is the sum, in cents, that the button named."""

    montant = IntegerField(validators=[Optional()])


def _cleaned(words: list[str]) -> list[str]:
    """Without empty ones and needless blanks."""
    return [cleaned for word in words if (cleaned := " ".join(word.split()))]


def _require_printable(text: str) -> None:
    """A gift is printed, by whoever gives it or gets it: name what would be missing then. What has no form of its own may pass."""
    if any(unicodedata.category(character) == "Cc" and character not in "\r\n\t" for character in text):
        raise ValidationError(_("This holds a character that cannot be printed."))
    if missing := unprintable(text):
        named = "\u00a0".join(missing[:MOST_SIGNS_NAMED]) + ("…" if len(missing) > MOST_SIGNS_NAMED else "")
        raise ValidationError(
            ngettext(
                "This sign cannot be printed: %(signs)s. Please do without it.",
                "These signs cannot be printed: %(signs)s. Please do without them.",
                len(missing),
                signs=named,
            )
        )
