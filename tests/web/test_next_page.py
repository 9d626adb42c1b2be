"""Where one goes on: a path of ours, or the account; to Stripe's page and no other; and what is kept meanwhile."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadGateway
from werkzeug.wrappers import Response

from store import create_app
from store.web.next_page import drop_for, keep_for, kept, own_path, to_payment
from tests.conftest import settings_for

OWN = [
    "/",
    "/films/la-sociale",
    "/films?tri=annee&theme=travail",
    "/cartes?film=la-sociale&denomination=20",
    "/recherche?q=caf%C3%A9%20cr%C3%A8me",
    "/films/la-sociale#affiche",
    "/films?retour=http://example.org/",
]
FOREIGN = [
    None,
    "",
    "films",
    "?a=b",
    "//example.org",
    "///example.org",
    "/\\example.org",
    "\\\\example.org",
    "/\\/example.org",
    "/%2fexample.org",
    "/%2F%2Fexample.org",
    "/%5cexample.org",
    "/films\\..\\",
    "/%09/example.org",
    "/\t/example.org",
    "\t//example.org",
    " //example.org",
    "/\n/example.org",
    "/\r\nLocation: http://example.org",
    "/%0d%0aLocation:%20http://example.org",
    "/films%00",
    "/films\0",
    "\0/films",
    "/films la-sociale",
    "/／example.org",
    "/films/é",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "http://example.org/",
    "https:example.org",
    "http:///example.org",
    "mailto:a@example.org",
    "/" + "x" * 2000,
]


@pytest.mark.parametrize("address", OWN)
def test_own_paths_pass(address: str) -> None:
    assert own_path(address) == address


@pytest.mark.parametrize("address", FOREIGN)
def test_everything_else_leads_to_the_account(address: str | None) -> None:
    assert own_path(address) == "/compte"


@given(st.text(st.sampled_from("/\\.:@%25cf09\t\n\r\0 #?ae"), max_size=12))
def test_no_address_leaves_the_shop(address: str) -> None:
    as_browsers_read_it = own_path(address).replace("\\", "/").translate(dict.fromkeys(map(ord, "\t\r\n")))
    assert urlsplit(urljoin("http://localhost/connexion", as_browsers_read_it)).netloc == "localhost"


@pytest.mark.parametrize(
    ("address", "goes_there"),
    [
        ("https://checkout.stripe.com/c/pay/cs_test_x", True),
        ("https://checkout.stripe.com", False),
        ("https://checkout.stripe.com.example.org/c/pay/x", False),
        ("https://checkout.stripe.com@example.org/c/pay/x", False),
        ("http://checkout.stripe.com/c/pay/x", False),
        ("//checkout.stripe.com/c/pay/x", False),
        ("javascript:x", False),
        ("/compte", False),
    ],
)
def test_only_stripes_page_is_gone_to(tmp_path: Path, database_url: str, address: str, goes_there: bool) -> None:
    stripe = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}
    with create_app(settings_for(tmp_path, database_url, **stripe)).test_request_context():
        if goes_there:
            assert to_payment(address).location == address
        else:
            with pytest.raises(BadGateway):
                to_payment(address)


def test_what_is_kept_behind_tls_is_brought_over_tls_alone(tmp_path: Path, database_url: str) -> None:
    app = create_app(settings_for(tmp_path, database_url, SHOP_URL="https://shop.example"))
    with app.test_request_context("/cartes", headers={"Cookie": "__Secure-draft=x; draft=planted"}):
        assert kept("draft") == "x"
        answer = Response()
        keep_for("/cartes", answer, "draft", "y", 60)
        drop_for("/cartes", answer, "draft")
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 4
    for cookie in cookies:
        assert cookie.startswith("__Secure-draft=")
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
