"""A rental begins by its own button and by nothing else; the wish is kept and confirmed; until then one click undoes it."""

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from store.jobs.work import run_next
from store.playback.authorise import CONSENT_VERSION
from tests.conftest import both_engines
from tests.playback.theatre import SLUG, held, page_token
from tests.postbox import Postbox, words_of
from tests.shop import Shop, csrf_of

LECTURE = f"/films/{SLUG}/lecture"
BUTTON = "Commencer maintenant, je renonce à me rétracter"


def rented(shop: Shop) -> FlaskClient:
    shop.film()
    client = shop.signed_in(shop.customer(credit=350))
    token = csrf_of(client, f"/films/{SLUG}")
    assert client.post(f"/films/{SLUG}/louer", data={"csrf_token": token}).location == f"/films/{SLUG}/voir"
    return client


def play(client: FlaskClient, **fields: str):
    return client.post(LECTURE, data={"csrf_token": page_token(client), **fields})


def letters_after_work(app: Flask, postbox: Postbox) -> list[str]:
    with app.app_context():
        while run_next("worker", "prompt"):
            pass
    return [letter["Subject"] for letter in postbox.letters]


@both_engines
def test_nothing_but_the_button_begins(app: Flask, shop: Shop, postbox: Postbox) -> None:
    client = rented(shop)
    page = client.get(f"/films/{SLUG}/voir").text
    assert BUTTON in page
    assert client.get(LECTURE).status_code == 405
    for fields in ({}, {"consentement": "non"}, {"consentement": "on"}, {"consentement": "OUI"}, {"consent": "oui"}):
        refused = play(client, **fields)
        assert (refused.status_code, refused.get_json()) == (409, {"reason": "consent"})
    assert client.post(LECTURE, data={"consentement": "oui"}).status_code == 400
    assert held(app).begun_at is None
    assert len(letters_after_work(app, postbox)) == 1, "the rental's own letter"


@both_engines
def test_the_wish_is_kept_and_confirmed_by_mail(app: Flask, shop: Shop, postbox: Postbox) -> None:
    client = rented(shop)
    assert play(client, consentement="oui").status_code == 200
    begun = held(app)
    assert begun.begun_at
    assert begun.ends_at == begun.begun_at + timedelta(hours=72)
    assert begun.consent_version == CONSENT_VERSION
    assert play(client, consentement="oui").status_code == 200
    assert letters_after_work(app, postbox)[1:] == ["La Sociale\xa0: votre location a commencé"]
    letter = postbox.letters[1]
    text, page = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for words in (text.split(), words_of(page)):
        said = " ".join(words)
        assert BUTTON in said.replace("\xa0", " ")
        assert CONSENT_VERSION in said
        assert "quatorze jours" in said
    refused = client.post(f"/films/{SLUG}/annuler", data={"csrf_token": page_token(client)})
    assert refused.location == "/compte/films"
    assert held(app) is not None
    assert held(app).revoked_at is None


@both_engines
def test_until_then_one_click_undoes_it(app: Flask, shop: Shop) -> None:
    client = rented(shop)
    page = client.get(f"/films/{SLUG}/voir").text
    assert page.count(f'action="/films/{SLUG}/annuler"') == 1
    undone = client.post(f"/films/{SLUG}/annuler", data={"csrf_token": page_token(client)})
    assert undone.location == f"/films/{SLUG}"
    assert held(app).revoked_at
    token = csrf_of(client, f"/films/{SLUG}")
    refused = client.post(LECTURE, data={"csrf_token": token, "consentement": "oui"})
    assert (refused.status_code, refused.get_json()) == (403, {"reason": "not_entitled"})
    assert "3,50" in client.get(f"/films/{SLUG}").text
