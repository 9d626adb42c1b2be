"""The forms of the customers' room."""

from collections.abc import Callable
from typing import Any

from flask import current_app
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    Field,
    Form,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, StopValidation

from store.customers import passwords
from store.customers.declare import COUNTRIES
from store.customers.guessable import is_guessable
from store.customers.passkeys import LONGEST_NAME
from store.customers.register import LONGEST_ADDRESS, normalise

KINDS = {
    "cartes": ("card", "hold", "release"),
    "films": ("rental", "purchase", "undone", "film_refunded"),
    "fins": ("expiry",),
}
"""The choices of a statement's filter, and the ledger's kinds of movement that each shows."""


class _NextForm(FlaskForm):
    next = HiddenField()


class _PasskeyForm(_NextForm):
    """What a passkey may answer instead: the script that asked it puts its answer here (JSON)."""

    passkey = HiddenField()


def _unless_by_passkey(message: str) -> Callable[[_PasskeyForm, Field], None]:
    """The field is needed, but for who shows a passkey."""

    def check(form: _PasskeyForm, field: Field) -> None:
        if form.passkey.data:
            raise StopValidation
        InputRequired(message)(form, field)

    return check


def _not_tried_first(form: FlaskForm, field: PasswordField) -> None:
    """Nobody's password is one that is tried first by whoever knows what the form says of them."""
    about = [form[name].data or "" for name in ("name", "email") if name in form]
    if not field.errors and is_guessable(field.data, [*about, current_app.config["SHOP_NAME"]]):
        raise ValidationError(_("This one is among the first that are tried. A sentence is a good password."))


NEW_PASSWORD = (
    Length(passwords.SHORTEST, passwords.LONGEST, message=_("Between 10 and 200 characters.")),
    _not_tried_first,
)
"""What a password must be that is chosen here."""


def _new_password() -> list[Any]:
    return [InputRequired(_("Choose a password.")), *NEW_PASSWORD]


class _AddressRules:
    """An address is kept in its one spelling."""

    def validate_email(self, field: EmailField) -> None:
        try:
            field.data = normalise(field.data)
        except ValueError:
            raise ValidationError(_("This does not look like an e-mail address.")) from None


class SignInForm(_PasskeyForm):
    """Sign in. What is wrong with an answer is not said field by field: that would tell who has an account."""

    email = EmailField(_("E-mail address"), [_unless_by_passkey(_("Write your e-mail address.")), Length(max=254)])
    password = PasswordField(
        _("Password"), [_unless_by_passkey(_("Write your password.")), Length(max=passwords.LONGEST)]
    )
    stays = BooleanField(_("Stay signed in on this device"))


class SignUpForm(_AddressRules, _PasskeyForm):
    """Sign up, with a password or with a passkey alone."""

    name = StringField(
        _("Name"), [InputRequired(_("How shall we call you?")), Length(max=100, message=_("At most 100 characters."))]
    )
    email = EmailField(_("E-mail address"), [InputRequired(_("Write your e-mail address.")), Length(max=254)])
    password = PasswordField(
        _("Password"),
        [
            _unless_by_passkey(_("Choose a password.")),
            *NEW_PASSWORD,
        ],
    )

    def validate_name(self, field: StringField) -> None:
        """A name is something that can be read."""
        field.data = " ".join(field.data.split())
        if not field.data or not field.data.isprintable():
            raise ValidationError(_("How shall we call you?"))


class ForgottenForm(_AddressRules, _NextForm):
    """Which account's password was forgotten."""

    email = EmailField(_("E-mail address"), [InputRequired(_("Write your e-mail address.")), Length(max=254)])


class NewPasswordForm(_NextForm):
    """The password that one has from now on."""

    password = PasswordField(_("New password"), _new_password())


class ChangePasswordForm(FlaskForm):
    """Another password, for who knows the present one; who has none (`has_password` False) has shown a passkey instead."""

    present = PasswordField(
        _("Present password"), [InputRequired(_("Write your password.")), Length(max=passwords.LONGEST)]
    )
    new_password = PasswordField(_("New password"), _new_password())

    def __init__(self, *, has_password: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not has_password:
            del self.present


class NewAddressForm(FlaskForm):
    """The address that one wants to have from now on."""

    new_email = EmailField(
        _("New e-mail address"), [InputRequired(_("Write your e-mail address.")), Length(max=LONGEST_ADDRESS)]
    )

    def validate_new_email(self, field: EmailField) -> None:
        """Keep the one spelling of the address."""
        try:
            field.data = normalise(field.data)
        except ValueError:
            raise ValidationError(_("This does not look like an e-mail address.")) from None


class ProofForm(_PasskeyForm):
    """Who is signed in shows once more who they are."""

    password = PasswordField(
        _("Password of your account"), [_unless_by_passkey(_("Write your password.")), Length(max=passwords.LONGEST)]
    )


class PasskeyForm(_PasskeyForm):
    """A passkey and what its owner calls it."""

    label = StringField(_("What you call it"), [Length(max=LONGEST_NAME, message=_("At most 60 characters."))])

    def validate_label(self, field: StringField) -> None:
        """A name is something that can be read."""
        field.data = " ".join((field.data or "").split())
        if not field.data.isprintable():
            raise ValidationError(_("This name cannot be read."))


class CountryForm(FlaskForm):
    """Where one says that one lives."""

    country = SelectField(_("I live in"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        names = get_locale().territories
        self.country.choices = sorted(((code, str(names[code])) for code in COUNTRIES), key=lambda choice: choice[1])


class PinForm(FlaskForm):
    """A new code for films that are not for minors; who sets it shows that the account is theirs."""

    pin = PasswordField(
        _("New code"),
        [InputRequired(_("Choose a code.")), Regexp("[0-9]{4,8}$", message=_("From four to eight digits."))],
    )
    password = PasswordField(
        _("Password of your account"),
        [InputRequired(_("Write your password.")), Length(max=passwords.LONGEST)],
    )

    def __init__(self, *, has_password: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not has_password:  # who has none has shown a passkey instead
            del self.password


def _in_a_usual_year(_form: Form, field: DateField) -> None:
    """The calendar's first and last days have no instant in every time zone."""
    if field.data and not 1900 < field.data.year < 9000:
        raise ValidationError(_("This day is too far off."))


class StatementForm(FlaskForm):
    """What the statement shows: a kind of movement, days of the shop, and the line after which to go on. All by the address."""

    class Meta:
        """It changes nothing, and so needs no token."""

        csrf = False

    mouvement = SelectField(
        _("Movements"),
        [Optional()],
        choices=[
            SelectChoice("", _("all")),
            SelectChoice("cartes", _("prepaid cards")),
            SelectChoice("films", _("films")),
            SelectChoice("fins", _("ends of credit")),
        ],
    )
    depuis = DateField(_("From"), [Optional(), _in_a_usual_year])
    jusque = DateField(_("Until"), [Optional(), _in_a_usual_year])
    apres = IntegerField(validators=[Optional(), NumberRange(1, 2**62)])

    @property
    def is_filtered(self) -> bool:
        """Whether lines may be hidden."""
        return any(self.chosen.values())

    @property
    def chosen(self) -> dict[str, Any]:
        """The filter as the arguments of an address, without the cursor."""
        fields = {"mouvement": self.mouvement.data, "depuis": self.depuis.data, "jusque": self.jusque.data}
        return {name: value for name, value in fields.items() if value}
