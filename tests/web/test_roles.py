"""Routes × roles × methods, for the whole shop. A route or a method that is missing in the table fails the first test."""

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store.audit.models import AuditEntry
from store.db import db
from store.web.limits import limiter
from tests.shop import Shop, csrf_of
from tests.web.furnished import STRIPE_SESSION, furnish

EVERYBODY = "everybody"
SIGNED_IN = "whoever is signed in; a stranger is asked to"
OWNER = "whose it is; to everybody else it is what does not exist"
HOLDER = "who holds the film; everybody else finds the film's page or 403"
MAKER = "who had it made; everybody else who is signed in has none"
STAFF = "staff; to everybody else it is an address of nothing"
STRIPE = "what Stripe signed"

READ = {"GET": EVERYBODY}
ROUTES = {
    "/": READ,
    "/<name>": READ,
    "/affiches/<slug>-<mark>.svg": READ,
    "/affiches/accueil/<lang>-<mark>.png": READ,
    "/affiches/collections/<lang>/<slug>-<mark>.png": READ,
    "/affiches/films/<slug>-<mark>.png": READ,
    "/cartes": READ,
    "/cartes/acheter": {"POST": EVERYBODY},
    "/cartes/activer": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/cartes/solde": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/collections": READ,
    "/collections/<slug>": READ,
    "/cle-acces/defi": {"POST": EVERYBODY},
    "/cle-acces/nouvelle": {"POST": EVERYBODY},
    "/compte": {"GET": SIGNED_IN},
    "/compte/cartes": {"GET": SIGNED_IN},
    "/compte/cartes/<gift_id>/imprimer": {"POST": OWNER},
    "/compte/cartes/<gift_id>/adresse": {"POST": OWNER},
    "/compte/cartes/<card_id>/retractation": {"GET": OWNER, "POST": OWNER},
    "/compte/cartes/<card_id>/retractation/recue": {"GET": OWNER},
    "/compte/credit": {"GET": SIGNED_IN},
    "/compte/credit.csv": {"GET": SIGNED_IN},
    "/compte-ferme": READ,
    "/compte/donnees": {"GET": SIGNED_IN},
    "/compte/donnees/adresse": {"POST": SIGNED_IN},
    "/compte/donnees/archive.zip": {"GET": SIGNED_IN},
    "/compte/donnees/archive": {"POST": SIGNED_IN},
    "/compte/donnees/effacer": {"GET": SIGNED_IN},
    "/compte/donnees/effacer/confirmer": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "/compte/donnees/rappels": {"POST": SIGNED_IN},
    "/compte/films": {"GET": SIGNED_IN},
    "/compte/films/vus": {"POST": SIGNED_IN},
    "/compte/langue": {"POST": SIGNED_IN},
    "/compte/pays": {"POST": SIGNED_IN},
    "/compte/liste": {"GET": SIGNED_IN},
    "/compte/recus": {"GET": SIGNED_IN},
    "/compte/recus/<number>": {"GET": OWNER},
    "/compte/recus/<number>.pdf": {"GET": OWNER},
    "/compte/recus/films/<entitlement_id>": {"GET": OWNER},
    "/compte/securite": {"GET": SIGNED_IN},
    "/compte/securite/adresse": {"POST": SIGNED_IN},
    "/compte/securite/appareils/<device_id>/oublier": {"POST": OWNER},
    "/compte/securite/cles": {"POST": SIGNED_IN},
    "/compte/securite/cles/<passkey_id>/nom": {"POST": OWNER},
    "/compte/securite/cles/<passkey_id>/retirer": {"POST": OWNER},
    "/compte/securite/code": {"POST": SIGNED_IN},
    "/compte/securite/mot-de-passe": {"POST": SIGNED_IN},
    "/compte/securite/preuve": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "/compte/securite/sessions/fin": {"POST": OWNER},
    "/compte/securite/sessions/toutes": {"POST": SIGNED_IN},
    "/confirmer": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "/confirmer/<token>": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/connexion": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/deconnexion": {"POST": EVERYBODY},
    "/equipe": {"GET": STAFF},
    "/equipe/alertes": {"GET": STAFF},
    "/equipe/alertes/<alert_id>/vue": {"POST": STAFF},
    "/equipe/ingestions": {"GET": STAFF},
    "/equipe/ingestions/<film_id>/annuler": {"POST": STAFF},
    "/equipe/ingestions/<film_id>/reprendre": {"POST": STAFF},
    "/equipe/courriels": {"GET": STAFF},
    "/equipe/courriels/<kind>": {"GET": STAFF},
    "/equipe/courriels/<kind>/<code>": {"GET": STAFF},
    "/equipe/second-facteur": {"GET": STAFF, "POST": STAFF},
    "/equipe/second-facteur/codes": {"GET": STAFF, "POST": STAFF},
    "/equipe/second-facteur/inscription": {"GET": STAFF, "POST": STAFF},
    "/lecture/<lease_id>": {"POST": OWNER},
    "/lecture/<lease_id>/arreter": {"POST": OWNER},
    "/films": READ,
    "/films.atom": READ,
    "/films/<slug>": READ,
    "/films/<slug>/acheter": {"POST": SIGNED_IN},
    "/films/<slug>/annuler": {"POST": SIGNED_IN},
    "/films/<slug>/code": {"POST": HOLDER},
    "/films/<slug>/extraits": READ,
    "/films/<slug>/lecture": {"POST": HOLDER},
    "/films/<slug>/liste": {"POST": SIGNED_IN},
    "/films/<slug>/louer": {"POST": SIGNED_IN},
    "/films/<slug>/payer": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "/films/<slug>/telecharger": {"GET": HOLDER},
    "/films/<slug>/voir": {"GET": HOLDER},
    "/inscription": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/media/<token>/<film>/<recipe>/<name>": READ,
    "/media/libre/<film>/<recipe>/<name>": READ,
    "/metrics": READ,
    "/mot-de-passe-oublie": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/mot-de-passe/<token>": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/paiement/abandon": READ,
    "/paiement/reprendre": {"GET": OWNER},
    "/paiement/retour": {"GET": OWNER},
    "/personnes/<slug>": READ,
    "/player-<mark>.js": READ,
    "/preuve": READ,
    "/rappels/<token>": {"GET": EVERYBODY, "POST": EVERYBODY},
    "/recherche": READ,
    "/recherche/suggestions": READ,
    "/robots.txt": READ,
    "/sante": READ,
    "/sitemap-<number>.xml": READ,
    "/sitemap.xml": READ,
    "/static/<filename>": READ,
    "/stripe/webhook": {"POST": STRIPE},
    "/style-<mark>.css": READ,
}
"""Who may do what, in the order in which it is tried. HEAD goes with GET, OPTIONS with everything; any other method is 405."""

METHODS = ("GET", "HEAD", "POST", "DELETE", "BREW")
ROLES = ("stranger", "other", "staff", "owner")
"""Whoever owns acts last: their acts change what the others are refused."""

SIGN_IN, NOTHING, AS_MISSING, NOT_HELD, NO_METHOD, ANSWERED, UNSIGNED = (
    *("asked to sign in", "404", "as what does not exist", "film not held"),
    *("405", "answered", "not signed by Stripe"),
)
EXPECTED = {
    EVERYBODY: (ANSWERED, ANSWERED, ANSWERED, ANSWERED),
    SIGNED_IN: (SIGN_IN, ANSWERED, ANSWERED, ANSWERED),
    OWNER: (SIGN_IN, AS_MISSING, AS_MISSING, ANSWERED),
    HOLDER: (SIGN_IN, NOT_HELD, NOT_HELD, ANSWERED),
    MAKER: (SIGN_IN, NOTHING, NOTHING, ANSWERED),
    STAFF: (NOTHING, NOTHING, ANSWERED, NOTHING),
    STRIPE: (UNSIGNED, UNSIGNED, UNSIGNED, UNSIGNED),
}
"""What each of the roles meets at a route for these."""

AT_THE_DOOR = {f"/equipe/second-facteur{page}" for page in ("", "/codes", "/inscription")}
"""Acts that need a code: `tests/backoffice/test_second_factor.py` sees their lines."""

WITHOUT_WORKER = "/sante"
"""Says 503 where no worker runs, to everybody."""


@dataclass
class World:
    """The browsers of the roles, their form tokens, and two addresses for each route: of what the owner has, of nothing.

    `session` is the digest of another session of the owner's.
    """

    browsers: dict[str, FlaskClient]
    tokens: dict[str, str]
    addresses: dict[str, str]
    session: str
    missing: dict[str, str]

    def ask(self, who: str, method: str, address: str) -> TestResponse:
        """The role's browser asks, with its token and fields that most forms are content with."""
        fields = {"csrf_token": self.tokens[who], "montant": "1", "recipient_email": "paul@example.org", "langue": "fr"}
        fields |= {"label": "x", "session": self.session}
        return self.browsers[who].open(address, method=method, data=None if method in {"GET", "HEAD"} else fields)

    def verdict(self, who: str, method: str, rule: str) -> str:
        """What comes of it, in a word."""
        audience, answer = with_head(ROUTES[rule]).get(method), self.ask(who, method, self.addresses[rule])
        assert answer.status_code < 500 or rule == WITHOUT_WORKER, f"{who} {method} {rule}"
        if answer.status_code == 401 or (answer.location or "").startswith("/connexion?next="):
            return SIGN_IN
        if answer.status_code == 405:
            return NO_METHOD
        if rule == "/stripe/webhook" and answer.status_code == 400:
            return UNSIGNED
        if audience == OWNER and told(answer) == told(self.ask(who, method, self.missing[rule])):
            return AS_MISSING
        if audience == HOLDER and (answer.status_code == 403 or answer.location == "/films/la-sociale"):
            return NOT_HELD
        return NOTHING if answer.status_code == 404 and audience != EVERYBODY else ANSWERED


def told(answer: TestResponse) -> tuple[int, str | None, str]:
    """All that an answer says, but for the address that was asked for, and for what is said of an act before it."""
    page = answer.text if answer.mimetype == "text/html" else ""
    return (
        answer.status_code,
        answer.location,
        re.sub(r'href="/en/[^"]*"|value="[^"]{40,}"|<div class="flash".*?</div>\n?', "", page),
    )


def rules_of(app: Flask) -> dict[str, set[str]]:
    """Each route as the table writes it, and its methods."""
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        found.setdefault(re.sub(r"<\w+(\([^)]*\))?:", "<", rule.rule), set()).update(rule.methods or ())
    return found


def with_head(methods: dict[str, str]) -> dict[str, str]:
    """HEAD asks what GET asks."""
    return methods | ({"HEAD": methods["GET"]} if "GET" in methods else {})


def filled(values: dict[str, str]) -> dict[str, str]:
    """Each route with these values in its variable parts."""
    addresses = {rule: re.sub(r"<(\w+)>", lambda name: values[name[1]], rule) for rule in ROUTES}
    return addresses | {"/sitemap-<number>.xml": "/sitemap-1.xml", "/<name>": "/aide"}


@pytest.fixture
def world(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> World:
    """A shop in which everything belongs to one customer; the others own nothing."""
    monkeypatch.setattr(limiter, "enabled", False)
    furnished = furnish(app, shop)
    browsers = {
        "stranger": app.test_client(),
        "other": shop.signed_in(shop.customer("other@example.org", credit=100)),
        "staff": shop.signed_in(shop.staff()),
    }
    tokens = {
        who: csrf_of(browser, "/compte" if who != "stranger" else "/connexion") for who, browser in browsers.items()
    }
    nobodys = dict.fromkeys(("gift_id", "card_id", "entitlement_id", "device_id", "passkey_id"), "999") | {
        "number": "2020-000999",
        "lease_id": "x",
    }
    by_query = {"/paiement/retour": "session_id", "/paiement/reprendre": "commande"}
    return World(
        browsers | {"owner": furnished.browser},
        tokens | {"owner": furnished.token},
        filled(furnished.values) | queries(by_query, STRIPE_SESSION, furnished.unpaid),
        furnished.session,
        filled(furnished.values | nobodys) | queries(by_query, "cs_test_0", "x"),
    )


def queries(names: dict[str, str], *values: str) -> dict[str, str]:
    """Routes that are told in the query what is asked for."""
    return {rule: f"{rule}?{name}={value}" for (rule, name), value in zip(names.items(), values, strict=True)}


def test_every_route_and_method_is_in_the_table(app: Flask) -> None:
    named = {rule: {*with_head(methods), "OPTIONS"} for rule, methods in ROUTES.items()}
    assert rules_of(app) == named, "give ROUTES a row for what is new, and take out what is gone"


def test_everybody_gets_what_the_table_says(world: World) -> None:
    wrong = {}
    for rule, methods in sorted(ROUTES.items(), key=lambda row: row[0] == "/deconnexion"):
        for method in METHODS:
            audience = with_head(methods).get(method)
            expected = EXPECTED[audience] if audience else without_method(rule)
            met = tuple(world.verdict(who, method, rule) for who in ROLES[: len(expected)])
            if met != expected:
                wrong[method, rule] = met
    assert wrong == {}


def without_method(rule: str) -> tuple[str, ...]:
    """What the roles meet who use a method that the route has not: at the desk, still nothing; elsewhere one asks for all."""
    hidden = STAFF in ROUTES[rule].values()
    return (NOTHING, NOTHING, NO_METHOD, NOTHING) if hidden else (NO_METHOD,)


def test_every_act_of_staff_leaves_a_line(app: Flask, world: World) -> None:
    acts = [rule for rule, methods in ROUTES.items() if methods.get("POST") == STAFF and rule not in AT_THE_DOOR]
    assert acts
    for rule in acts:
        before = lines_of_the_log(app)
        assert world.ask("staff", "POST", world.addresses[rule]).status_code == 303, rule
        assert len(lines_of_the_log(app)) == len(before) + 1, rule
        actor = lines_of_the_log(app)[-1].actor
        assert actor is not None, rule


def lines_of_the_log(app: Flask) -> list[AuditEntry]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
