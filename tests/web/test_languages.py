"""The same pages twice: French at the root, English under `/en`; nothing on either speaks the other's language."""

import itertools
import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store import clock
from store.audit.alert import raise_alert
from store.audit.kinds import WORDS
from store.backoffice.sample_letters import SAMPLES
from store.checkout.models import Receipt
from store.db import db, transaction
from store.language import SITES
from store.prepaid_cards.gifts import GiftWish
from store.web.locale import WITHOUT_LANGUAGE
from tests.checkout import sales
from tests.languages import foreign_words, spoken
from tests.prepaid_cards.counter import Counter
from tests.prepaid_cards.paper import Paper
from tests.shop import Person, Shop, csrf_of
from tests.web.test_addresses import FILM, OF_A_CUSTOMER, OF_STAFF, PUBLIC

ENGLISH = SITES["en"]
OF_NEITHER = "Zorn & Söhne"
"""Words of the shop's own that belong to no language."""

ARGUMENTS = {
    "slug": ["zorn", "no-such-page"],
    "name": ["conditions", "mentions-legales", "confidentialite", "accessibilite", "aide", "contact"],
    "alert_id": ["1"],
    "film_id": ["1", "999"],
    "card_id": ["1", "999"],
    "device_id": ["1"],
    "entitlement_id": ["1", "999"],
    "gift_id": ["1"],
    "lease_id": ["x"],
    "passkey_id": ["1"],
    "token": ["x"],
    "kind": [*SAMPLES, "no-such-letter"],
    "code": [],  # a letter, in the language that it names
    "number": [],  # of whatever receipts there are
}
"""What stands for the variable parts of the addresses, wherever they come."""

JUNK = {
    **dict.fromkeys(("email", "password", "name", "code", "recipient_email", "recipient_name", "deliver_on"), "x"),
    **{"denomination": "libre", "montant": "x", "pour": "cadeau", "combien": "999", "message": "\0", "next": "//x"},
}
"""Something wrong for every field that there is."""

WITH_QUERY = (
    "/compte/credit?depuis=x&jusque=9999-01-01&mouvement=x&apres=x",
    "/connexion?next=x",
    "/cartes?pour=cadeau",
)

LEAVES = {"customers.sign_out"}


@pytest.fixture
def full_shop(app: Flask, shop: Shop, counter: Counter) -> dict[str, Person]:
    """A shop in which every page has something to say; who is in it."""
    app.config.update(SHOP_NAME=OF_NEITHER, SHOP_PUBLISHER=OF_NEITHER, RATELIMIT_ENABLED=False)
    shop.film("zorn")
    customer, staff = shop.customer(credit=350, bonus=50), shop.staff()
    sales.sell(app, customer)
    sales.spend(app, customer, "zorn")
    sales.refund(app, customer, 1, 500)
    sales.order(app, customer)
    with app.app_context():
        today = clock.today()
    for delivery in ("email", "print"):
        counter.card(customer, gift=GiftWish(delivery, "Zorn", "zorn@zorn.example", "", today))
    counter.card(customer, purpose="suspended")
    with app.app_context(), transaction() as session:
        for kind in [*WORDS, "unheard-of"]:
            raise_alert(session, kind, kind, {"amount": 100}, clock.now())
    return {"customer": customer, "staff": staff}


@pytest.fixture
def counter(app: Flask) -> Counter:
    """Ways to issue and sell cards."""
    return Counter(app)


@pytest.fixture
def browsers(client: FlaskClient, shop: Shop, full_shop: dict[str, Person]) -> dict[str, FlaskClient]:
    """The browsers of a stranger, of a customer and of somebody who works here."""
    return {"stranger": client} | {who: shop.signed_in(person) for who, person in full_shop.items()}


def addresses(app: Flask, method: str) -> Iterator[str]:
    """Every address of the shop that has a language and takes this method, from the list of its routes."""
    with app.app_context():
        numbers = [receipt.shown_number for receipt in db.session.scalars(select(Receipt))]
    arguments = ARGUMENTS | {"number": numbers}
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.endpoint not in LEAVES and not WITHOUT_LANGUAGE.match(rule.rule):
            assert arguments.keys() >= rule.arguments, f"give this test an address of {rule.rule}"
            pattern = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
            for values in itertools.product(*(arguments[name] for name in rule.arguments)):
                yield pattern.format(**dict(zip(rule.arguments, values, strict=True)))


def said_in(answer: TestResponse) -> str:
    """What somebody reads of an answer: a page, a table or a paper; nothing of what leads elsewhere or is a script's."""
    if answer.status_code in range(300, 400) or answer.is_json:
        return ""
    if answer.mimetype == "application/pdf":
        return Paper(answer.data).text()
    return spoken(answer.text) if answer.mimetype == "text/html" else answer.text


def test_every_page_speaks_the_language_of_its_address(app: Flask, browsers: dict[str, FlaskClient]) -> None:
    wrong, seen = {}, set()
    for address in [*addresses(app, "GET"), *WITH_QUERY]:
        for code, site in SITES.items():
            for who, browser in browsers.items():
                answer = browser.get(site + address)
                seen.add((address, answer.status_code))
                if found := foreign_words(said_in(answer), code):
                    wrong[who, site + address] = found
    assert wrong == {}
    assert len([address for address, status in seen if status == 200]) > 30


def test_what_a_form_complains_of_is_said_in_its_language(app: Flask, browsers: dict[str, FlaskClient]) -> None:
    wrong, refused = {}, set()
    for address in addresses(app, "POST"):
        browser = browsers["staff" if address.startswith("/equipe") else "customer"]
        for code, site in SITES.items():
            token = {"csrf_token": csrf_of(browser, f"{site}/cartes")}
            for fields in ({}, JUNK):
                answer = browser.post(site + address, data=fields | token)
                refused |= {address} if answer.status_code == 422 else set()
                shown = browser.get(f"{site}/aide") if answer.status_code == 303 else answer  # with what was flashed
                if found := foreign_words(said_in(shown), code):
                    wrong[site + address] = found
    assert wrong == {}
    assert len(refused) > 5


@pytest.mark.parametrize("promised", [PUBLIC, OF_A_CUSTOMER, OF_STAFF], ids=["stranger", "customer", "staff"])
def test_english_addresses_answer_as_the_french_do(shop: Shop, client: FlaskClient, promised: dict[str, int]) -> None:
    shop.film()
    if promised is OF_A_CUSTOMER:
        client = shop.signed_in(shop.customer(credit=350))
    if promised is OF_STAFF:
        client = shop.signed_in(shop.staff())
    for address, status in promised.items():
        answer = client.get(ENGLISH + address)
        assert answer.status_code == status, address
        assert not answer.location or answer.location.startswith(f"{ENGLISH}/"), address
        assert status == 303 or '<html lang="en">' in answer.text, address


def test_links_and_forms_stay_in_the_language(app: Flask, browsers: dict[str, FlaskClient]) -> None:
    for address in [*PUBLIC, *OF_A_CUSTOMER, *OF_STAFF]:
        for code, site in SITES.items():
            page = re.sub(r"<a[^>]* lang=[^>]*>|<link rel=[^>]*>", "", browsers["staff"].get(site + address).text)
            for found in re.findall(r'(?:href|action|data-start)="(/[^"]*)"', page):
                leads_home = f"{found}/".startswith(f"{ENGLISH}/") == (code == "en")
                assert leads_home or WITHOUT_LANGUAGE.match(found), (site + address, found)


def test_acts_lead_on_in_the_language(shop: Shop, client: FlaskClient) -> None:
    shop.film()
    customer = shop.signed_in(shop.customer(credit=350))
    token = {"csrf_token": csrf_of(customer, "/en/compte")}
    rented = customer.post(f"/en{FILM}/louer", data=token)
    assert rented.location == f"/en{FILM}/voir"
    played = customer.post(f"/en{FILM}/lecture", data=token | {"consentement": "oui"}).json
    assert played["manifest"].startswith("/media/") and played["renew"].startswith("/en/lecture/")
    asked = client.get(f"/en{FILM}/voir?x=1")
    assert asked.location == f"/en/connexion?next=/en{FILM}/voir?x%3D1"
    form = client.get(asked.location)
    assert f'value="/en{FILM}/voir?x=1"' in form.text


@pytest.mark.parametrize(
    ("page", "onward", "lands"),
    [
        ("/connexion", FILM, FILM),
        ("/connexion", f"/en{FILM}?x=1#y", f"{FILM}?x=1#y"),
        ("/connexion", "/en", "/"),
        ("/connexion", "/en//example.org", "/compte"),
        ("/connexion", "/english", "/english"),
        ("/en/connexion", FILM, f"/en{FILM}"),
        ("/en/connexion", f"/en{FILM}", f"/en{FILM}"),
        ("/en/connexion", "/en?x", "/en/?x"),
        ("/en/connexion", "//example.org", "/en/compte"),
        ("/en/connexion", "/en/\\example.org", "/en/compte"),
    ],
)
def test_signing_in_goes_on_in_the_language_of_its_form(shop: Shop, page: str, onward: str, lands: str) -> None:
    customer = shop.signed_in(shop.customer())
    assert customer.get(page, query_string={"next": onward}).location == lands


@pytest.mark.parametrize("way", ["/connexion", "/en/connexion"])
def test_what_was_filled_in_survives_a_change_of_language(
    shop: Shop, counter: Counter, client: FlaskClient, way: str
) -> None:
    customer, other = shop.customer(), "" if way.startswith("/en") else "/en"
    code = counter.card(customer)
    gift = {"denomination": "20", "pour": "cadeau", "remise": "imprimer", "recipient_name": "Zorn"}
    for act, fields in (("/cartes/acheter", gift), ("/cartes/activer", {"code": code})):
        token = csrf_of(client, f"{other}{act}" if act != "/cartes/acheter" else f"{other}/cartes")
        away = client.post(other + act, data=fields | {"csrf_token": token})
        form = re.search(
            r'name="next"[^>]* value="([^"]+)"', client.get(switch_of(client.get(away.location).text)).text
        )
        back = client.get(switch_of(client.get(unescape(form[1])).text))
        assert f'value="{code}"' in back.text or 'value="Zorn"' in back.text
        back = client.get(unescape(form[1]))
        assert f'value="{code}"' in back.text or 'value="Zorn"' in back.text


def test_tries_count_in_both_languages_together(client: FlaskClient) -> None:
    statuses = []
    for site in (*[""] * 5, *["/en"] * 6):
        form = {"email": "zorn@zorn.example", "password": "x", "csrf_token": csrf_of(client, f"{site}/connexion")}
        statuses.append(client.post(f"{site}/connexion", data=form).status_code)
    assert statuses == [422] * 10 + [429]


def switch_of(page: str) -> str:
    """Where the page says that it stands in the other language."""
    [address] = set(re.findall(r'<a[^>]* href="([^"]*)" hreflang="\w+"', page))
    return unescape(address)


def test_the_switch_keeps_page_and_query(shop: Shop, browsers: dict[str, FlaskClient]) -> None:
    query = "?tri=annee&apres=x%20%C3%A9&theme=travail&theme=%22%3E"
    for address in [*PUBLIC, *OF_A_CUSTOMER, *OF_STAFF, f"/films{query}", "/films/%C3%A9%20t%C3%A9?x"]:
        french = browsers["staff"].get(address)
        if french.status_code != 303:
            there = switch_of(french.text)
            assert there == f"/en{address}".rstrip("/?"), address
            assert switch_of(browsers["staff"].get(there).text) == address


def test_the_switch_on_the_answer_to_a_form_leads_to_the_page_of_the_form(customer_page: FlaskClient) -> None:
    token = {"csrf_token": csrf_of(customer_page, "/cartes")}
    for act, page in (
        ("/cartes/acheter", "/cartes"),
        ("/cartes/activer", "/cartes/activer"),
        ("/no/thing", "/no/thing"),
    ):
        assert switch_of(customer_page.post(act, data=token).text) == f"/en{page}"
        assert switch_of(customer_page.post(f"/en{act}", data=token).text) == page


@pytest.fixture
def customer_page(shop: Shop) -> FlaskClient:
    """The browser of somebody who signed in."""
    return shop.signed_in(shop.customer())


def test_machines_learn_of_both_addresses(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    for site, lang in (("", "fr"), ("/en", "en")):
        page = client.get(f"{site}{FILM}?x=1").text
        assert f'<html lang="{lang}">' in page
        assert re.findall(r'<link rel="(canonical|alternate)"(?: hreflang="([^"]+)")? href="([^"]+)">', page) == [
            ("canonical", "", f"http://localhost{site}{FILM}"),
            ("alternate", "fr", f"http://localhost{FILM}"),
            ("alternate", "en", f"http://localhost/en{FILM}"),
            ("alternate", "x-default", f"http://localhost{FILM}"),
        ]
    assert 'rel="canonical"' not in client.get("/films/no-such-film").text


def test_the_address_alone_chooses(client: FlaskClient) -> None:
    client.get("/en/connexion")  # leaves a cookie
    for wish in ("en", "fr", "de"):
        for address, code in (("/", "fr"), ("/en", "en"), ("/en/", "en"), ("/cartes", "fr"), ("/en/cartes", "en")):
            assert f'<html lang="{code}">' in client.get(address, headers={"Accept-Language": wish}).text


def test_files_and_machines_have_one_address(client: FlaskClient) -> None:
    page = client.get("/en/films").text
    for found in re.findall(r'href="(/(?:style-|static/)[^"]+)"', page):
        assert client.get(found).status_code == 200
        assert client.get(f"/en{found}").status_code == 404
    for address in ("/en/sante", "/en/media/x/y/z/index.m3u8", "/en/en", "/en/en/films", "/english", "/EN/films"):
        assert client.get(address).status_code == 404, address
    assert client.post("/en/stripe/webhook").status_code == 404


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/en/nothing"}, 404),
        ({"path": "/en/films/%00"}, 404),
        ({"path": "/en/films", "method": "PUT"}, 405),
        ({"path": "/en/connexion", "method": "POST"}, 400),
        ({"path": "/en/films", "headers": {"Host": "example.org"}}, 400),
        ({"path": "/en/films", "environ_overrides": {"QUERY_STRING": "\xff"}}, 400),
        ({"path": "/en/equipe"}, 404),
    ],
)
def test_errors_are_said_in_the_language(app: Flask, client: FlaskClient, request_: dict, status: int) -> None:
    answer = client.open(**request_)
    assert answer.status_code == status
    assert '<html lang="en">' in answer.text and foreign_words(spoken(answer.text), "en") == set()
    assert 'class="button" href="/en/' in answer.text
