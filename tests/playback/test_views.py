"""The player's addresses: what they answer, and to whom."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from store.db import transaction
from store.playback.tokens import SESSION_LIFETIME, make_token
from store.rentals.models import Entitlement
from tests.playback.theatre import RECIPE, SLUG, add_film, held, holder, now, page_token, revoke, write_film
from tests.shop import Shop, csrf_of

OTHER = "les-jours-heureux"


@pytest.fixture
def viewer(app: Flask, shop: Shop) -> FlaskClient:
    """The browser of somebody who rented La Sociale."""
    return shop.signed_in(holder(app, shop))


@pytest.fixture
def film(app: Flask) -> Iterator[None]:
    """La Sociale's files are in the store."""
    write_film(app)
    return None


def post(client: FlaskClient, address: str, token: str | None = None, **fields: object):
    return client.post(address, data={"csrf_token": token or page_token(client), **fields})


def begin(client: FlaskClient, **fields: object) -> dict:
    answer = post(client, f"/films/{SLUG}/lecture", consentement="oui", **fields)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def token_for(app: Flask, lease_id: str = "lease", film: str = SLUG, at: datetime | None = None, **more: object) -> str:
    return make_token(app.config["MEDIA_TOKEN_KEYS"], lease_id, film, RECIPE, at or now(), **more)  # type: ignore[arg-type]  # `more` is what it takes


def test_a_stranger_signs_in_and_comes_back(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    answer = client.get(f"/films/{SLUG}/voir")
    assert answer.status_code == 303
    assert answer.location == f"/connexion?next=/films/{SLUG}/voir"


def test_who_holds_nothing_finds_the_film_s_page(shop: Shop) -> None:
    shop.film()
    client = shop.signed_in(shop.customer())
    answer = client.get(f"/films/{SLUG}/voir")
    assert (answer.status_code, answer.location) == (303, f"/films/{SLUG}")


def test_before_it_begins_the_page_asks_for_consent_and_offers_to_undo(viewer: FlaskClient) -> None:
    page = viewer.get(f"/films/{SLUG}/voir")
    assert 'data-play="consent"' in page.text
    assert f'action="/films/{SLUG}/annuler"' in page.text
    assert 'href="/conditions"' in page.text
    assert "<noscript>" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_once_begun_the_page_resumes(app: Flask, viewer: FlaskClient) -> None:
    answer = begin(viewer)
    post(viewer, answer["renew"], position_s="2052", sequence="1")
    page = viewer.get(f"/films/{SLUG}/voir").text
    assert 'data-play="resume"' in page
    assert "34:12" in page
    assert "/annuler" not in page


def test_the_answer_that_plays(app: Flask, viewer: FlaskClient) -> None:
    answer = begin(viewer)
    assert set(answer) == {"manifest", "renew", "position_s", "ends_at", "subtitles"}
    assert answer["manifest"].startswith("/media/")
    assert answer["manifest"].endswith(f"/{SLUG}/{RECIPE}/index.m3u8")
    assert (answer["position_s"], answer["subtitles"]) == (0, ["fr", "en"])
    assert datetime.fromisoformat(answer["ends_at"]) == held(app).ends_at


def test_the_refusals_before_playing(app: Flask, shop: Shop, client: FlaskClient, viewer: FlaskClient) -> None:
    address = f"/films/{SLUG}/lecture"
    signed_out = post(client, address, csrf_of(client, "/connexion"))
    assert (signed_out.status_code, signed_out.get_json()) == (401, {"reason": "signed_out"})
    assert viewer.post(address).status_code == 400
    consent = post(viewer, address)
    assert (consent.status_code, consent.get_json()) == (409, {"reason": "consent"})
    assert held(app).begun_at is None
    stranger = shop.signed_in(shop.customer("stranger@example.org"))
    refused = post(stranger, address, csrf_of(stranger, "/cartes"))
    assert (refused.status_code, refused.get_json()) == (403, {"reason": "not_entitled"})


def test_one_stream_too_many_can_be_resolved(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "purchase")
    devices = [shop.signed_in(person) for _ in range(3)]
    for device in devices[:2]:
        begin(device)
    refused = post(devices[2], f"/films/{SLUG}/lecture")
    assert refused.status_code == 409
    answer = refused.get_json()
    assert (answer["reason"], len(answer["streams"])) == ("streams", 2)
    assert "La Sociale" in answer["streams"][0]["label"]
    assert post(devices[2], answer["streams"][0]["stop"]).status_code == 204
    begin(devices[2])


def test_stopping_what_is_not_one_s_own(app: Flask, shop: Shop, viewer: FlaskClient) -> None:
    stop = begin(viewer)["renew"] + "/arreter"
    stranger = shop.signed_in(shop.customer("stranger@example.org"))
    token = csrf_of(stranger, "/cartes")
    assert post(stranger, stop, token).status_code == 404
    assert post(stranger, "/lecture/no-such-lease/arreter", token).status_code == 404


def test_renewing(app: Flask, viewer: FlaskClient) -> None:
    answer = begin(viewer)
    renewed = post(viewer, answer["renew"], position_s="12.9", sequence="1")
    assert renewed.status_code == 200
    assert renewed.get_json()["manifest"].endswith(f"/{SLUG}/{RECIPE}/index.m3u8")
    assert held(app).position_s == 12
    assert post(viewer, answer["renew"], position_s="-1", sequence="2").status_code == 422
    assert post(viewer, answer["renew"], position_s="nan", sequence="2").status_code == 422
    assert post(viewer, answer["renew"], position_s="9" * 40, sequence="2").status_code == 422
    token = page_token(viewer)
    revoke(app)
    refused = post(viewer, answer["renew"], token, position_s="20", sequence="3")
    assert (refused.status_code, refused.get_json()) == (403, {"reason": "revoked"})


def test_a_film_plays_with_its_token(viewer: FlaskClient, film: None) -> None:
    manifest = begin(viewer)["manifest"]
    playlist = viewer.get(manifest)
    assert (playlist.status_code, playlist.mimetype) == (200, "application/vnd.apple.mpegurl")
    assert playlist.headers["Cache-Control"] == "no-store"
    segment = viewer.get(manifest.replace("index.m3u8", "video-240/00001.m4s"))
    assert (segment.status_code, segment.mimetype, segment.data) == (200, "video/mp4", bytes(range(200)))
    assert segment.headers["Cache-Control"].startswith("private, max-age=")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.mpd", "application/dash+xml"),
        ("video-240/init.mp4", "video/mp4"),
        ("subtitles.vtt", "text/vtt; charset=utf-8"),
    ],
)
def test_files_say_what_they_are(app: Flask, client: FlaskClient, film: None, name: str, kind: str) -> None:
    answer = client.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)


def test_part_of_a_file(app: Flask, client: FlaskClient, film: None) -> None:
    address = f"/media/{token_for(app)}/{SLUG}/{RECIPE}/video-240/00001.m4s"
    answer = client.get(address, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.data) == (206, bytes(range(10, 20)))
    assert answer.headers["Content-Range"] == "bytes 10-19/200"
    assert client.get(address, headers={"Range": "bytes=500-"}).status_code == 416


def test_without_a_valid_token_there_is_no_film(app: Flask, client: FlaskClient, film: None) -> None:
    good = token_for(app)
    for status, token in (
        (403, "x"),
        (403, good[:-1]),
        (403, good[:-1] + ("A" if good[-1] != "A" else "B")),
        (403, token_for(app, film=OTHER)),
        (410, token_for(app, at=now() - timedelta(seconds=121))),
    ):
        for name in ("index.m3u8", "video-240/00001.m4s", "missing.m4s"):
            answer = client.get(f"/media/{token}/{SLUG}/{RECIPE}/{name}")
            assert answer.status_code == status, token
            assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_for_one_film_does_not_open_another(app: Flask, client: FlaskClient, film: None) -> None:
    write_film(app, OTHER)
    assert client.get(f"/media/{token_for(app)}/{OTHER}/{RECIPE}/index.m3u8").status_code == 403
    assert client.get(f"/media/{token_for(app, film=OTHER)}/{OTHER}/{RECIPE}/index.m3u8").status_code == 200


@pytest.mark.parametrize(
    "trick",
    [
        "../secret.mp4",
        "../../secret.mp4",
        "video-240/../../../secret.mp4",
        "%2e%2e/%2e%2e/secret.mp4",
        "..%2f..%2fsecret.mp4",
        "%2fetc/passwd.mp4",
        "/etc/passwd.mp4",
        "video-240//00001.m4s",
        "./index.m3u8",
        "index.m3u8%00.mp4",
        "index.m3u8%0a",
        "..%5c..%5csecret.mp4",
        "%252e%252e/secret.mp4",
        "~root/secret.mp4",
        ".hidden.mp4",
        "notes.txt",
        "video-240",
        "video-240/",
        "missing.m4s",
        "a" * 300 + ".m4s",
        "",
    ],
)
def test_path_tricks_find_nothing(app: Flask, client: FlaskClient, film: None, trick: str) -> None:
    answer = client.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{trick}")
    assert answer.status_code == 404
    assert "outside every film" not in answer.text


@pytest.mark.parametrize(
    ("film_part", "recipe_part"), [("..", RECIPE), (SLUG, ".."), ("%2e%2e", "%2e%2e"), (".", SLUG)]
)
def test_tricks_with_film_and_version_find_nothing(
    app: Flask, client: FlaskClient, film_part: str, recipe_part: str
) -> None:
    write_film(app)
    assert client.get(f"/media/{token_for(app)}/{film_part}/{recipe_part}/secret.mp4").status_code == 404


def test_links_do_not_lead_out_of_the_store(app: Flask, client: FlaskClient) -> None:
    folder = write_film(app)
    (folder / "link.mp4").symlink_to(folder.parent.parent / "secret.mp4")
    assert client.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/link.mp4").status_code == 404


def test_a_token_for_the_whole_session_ends_with_its_stream(app: Flask, viewer: FlaskClient, film: None) -> None:
    answer = begin(viewer, lecteur="natif")
    assert viewer.get(answer["manifest"]).status_code == 200
    assert post(viewer, answer["renew"] + "/arreter").status_code == 204
    assert viewer.get(answer["manifest"]).status_code == 403
    made_up = token_for(app, "no-such-lease", lifetime=SESSION_LIFETIME)
    assert viewer.get(f"/media/{made_up}/{SLUG}/{RECIPE}/index.m3u8").status_code == 403


def test_a_segment_costs_no_query(app: Flask, viewer: FlaskClient, film: None, query_count) -> None:
    manifest = begin(viewer)["manifest"]
    with query_count() as queries:
        assert viewer.get(manifest.replace("index.m3u8", "video-240/00001.m4s")).status_code == 200
    assert queries == []


def test_a_purchase_never_speaks_of_an_end(app: Flask, shop: Shop) -> None:
    person = holder(app, shop)
    add_film(app, person, "purchase", SLUG)
    assert begin(shop.signed_in(person))["ends_at"] is None


def test_films_seen_are_kept_and_forgotten_by_a_button(app: Flask, shop: Shop) -> None:
    person = holder(app, shop, "purchase")
    client = shop.signed_in(person)
    page = client.get("/compte/films").text
    assert 'name="garder" value="oui"' in page
    assert post(client, "/compte/films/vus", garder="oui").status_code == 303
    with app.app_context(), transaction() as session:
        session.execute(update(Entitlement).values(seen_at=now()))
    page = client.get("/compte/films").text
    assert "vu le" in page
    assert post(client, "/compte/films/vus", garder="non").status_code == 303
    assert held(app).seen_at is None
    assert "vu le" not in client.get("/compte/films").text
