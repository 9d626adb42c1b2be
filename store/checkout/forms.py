"""What the form that buys a card may hold."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length, Optional, Regexp


class CardForm(FlaskForm):
    """A card for oneself. `film` is where the customer came from; `form_key` makes two presses one order."""

    denomination = StringField(validators=[Length(max=10)])
    film = StringField(validators=[Optional(), Length(max=200), Regexp(r"[a-z0-9-]+\Z")])
    form_key = StringField(validators=[Optional(), Regexp(r"[0-9a-f]{32}\Z")])
    pour = StringField(validators=[Optional(), Regexp(r"moi\Z")])
