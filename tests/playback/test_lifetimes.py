"""The path token over time: renewed without a gap for as long as one may watch, and over soon after one may not."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store.playback.leases import LONGEST_SILENCE
from store.playback.tokens import LIFETIME
from tests.conftest import both_engines
from tests.playback.theatre import SLUG, holder, page_token, revoke, write_film
from tests.shop import Shop

RENEWED_EVERY_S = 10
NEW_ADDRESS_WITHIN_S = 40
LIFETIME_S, SILENCE_S = int(LIFETIME.total_seconds()), int(LONGEST_SILENCE.total_seconds())


class Player:
    """A browser that plays as the shop's player does: it renews, and fetches with the newest address."""

    def __init__(self, client: FlaskClient, **fields: str) -> None:
        self._client, self._token = client, page_token(client)
        begun = self._post(f"/films/{SLUG}/lecture", consentement="oui", **fields)
        assert begun.status_code == 200
        self.manifest: str = begun.get_json()["manifest"]
        self._renew, self._sequence = begun.get_json()["renew"], 0

    def renew(self, position_s: int = 0) -> int:
        """Renew; the status."""
        self._sequence += 1
        answer = self._post(self._renew, position_s=str(position_s), sequence=str(self._sequence))
        self.manifest = answer.get_json().get("manifest", self.manifest)
        return answer.status_code

    def fetch(self, manifest: str | None = None) -> int:
        """Fetch a segment, as the newest address or another one says; the status."""
        address = (manifest or self.manifest).replace("index.m3u8", "video-240/00001.m4s")
        return self._client.get(address).status_code

    def stop(self) -> int:
        """Give the place back; the status."""
        return self._post(f"{self._renew}/arreter").status_code

    def _post(self, address: str, **fields: str):
        return self._client.post(address, data={"csrf_token": self._token, **fields})


@pytest.fixture
def at(app: Flask) -> Callable[[int], None]:
    """Sets the shop's clock to so many seconds after now."""

    def move(seconds: int) -> None:
        app.config["SHOP_CLOCK_OFFSET_S"] = seconds

    return move


@pytest.fixture
def player(app: Flask, shop: Shop) -> Player:
    write_film(app)
    return Player(shop.signed_in(holder(app, shop)))


@both_engines
def test_three_lifetimes_without_a_gap(player: Player, at: Callable[[int], None]) -> None:
    addresses = {player.manifest: 0}
    for second in range(0, 3 * LIFETIME_S + RENEWED_EVERY_S, 5):
        at(second)
        assert player.fetch() == 200, second
        if second % RENEWED_EVERY_S == 0:
            assert player.renew(second) == 200
            addresses.setdefault(player.manifest, second)
    issued = list(addresses.values())
    assert max(later - earlier for earlier, later in zip(issued, issued[1:], strict=False)) <= NEW_ADDRESS_WITHIN_S
    for address, second in addresses.items():
        is_over = second + LIFETIME_S <= 3 * LIFETIME_S
        assert player.fetch(address) == (410 if is_over else 200)


@pytest.mark.parametrize("silence_s", [RENEWED_EVERY_S, 40, SILENCE_S - 1])
def test_renewals_may_come_late(player: Player, at: Callable[[int], None], silence_s: int) -> None:
    for beat in range(1, 6):
        at(beat * silence_s)
        assert player.fetch() == 200
        assert player.renew() == 200


@both_engines
def test_a_refund_stops_the_picture_within_one_lifetime(app: Flask, player: Player, at: Callable[[int], None]) -> None:
    at(RENEWED_EVERY_S)
    assert player.renew() == 200
    revoke(app)
    assert player.renew() == 403
    at(RENEWED_EVERY_S + LIFETIME_S - 5)
    assert player.renew() == 403
    assert player.fetch() == 200, "what nginx lets through without asking the shop"
    at(RENEWED_EVERY_S + LIFETIME_S + 1)
    assert player.fetch() == 410


def test_a_token_for_the_session_stops_at_once(app: Flask, shop: Shop, at: Callable[[int], None]) -> None:
    write_film(app)
    player = Player(shop.signed_in(holder(app, shop)), lecteur="natif")
    first = player.manifest
    for second in range(0, 3 * LIFETIME_S, 60):
        at(second)
        assert player.renew() == 200
        assert player.fetch(first) == 200
    revoke(app)
    assert player.fetch(first) == 403


@both_engines
def test_a_closed_tab_frees_its_place(app: Flask, shop: Shop, at: Callable[[int], None]) -> None:
    person = holder(app, shop, "purchase")
    kept, closed = Player(shop.signed_in(person)), Player(shop.signed_in(person))
    third = shop.signed_in(person)
    token = page_token(third)

    def start() -> int:
        return third.post(f"/films/{SLUG}/lecture", data={"csrf_token": token}).status_code

    for second in range(0, SILENCE_S, RENEWED_EVERY_S):
        at(second)
        assert kept.renew() == 200
    assert start() == 409
    at(SILENCE_S + 1)
    assert start() == 200
    assert closed.renew() == 403
    assert kept.renew() == 200
