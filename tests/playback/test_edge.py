"""The doors to a film, nginx and the shop itself: they open for a token's film alone, and let nobody keep what is another's."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, request
from sqlalchemy import select

from config import load
from store import create_app
from store.db import db
from store.gateways.media_store import media_store
from store.playback.models import PlaybackFailure
from store.playback.tokens import LIFETIME, SESSION_LIFETIME
from tests.bucket import client_of, s3_server, settings_for_bucket
from tests.conftest import settings_for
from tests.nginx import DEPLOY, Door, edge_before, shop_itself
from tests.playback.test_views import OTHER, begin, post, token_for
from tests.playback.theatre import RECIPE, SLUG, holder, now, write_film
from tests.shop import Shop

INDEX, SEGMENT = "index.m3u8", "video-240/00001.m4s"
SEGMENT_BYTES = bytes(range(200))
REFUSALS = {403, 404, 410}
TRICKS = [
    *("../secret.mp4", "../../secret.mp4", "../../../secret.mp4", "video-240/../../../secret.mp4"),
    *("../" * 20 + "etc/passwd", "../" * 20 + "etc/passwd.mp4", f"../../{OTHER}/{RECIPE}/{SEGMENT}"),
    *("video-240/../index.m3u8", "./index.m3u8", f"../{RECIPE}/index.m3u8"),
    *("%2e%2e/%2e%2e/secret.mp4", "%2E%2E%2F%2E%2E%2Fsecret.mp4", "..%2f..%2fsecret.mp4", "%2e%2e%5csecret.mp4"),
    *("%252e%252e/secret.mp4", "%252e%252e%252fsecret.mp4", "..%c0%af..%c0%afsecret.mp4", "%c0%ae%c0%ae/secret.mp4"),
    *("%uff0e%uff0e/secret.mp4", "%u002e%u002e/secret.mp4", "..%5c..%5csecret.mp4", "..;/..;/secret.mp4"),
    *("....//....//secret.mp4", "..././..././secret.mp4", ".../secret.mp4", "%2fetc/passwd.mp4", "/etc/passwd.mp4"),
    *("video-240//00001.m4s", "index.m3u8%00.mp4", "index.m3u8%0a", "index.m3u8%20", "%zz.mp4", "~root/secret.mp4"),
    *(".hidden.mp4", "notes.txt", "video-240", "video-240/", "missing.m4s", "index.m3u8/", "", "a" * 3000 + ".m4s"),
    *("link.mp4", "folder/secret.mp4"),
]


@pytest.fixture
def films(app: Flask) -> Path:
    """The folders of two films, and links that lead out of them."""
    write_film(app, OTHER)
    folder = write_film(app)
    (folder / "link.mp4").symlink_to(folder.parent.parent / "secret.mp4")
    (folder / "folder").symlink_to(folder.parent.parent)
    (folder / "libre").mkdir()
    (folder / "libre" / "trailer.mp4").write_bytes(b"trailer")
    return folder


@pytest.fixture(params=["nginx", "shop"])
def door(request: pytest.FixtureRequest, app: Flask, films: Path, tmp_path: Path) -> Iterator[Door]:
    """nginx, and the shop that sends by itself."""
    app.config["MEDIA_SENDER"] = "nginx" if request.param == "nginx" else "app"
    with shop_itself(app) as shop, ExitStack() as stack:
        yield shop if request.param == "shop" else stack.enter_context(edge_before(shop, app, tmp_path / "nginx"))


def statuses(door: Door, addresses: Iterable[str]) -> dict[str, int]:
    return {address: door.get(address)[0].status for address in addresses}


def opened_among(door: Door, addresses: Iterable[str]) -> dict[str, int]:
    """The addresses that are not refused, which should be none."""
    return {address: status for address, status in statuses(door, addresses).items() if status not in REFUSALS}


def tampered(token: str) -> Iterator[str]:
    """The token with each of its signs changed, and each left out."""
    for place, sign in enumerate(token):
        yield token[:place] + ("1" if sign != "1" else "2") + token[place + 1 :]
        yield token[:place] + token[place + 1 :]
    yield token[:-1] + chr(ord(token[-1]) + 1)  # decodes to the same signature, which has a bit less than its signs


def test_a_token_opens_its_film(door: Door, app: Flask) -> None:
    answer, body = door.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{SEGMENT}")
    assert (answer.status, body) == (200, SEGMENT_BYTES)
    assert answer.getheader("Content-Type") == "video/mp4"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert door.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{INDEX}?x=1")[0].status == 200


def test_what_is_no_token_for_the_film_opens_nothing(door: Door, app: Flask) -> None:
    """Who holds nothing has no token: `test_views` shows who is given one."""
    good, for_session = token_for(app), token_for(app, lifetime=SESSION_LIFETIME)
    expires, lease, signature = good.split(".")
    forged = {
        *tampered(good),
        *(token_for(app, film=OTHER), for_session, for_session.replace("s-", "-"), good.replace(".1-", ".1s-")),
        *(f"{int(expires) + 1}.{lease}.{signature}", f"{expires}.another.{signature}"),
        *(
            f"{expires}.{lease}.9-{signature[2:]}",
            f"{expires}.{lease}.1-{'A' * 22}",
            made_without_a_key(expires, lease),
        ),
        *("x", "..", "%2e%2e", "0", "null", SLUG),
    }
    folders = [f"/media/{token}/{SLUG}/{RECIPE}" for token in forged]
    folders += [f"/media/{SLUG}/{RECIPE}", f"/{SLUG}/{RECIPE}", f"/_films/{SLUG}/{RECIPE}", f"/media/{RECIPE}"]
    assert opened_among(door, [f"{folder}/{name}" for folder in folders for name in (INDEX, SEGMENT)]) == {}


def made_without_a_key(expires: str, lease: str) -> str:
    """What a check that knows no secret for a key would take."""
    digest = hashlib.md5(f" {expires}.{lease}.9 {SLUG}/{RECIPE} ".encode()).digest()
    return f"{expires}.{lease}.9-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_how_a_token_is_refused(door: Door, app: Flask) -> None:
    over = token_for(app, at=now() - LIFETIME - timedelta(seconds=2))
    forged_and_over = over.replace("-", "-A")[: len(over)]
    for status, token in ((403, token_for(app, film=OTHER)), (410, over), (403, forged_and_over)):
        for name in (INDEX, SEGMENT, "missing.m4s"):
            answer, _ = door.get(f"/media/{token}/{SLUG}/{RECIPE}/{name}")
            assert (answer.status, answer.getheader("Cache-Control")) == (status, "no-store"), token


def test_a_token_opens_no_other_film_and_no_other_version(door: Door, app: Flask) -> None:
    token = token_for(app)
    others = [f"/media/{token}/{OTHER}/{RECIPE}/{SEGMENT}", f"/media/{token}/{SLUG}/{'0' * 16}/{SEGMENT}"]
    assert set(statuses(door, others).values()) == {403}


def test_no_trick_leads_out_of_the_film(door: Door, app: Flask) -> None:
    token = token_for(app)
    inside, libre = f"/media/{token}/{SLUG}/{RECIPE}", f"/media/libre/{SLUG}/{RECIPE}"
    addresses = [f"{inside}/{trick}" for trick in TRICKS]
    addresses += [
        f"/media/{token}/../{token}/{SLUG}/{RECIPE}/{INDEX}",
        f"/static/..{inside}/{INDEX}",
    ]
    addresses += [f"/media/{token}/{SLUG}/../secret.mp4", f"/media/{token}/../secret.mp4", "/media/../secret.mp4"]
    addresses += [f"/media//{token}/{SLUG}/{RECIPE}/{INDEX}", f"{libre}/../{INDEX}", f"{libre}/..%2f{INDEX}"]
    assert opened_among(door, addresses) == {}


def test_a_part_of_a_file(door: Door, app: Flask) -> None:
    address = f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{SEGMENT}"
    answer, body = door.get(address, Range="bytes=10-19")
    assert (answer.status, body) == (206, SEGMENT_BYTES[10:20])
    assert answer.getheader("Content-Range") == "bytes 10-19/200"
    assert door.get(address, Range="bytes=-5")[1] == SEGMENT_BYTES[-5:]
    assert door.get(address, Range="bytes=500-")[0].status == 416
    head, nothing = door.ask("HEAD", address)
    assert (head.status, head.getheader("Content-Length"), nothing) == (200, "200", b"")
    again, nothing = door.get(address, If_None_Match=head.getheader("ETag") or "")
    assert (again.status, nothing) == (304, b"")
    assert door.ask("PUT", address)[0].status in {403, 405}


def test_nobody_keeps_what_is_another_s(door: Door, app: Flask) -> None:
    """A shared cache may keep neither a film nor a refusal; the viewer's own browser keeps pieces, at an address of its token's."""
    folder = f"/media/{token_for(app)}/{SLUG}/{RECIPE}"
    kept = {name: door.get(f"{folder}/{name}")[0].getheader("Cache-Control") for name in (INDEX, "index.mpd", SEGMENT)}
    assert kept == {INDEX: "no-store", "index.mpd": "no-store", SEGMENT: "private, max-age=600, immutable"}
    part, _ = door.get(f"{folder}/{SEGMENT}", Range="bytes=0-0")
    assert part.headers.get_all("Cache-Control") == ["private, max-age=600, immutable"]
    for address in (f"{folder}/missing.m4s", f"/media/x/{SLUG}/{RECIPE}/{SEGMENT}"):
        assert door.get(address)[0].headers.get_all("Cache-Control") == ["no-store"]
    opened = door.get(f"{folder}/{SEGMENT}")[0].status, door.get(f"/media/x/{SLUG}/{RECIPE}/{SEGMENT}")[0].status
    assert opened == (200, 403)


def test_what_is_open_to_all(door: Door) -> None:
    answer, body = door.get(f"/media/libre/{SLUG}/{RECIPE}/trailer.mp4")
    assert (answer.status, body) == (200, b"trailer")
    assert answer.headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]
    closed = [f"/media/libre/{SLUG}/{RECIPE}/{name}" for name in (INDEX, SEGMENT, "../index.m3u8", "missing.mp4")]
    assert set(statuses(door, closed).values()) == {404}


def test_a_token_for_the_whole_session_ends_with_its_stream(door: Door, app: Flask, shop: Shop) -> None:
    """Native players cannot swap tokens: the shop is asked each time, also by nginx, and nobody keeps a piece of theirs."""
    viewer = shop.signed_in(holder(app, shop))
    answer = begin(viewer, lecteur="natif")
    segment = answer["manifest"].replace(INDEX, SEGMENT)
    found, body = door.get(segment, Range="bytes=10-19")
    assert (found.status, body) == (206, SEGMENT_BYTES[10:20])
    assert found.getheader("Content-Type") == "video/mp4"
    assert found.headers.get_all("Cache-Control") == ["no-store"]
    assert door.get(answer["manifest"].replace(INDEX, "missing.m4s"))[0].status == 404
    assert post(viewer, answer["renew"] + "/arreter").status_code == 204
    assert statuses(door, [segment, answer["manifest"]]) == {segment: 403, answer["manifest"]: 403}


def test_the_shop_hears_of_what_it_sold_and_does_not_have(door: Door, app: Flask, films: Path, shop: Shop) -> None:
    (films / INDEX).write_text(f"#EXTM3U\n{SEGMENT}\n")
    (films / SEGMENT).unlink()
    manifest = begin(shop.signed_in(holder(app, shop)))["manifest"]
    assert door.get(manifest.replace(INDEX, SEGMENT))[0].status == 404
    with app.app_context():
        assert db.session.scalars(select(PlaybackFailure.name)).all() == [SEGMENT]


def test_nginx_needs_the_shop_for_no_film_and_lets_nobody_in_without_it(
    app: Flask, films: Path, tmp_path: Path
) -> None:
    token, stolen = token_for(app), token_for(app, film=OTHER)
    with ExitStack() as stack:
        with shop_itself(app) as shop:
            edge = stack.enter_context(edge_before(shop, app, tmp_path / "nginx"))
        assert edge.get(f"/media/{token}/{SLUG}/{RECIPE}/{SEGMENT}")[1] == SEGMENT_BYTES
        assert edge.get(f"/media/{stolen}/{SLUG}/{RECIPE}/{SEGMENT}")[0].status == 403
        away, page = edge.get("/films")
        assert (away.status, away.headers["Retry-After"], away.headers["Cache-Control"]) == (503, "10", "no-store")
        style = re.search(r"<style>(.*?)</style>", page.decode(), re.DOTALL)[1]
        allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{allowed}'" in away.headers["Content-Security-Policy"]
        missing = f"/media/{token}/{SLUG}/{RECIPE}/missing.m4s"
        assert edge.get(missing)[0].status == 502, "what nginx does not find it asks the shop for"
    assert token not in edge.log() and stolen not in edge.log()
    assert f'GET film "{SLUG}/{RECIPE}/{SEGMENT}" 200' in edge.log()


def test_the_pages_behind_nginx(database_url: str, tmp_path: Path) -> None:
    """The shop sees TLS and the visitor's address through nginx, and believes nobody else's word for them."""
    app = create_app(settings_for(tmp_path, database_url, SHOP_URL="https://localhost", PROXY_HOPS="1"))
    app.add_url_rule("/who", "who", lambda: f"{request.url} {request.remote_addr}")
    with shop_itself(app) as shop, edge_before(shop, app, tmp_path / "nginx") as edge:
        page, _ = edge.get("/connexion")
        assert (page.status, page.headers["Strict-Transport-Security"][:8]) == (200, "max-age=")
        assert page.headers["Set-Cookie"].startswith("__Host-session=") and "; Secure;" in page.headers["Set-Cookie"]
        forged = {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example"}
        assert edge.get("/who", **forged)[1] == b"https://localhost/who 127.0.0.1"
        assert edge.get("/mot-de-passe/secret?query=secret")[0].status == 404
    assert "/mot-de-passe/[token]" in edge.log() and "secret" not in edge.log()


def test_keys_are_replaced_while_films_play(app: Flask, films: Path, tmp_path: Path) -> None:
    old = app.config["MEDIA_TOKEN_KEYS"]
    by_the_old_key = token_for(app)
    app.config["MEDIA_TOKEN_KEYS"] = [(2, "a new key of more than thirty-two signs"), *old]
    by_the_new_key = token_for(app)
    with shop_itself(app) as shop, edge_before(shop, app, tmp_path / "nginx") as edge:
        for token in (by_the_old_key, by_the_new_key):
            assert edge.get(f"/media/{token}/{SLUG}/{RECIPE}/{SEGMENT}")[0].status == 200
        mixed = by_the_old_key.replace(".1-", ".2-")
        assert edge.get(f"/media/{mixed}/{SLUG}/{RECIPE}/{SEGMENT}")[0].status == 403


def test_films_in_a_bucket(app: Flask, films: Path, tmp_path: Path) -> None:
    """nginx keeps what the bucket sent, behind the tokens' check: for who may see it, and for nobody else."""
    with s3_server() as address, shop_itself(app) as shop, ExitStack() as stack:
        settings = load({"SHOP_MODE": "test", **settings_for_bucket(address, f"edge-{os.getpid()}")})
        app.config |= {"MEDIA_BUCKET": settings["MEDIA_BUCKET"], "MEDIA_SENDER": "nginx"}
        with app.app_context():
            media_store().publish_copy(films, SLUG, RECIPE)
        let_everybody_read(address, f"edge-{os.getpid()}")
        storage = address.removeprefix("http://")
        in_bucket = (DEPLOY / "films-in-bucket.conf").read_text(encoding="utf-8").replace("https://", "http://")
        in_bucket = in_bucket.replace("s3.example", storage).replace(
            "/bucket/prefix/", f"/edge-{os.getpid()}/shop/films/"
        )
        beside = f"upstream bucket {{ server {storage}; keepalive 16; }}"
        beside += f"proxy_cache_path {tmp_path / 'kept'} levels=1:2 keys_zone=films:1m use_temp_path=off;"
        edge = stack.enter_context(edge_before(shop, app, tmp_path / "nginx", in_bucket, beside))
        answer, body = edge.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{SEGMENT}")
        assert (answer.status, body, answer.getheader("Content-Type")) == (200, SEGMENT_BYTES, "video/mp4")
        assert answer.headers.get_all("Cache-Control") == ["private, max-age=600, immutable"]
        missing, _ = edge.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/missing.m4s")
        assert (missing.status, missing.headers.get_all("Cache-Control")) == (404, ["no-store"])
        for_session = token_for(app, "no-such-lease", lifetime=SESSION_LIFETIME)
        assert edge.get(f"/media/{for_session}/{SLUG}/{RECIPE}/{SEGMENT}")[0].status == 403
        empty(address, f"edge-{os.getpid()}")
        part, body = edge.get(f"/media/{token_for(app, 'another')}/{SLUG}/{RECIPE}/{SEGMENT}", Range="bytes=10-19")
        assert (part.status, body) == (206, SEGMENT_BYTES[10:20])
        assert edge.get(f"/media/{token_for(app, film=OTHER)}/{SLUG}/{RECIPE}/{SEGMENT}")[0].status == 403


def test_the_shop_sends_from_a_bucket_and_says_when_it_is_gone(app: Flask, films: Path) -> None:
    with shop_itself(app) as shop:
        with s3_server() as address:
            settings = load({"SHOP_MODE": "test", **settings_for_bucket(address, f"shop-{os.getpid()}")})
            app.config["MEDIA_BUCKET"] = settings["MEDIA_BUCKET"]
            with app.app_context():
                media_store().publish_copy(films, SLUG, RECIPE)
            segment = f"/media/{token_for(app)}/{SLUG}/{RECIPE}/{SEGMENT}"
            assert shop.get(segment)[1] == SEGMENT_BYTES
            assert shop.get(segment, Range="bytes=10-19")[1] == SEGMENT_BYTES[10:20]
            assert shop.get(f"/media/{token_for(app)}/{SLUG}/{RECIPE}/missing.m4s")[0].status == 404
        assert shop.get(segment)[0].status == 503


def empty(address: str, bucket: str) -> None:
    """Take everything out of a bucket."""
    client = client_of(address)
    for item in client.list_objects_v2(Bucket=bucket)["Contents"]:
        client.delete_object(Bucket=bucket, Key=item["Key"])


def let_everybody_read(address: str, bucket: str) -> None:
    """The policy that docs/edge.md asks for, without its condition on nginx's address."""
    rule = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [rule]}
    client_of(address).put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
