"""What the forms that take a code may hold."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from store.customers.register import normalise
from store.prepaid_cards import codes
from store.prepaid_cards.codes import Mistyped

LONGEST_PASTE = 500


class CodeForm(FlaskForm):
    """A card's code, however it was typed. Valid, `read_code` holds its twenty symbols."""

    code = StringField(
        _("Code of the card"),
        [InputRequired(_("Write the code of the card.")), Length(max=LONGEST_PASTE, message=_("This is no code."))],
    )
    read_code: str = ""

    def validate_code(self, field: StringField) -> None:
        """Say which group is mistyped, if that can be told. Nothing is looked up."""
        try:
            self.read_code = codes.read(field.data)
        except Mistyped as mistake:
            raise ValidationError(_complaint(mistake)) from None


class AddressForm(FlaskForm):
    """The right address of somebody to whom a card was given."""

    recipient_email = EmailField(_("Their e-mail address"), [InputRequired(_("Write their e-mail address."))])

    def validate_recipient_email(self, field: EmailField) -> None:
        """Keep the one spelling of the address."""
        try:
            field.data = normalise(field.data)
        except ValueError:
            raise ValidationError(_("This does not look like an e-mail address.")) from None


def _complaint(mistake: Mistyped) -> str:
    if mistake.group:
        return gettext("Group %(group)s is mistyped: compare it with the card.", group=mistake.group)
    if mistake.length != codes.LENGTH:
        return gettext(
            "A code has 20 letters and digits, in four groups of five; this one has %(length)s.", length=mistake.length
        )
    return gettext("One of the four groups is mistyped: compare them with the card.")
