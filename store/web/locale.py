"""The visitor's language: French; English comes with the English site."""

from flask import Flask
from flask_babel import Babel, get_locale


def init_app(app: Flask) -> None:
    """Set up translations, and `lang` for every template."""
    Babel(app, locale_selector=lambda: "fr")
    app.context_processor(lambda: {"lang": language()})


def language() -> str:
    """The two-letter code of the language of this page: `fr` or `en`."""
    locale = get_locale()
    return "en" if locale and locale.language == "en" else "fr"
