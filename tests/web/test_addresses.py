"""Every address that INTERFACE.md promises: those that exist answer as promised, those to come are 404 in our look."""

import pytest
from flask.testing import FlaskClient

from tests.shop import Shop, csrf_of

FILM = "/films/la-sociale"

PUBLIC = {
    "/": 200,
    "/films": 200,
    "/films?tri=annee&apres=x&theme=travail&decennie=2010": 200,
    FILM: 200,
    f"{FILM}/extraits": 200,
    "/films/no-such-film": 404,
    "/films/no-such-film/extraits": 404,
    "/collections": 200,
    "/collections/no-such-collection": 404,
    "/cartes": 200,
    "/cartes?film=la-sociale&denomination=20": 200,
    "/inscription": 200,
    "/connexion": 200,
    "/mot-de-passe-oublie": 200,
    "/mot-de-passe-oublie?envoye=1&next=//x": 200,
    "/mot-de-passe/x": 404,
    "/confirmer/x": 404,
    "/paiement/abandon": 200,
    "/conditions": 200,
    "/mentions-legales": 200,
    "/confidentialite": 200,
    "/accessibilite": 200,
    "/aide": 200,
    "/contact": 200,
    "/compte-ferme": 200,
    "/rappels/x": 404,
    "/recherche": 200,
    "/recherche?q=travail": 200,
    "/personnes/nobody": 404,
}
NO_PAGES = {
    "/recherche/suggestions?q=tra": 200,
    "/sitemap.xml": 200,
    "/sitemap-1.xml": 200,
    "/sitemap-2.xml": 404,
    "/robots.txt": 200,
    "/films.atom": 200,
    "/metrics": 200,
}
ASK_TO_SIGN_IN = [
    f"{FILM}/voir",
    f"{FILM}/payer",
    f"{FILM}/payer?acte=acheter",
    "/paiement/retour?session_id=cs_test_x",
    "/paiement/reprendre?commande=x",
    "/compte",
    "/compte/credit",
    "/compte/films",
    "/compte/liste",
    "/compte/securite",
    "/compte/donnees",
    "/compte/donnees/archive.zip",
    "/compte/donnees/effacer",
    "/compte/donnees/effacer/confirmer?rendre=1",
    "/compte/securite/preuve",
    "/confirmer",
    f"{FILM}/telecharger",
    "/compte/recus",
    "/compte/recus/2026-000001",
    "/compte/recus/2026-000001.pdf",
    "/compte/recus/films/1",
]
OF_A_CUSTOMER = {
    "/compte": 200,
    "/compte/credit": 200,
    "/compte/films": 200,
    "/compte/liste": 200,
    "/compte/securite": 200,
    "/compte/donnees": 200,
    "/compte/donnees/archive.zip": 303,
    "/compte/donnees/effacer": 200,
    "/compte/donnees/effacer/confirmer": 200,
    "/compte/donnees/effacer/confirmer?rendre=1&rendre=x": 200,
    "/compte/securite/preuve": 303,
    "/confirmer": 303,
    f"{FILM}/telecharger": 303,
    "/films/no-such-film/telecharger": 303,
    "/compte/recus": 200,
    "/compte/recus?apres=x": 200,
    "/compte/recus/2026-000001": 404,
    "/compte/recus/2026-000001.pdf": 404,
    "/compte/recus/films/1": 404,
    "/cartes": 200,
    FILM: 200,
    f"{FILM}/voir": 303,
    "/films/no-such-film/voir": 303,
    f"{FILM}/payer": 303,
    f"{FILM}/payer?acte=acheter": 200,
    "/films/no-such-film/payer": 404,
    "/paiement/reprendre": 404,
    "/paiement/reprendre?commande=x": 404,
    "/paiement/abandon?commande=x": 200,
    "/paiement/retour": 404,
    "/paiement/retour?session_id=cs_test_x": 404,
    "/connexion": 303,
    "/inscription": 303,
}
OF_STAFF = {
    "/equipe": 303,
    "/equipe/": 303,
    "/equipe/alertes": 200,
    "/equipe/alertes?toutes=1&apres=vue-12": 200,
    "/equipe/alertes?toutes=x&apres=x": 200,
    "/equipe/courriels": 200,
    "/equipe/courriels/gift": 200,
    "/equipe/courriels/no-such-letter": 404,
    "/equipe/ingestions": 200,
    "/equipe/clients": 404,
    "/equipe/second-facteur": 303,
    "/equipe/second-facteur/codes": 200,
    "/equipe/second-facteur/inscription": 200,
    FILM: 200,
}
TO_COME = [
    "/media/libre/la-sociale/index.m3u8",
    "/equipe/clients",
]

MULTIPART = "multipart/form-data; boundary=x"
LARGE_FIELD = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n' + b"x" * 300_000 + b"\r\n--x--\r\n"


@pytest.fixture
def customer(shop: Shop) -> FlaskClient:
    """A signed-in customer's browser, in a shop with one film and one rental's credit."""
    shop.film()
    return shop.signed_in(shop.customer(credit=350))


def test_a_stranger_is_answered(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    promised = PUBLIC | NO_PAGES
    assert {address: client.get(address).status_code for address in promised} == promised


def test_what_is_somebodys_asks_to_sign_in_and_comes_back(app, shop: Shop) -> None:
    shop.film()
    for address in ASK_TO_SIGN_IN:
        client = app.test_client()
        answer = client.get(address, follow_redirects=False)
        assert answer.status_code == 303
        assert client.get(answer.location).text.count(f'value="{address}"') == 1


def test_a_customer_is_answered(customer: FlaskClient) -> None:
    assert {address: customer.get(address).status_code for address in OF_A_CUSTOMER} == OF_A_CUSTOMER


def test_staff_are_answered(shop: Shop) -> None:
    """`tests/backoffice/test_roles.py` shows that nobody else is."""
    shop.film()
    staff = shop.signed_in(shop.staff())
    assert {address: staff.get(address).status_code for address in OF_STAFF} == OF_STAFF
    assert staff.get("/equipe").location == "/equipe/alertes"


def test_addresses_to_come_are_404_in_our_look(client: FlaskClient, customer: FlaskClient) -> None:
    for browser in (client, customer):
        for address in TO_COME:
            for answer in (browser.get(address), browser.post(address)):
                assert answer.status_code == 404, address
                assert 'class="header"' in answer.text and "/static/" in answer.text, address


def test_statuses_of_the_acts(client: FlaskClient, customer: FlaskClient) -> None:
    token = {"csrf_token": csrf_of(customer, "/compte")}
    assert client.post(f"{FILM}/lecture", data={"csrf_token": csrf_of(client, "/connexion")}).status_code == 401
    assert customer.post(f"{FILM}/lecture", data=token).status_code == 403
    assert customer.post("/films/no-such-film/louer", data=token).status_code == 404
    rented = customer.post(f"{FILM}/louer", data=token)
    assert (rented.status_code, rented.location) == (303, f"{FILM}/voir")
    begun = customer.post(f"{FILM}/lecture", data=token)
    assert (begun.status_code, begun.json["reason"]) == (409, "consent")
    poor = customer.post(f"{FILM}/acheter", data=token)
    assert (poor.status_code, poor.location) == (303, f"{FILM}/payer?acte=acheter")
    assert customer.post("/cartes/acheter", data={**token, "denomination": "7"}).status_code == 422
    assert 'data-price-rent-cents="350"' in client.get(FILM).text


def test_a_stranger_may_not_act_but_comes_back(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    token = {"csrf_token": csrf_of(client, "/connexion")}
    for act in ("louer", "acheter", "annuler"):
        answer = client.post(f"{FILM}/{act}", data={**token, "next": FILM})
        assert (answer.status_code, answer.location) == (303, f"/connexion?next={FILM}")
    away = client.post(f"{FILM}/louer", data={**token, "next": "//example.org"})
    assert "example.org" not in client.get(away.location).text


def test_other_methods_are_405_and_say_which(client: FlaskClient) -> None:
    for method, address in (("PUT", "/films"), ("DELETE", "/compte"), ("GET", "/deconnexion"), ("TRACE", "/")):
        answer = client.open(address, method=method)
        assert answer.status_code == 405
        assert answer.headers["Allow"]
        assert 'class="error-code"' in answer.text


def test_a_body_too_large_is_413(client: FlaskClient) -> None:
    for body, kind in ((b"x" * (1024 * 1024 + 1), "application/x-www-form-urlencoded"), (LARGE_FIELD, MULTIPART)):
        answer = client.post("/connexion", data=body, content_type=kind)
        assert answer.status_code == 413
        assert 'class="error-code"' in answer.text
