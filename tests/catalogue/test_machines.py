"""What machines read: sitemaps, the feed, a film's facts."""

import json
import re
from xml.etree import ElementTree

from flask import Flask
from flask.testing import FlaskClient

from tests.shop import Shop

MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"


def test_every_address_of_the_sitemap_answers(app: Flask, client: FlaskClient, shop: Shop) -> None:
    shop.film()
    index = ElementTree.fromstring(client.get("/sitemap.xml").data)
    maps = [str(one.text) for one in index.iter(f"{MAP}loc")]
    assert maps == [f"{app.config['SHOP_URL']}/sitemap-1.xml"]
    page = ElementTree.fromstring(client.get("/sitemap-1.xml").data)
    paths = [str(one.text).removeprefix(app.config["SHOP_URL"]) for one in page.iter(f"{MAP}loc")]
    assert "/films/la-sociale" in paths and "/en/films/la-sociale" in paths
    french = [path for path in paths if not path.startswith("/en")]
    assert {path: client.get(path).status_code for path in french} == dict.fromkeys(french, 200)


def test_the_feed_holds_the_newest_films(client: FlaskClient, shop: Shop) -> None:
    shop.film("un-film")
    shop.film("un-autre")
    feed = ElementTree.fromstring(client.get("/films.atom").data)
    assert [title.text for title in feed.iter(f"{ATOM}title")][1:] == ["Un Autre (2016)", "Un Film (2016)"]


def test_a_film_page_says_its_facts_to_machines(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    page = client.get("/films/la-sociale").text
    found = re.search(r'<script type="application/ld\+json">(.+?)</script>', page)
    assert found
    movie = json.loads(found[1])
    assert (movie["@type"], movie["duration"]) == ("Movie", "PT84M")
    assert [offer["price"] for offer in movie["offers"]] == ["3.50", "9.00"]
