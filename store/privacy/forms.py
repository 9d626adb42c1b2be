"""The forms of this room."""

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from store.customers import passwords


def word_to_type() -> str:
    """What one types to have one's account erased, in the language of the page."""
    return gettext("ERASE")


class EraseForm(FlaskForm):
    """Erase my account: a typed word, and the password of whoever did not sign in just now."""

    word = StringField(_("Type the word"), [InputRequired(_("Type the word.")), Length(max=20)])
    password = PasswordField(
        _("Password of your account"),
        [InputRequired(_("Write your password.")), Length(max=passwords.LONGEST)],
    )

    def __init__(self, *, asks_password: bool, **values: Any) -> None:
        super().__init__(**values)
        if not asks_password:
            del self.password

    def validate_word(self, field: StringField) -> None:
        """Small letters will do."""
        if (field.data or "").strip().upper() != word_to_type():
            raise ValidationError(gettext("Type %(word)s, in letters.", word=word_to_type()))
