"""What the customers' letters bring: done by the worker's own hand, through a real mail server."""

import re
from email.message import EmailMessage

from flask import Flask

from store.jobs.work import run_next
from tests.postbox import Postbox


def deliver(app: Flask, postbox: Postbox) -> list[EmailMessage]:
    """Do what is due; the letters that came since the last time."""
    postbox.letters.clear()
    with app.app_context():
        while run_next("test", "prompt"):
            pass
    return [*postbox.letters]


def link_in(letter: EmailMessage) -> str:
    """The path and query of the link that a letter leads to, the same in text and HTML."""
    plain, page = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    [address] = re.findall(r"http://localhost(/\S+)", plain)
    assert f'href="http://localhost{address}"' in page
    return address
