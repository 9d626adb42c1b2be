"""A letter goes to whom it is for, whatever stands in its headers."""

import pytest
from flask import Flask

from store.gateways.mailer import send
from tests.postbox import Postbox


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("header", ["to", "subject"])
def test_no_header_grows_another(app: Flask, postbox: Postbox, header: str, end: str) -> None:
    letter = {"to": "jeanne@example.org", "subject": "Bonjour", "text": "x", "html": "<p>x</p>"}
    letter[header] += f"{end}Bcc: paul@example.org"
    with app.app_context(), pytest.raises(ValueError, match="linefeed|newline"):
        send(key="letter-1", **letter)
    assert postbox.letters == []


def test_words_that_smtp_would_take_for_its_own_are_words(app: Flask, postbox: Postbox) -> None:
    text = "Bonjour\n.\nQUIT\nMAIL FROM:<x@example.org>\n..\n"
    with app.app_context():
        send(key="letter-1", to="jeanne@example.org", subject="Bonjour", text=text, html="<p>x</p>")
    [letter] = postbox.letters
    assert letter["To"] == "jeanne@example.org"
    assert letter.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
