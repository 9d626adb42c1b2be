"""What the form that buys a card may hold."""

import re
from datetime import timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    EmailField,
    HiddenField,
    RadioField,
    SelectChoice,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length, Optional, Regexp

from store import clock
from store.customers.register import normalise

FREE_SUM = "libre"
LEAST_FREE_CENTS, MOST_FREE_CENTS = 5_00, 150_00
LONGEST_MESSAGE = 500
LONGEST_WAIT = timedelta(days=366)
SUM = re.compile(r"([0-9]{1,4})(?:[.,]([0-9]{1,2}))?")


class CardForm(FlaskForm):
    """A card: of which sum, and for whom. `film` is where the customer came from; `form_key` makes two presses one order."""

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
    montant = StringField(_("Another sum, from 5 to 150 €"), [Length(max=20)])
    remise = RadioField(
        _("How do they get it?"),
        choices=[SelectChoice("email", _("by e-mail")), SelectChoice("imprimer", _("on paper, printed by you"))],
        default="email",
    )
    recipient_name = StringField(_("Their name"), [Length(max=100, message=_("At most 100 characters."))])
    recipient_email = EmailField(_("Their e-mail address"), [Length(max=254)])
    deliver_on = DateField(_("On which day?"), [Optional()])
    message = TextAreaField(
        _("A message"), [Length(max=LONGEST_MESSAGE, message=_("At most %(max)s characters.", max=LONGEST_MESSAGE))]
    )
    film = HiddenField(validators=[Optional(), Length(max=200), Regexp(r"[a-z0-9-]+\Z")])
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
            raise ValidationError(_("Write a sum between 5 and 150 €, such as 35 or 37.50."))
        self.price_cents = cents

    def validate_recipient_name(self, field: StringField) -> None:
        """A present goes to somebody."""
        field.data = " ".join((field.data or "").split())
        if self.is_gift and (not field.data or not field.data.isprintable()):
            raise ValidationError(_("Who is it for?"))

    def validate_recipient_email(self, field: EmailField) -> None:
        """A present by e-mail needs an address."""
        if not self.is_gift or self.remise.data == "imprimer":
            return
        try:
            field.data = normalise(field.data or "")
        except ValueError:
            raise ValidationError(_("This does not look like an e-mail address.")) from None

    def validate_deliver_on(self, field: DateField) -> None:
        """From today to a year from now, by the shop's calendar."""
        if self.is_gift and field.data and not clock.today() <= field.data <= clock.today() + LONGEST_WAIT:
            raise ValidationError(_("Choose a day from today to a year from now."))

    def validate_message(self, field: TextAreaField) -> None:
        """What can be read and printed."""
        if any(not character.isprintable() and character not in "\r\n\t" for character in field.data or ""):
            raise ValidationError(_("The message holds a character that cannot be printed."))

    @property
    def is_gift(self) -> bool:
        """Whether somebody else gets a code."""
        return bool(self.pour.data == "cadeau")
