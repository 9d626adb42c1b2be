"""The forms of the desk's own door."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

LONGEST_CODE = 60
"""Characters of a code as somebody writes it, spaces and hyphens included."""


class SecondFactorForm(FlaskForm):
    """A code of the app, one for its loss, or a passkey's answer."""

    next = HiddenField()
    passkey = HiddenField()
    code = StringField(_("Your code"), [Length(max=LONGEST_CODE, message=_("This is no code."))])


class EnrolForm(FlaskForm):
    """The first code of an app that has just taken its secret, which the form keeps sealed."""

    next = HiddenField()
    sealed = HiddenField()
    code = StringField(
        _("Code of the app"),
        [InputRequired(_("Write the six digits that the app shows.")), Length(max=LONGEST_CODE)],
    )
