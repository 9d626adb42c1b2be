"""The forms of the customers' room."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from store.customers import passwords
from store.customers.register import normalise


class _NextForm(FlaskForm):
    next = HiddenField()


class SignInForm(_NextForm):
    """Sign in. What is wrong with an answer is not said field by field: that would tell who has an account."""

    email = EmailField(_("E-mail address"), [InputRequired(_("Write your e-mail address.")), Length(max=254)])
    password = PasswordField(_("Password"), [InputRequired(_("Write your password.")), Length(max=passwords.LONGEST)])


class SignUpForm(_NextForm):
    """Sign up."""

    name = StringField(
        _("Name"), [InputRequired(_("How shall we call you?")), Length(max=100, message=_("At most 100 characters."))]
    )
    email = EmailField(_("E-mail address"), [InputRequired(_("Write your e-mail address.")), Length(max=254)])
    password = PasswordField(
        _("Password"),
        [
            InputRequired(_("Choose a password.")),
            Length(passwords.SHORTEST, passwords.LONGEST, message=_("Between 10 and 200 characters.")),
        ],
    )

    def validate_email(self, field: EmailField) -> None:
        """Keep the one spelling of the address."""
        try:
            field.data = normalise(field.data)
        except ValueError:
            raise ValidationError(_("This does not look like an e-mail address.")) from None

    def validate_name(self, field: StringField) -> None:
        """A name is something that can be read."""
        field.data = " ".join(field.data.split())
        if not field.data or not field.data.isprintable():
            raise ValidationError(_("How shall we call you?"))
