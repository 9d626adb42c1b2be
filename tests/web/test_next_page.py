"""Where one goes on after signing in: a path of ours, or the account."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.web.next_page import own_path

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
