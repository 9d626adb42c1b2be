"""How often one may try, all processes together, and all people together."""

from multiprocessing import get_context
from pathlib import Path

from flask import Flask

from store import create_app
from store.web.limits import limiter
from tests.conftest import settings_for
from tests.customers.test_sign_in import WRONG, from_address, sign_in
from tests.redis_server import redis_server
from tests.shop import PASSWORD, Shop
from tests.soak.processes import PROCESSES, in_two_processes

TRIES_OF_A_PROCESS = 7


def test_two_processes_count_together(app: Flask, shop: Shop, database_url: str, tmp_path: Path) -> None:
    shop.customer("jeanne@example.org")
    with redis_server() as server:
        settings = settings_for(tmp_path, database_url, REDIS_URL=server.url)
        turns = [get_context("fork").Event() for _ in range(PROCESSES + 1)]
        turns[0].set()

        def guess(process: int) -> list[int]:
            theirs = create_app(settings)
            turns[process].wait()
            homes = [f"192.0.2.{process * 100 + number}" for number in range(TRIES_OF_A_PROCESS)]
            tries = [sign_in(from_address(theirs, home), "jeanne@example.org", WRONG).status_code for home in homes]
            turns[process + 1].set()
            return tries

        first, second = in_two_processes(app, guess)
        assert (first, second) == ([422] * 7, [422] * 3 + [429] * 4)
        late = create_app(settings)
        assert sign_in(from_address(late, "192.0.2.250"), "jeanne@example.org", PASSWORD).status_code == 429


def test_a_thousand_failures_of_all_together_close_the_door(app: Flask, shop: Shop) -> None:
    """998 of them are put where the limiter counts; each would be another address and another account."""
    shop.customer("jeanne@example.org")
    assert sign_in(app.test_client(), "nobody@example.org", WRONG).status_code == 422
    with app.app_context():
        [counter] = [key for key in limiter.storage.storage if "/1000/" in key]
        limiter.storage.incr(counter, 300, amount=998)
    assert sign_in(from_address(app, "192.0.2.1"), "nobody-1@example.org", WRONG).status_code == 422
    refused = sign_in(from_address(app, "192.0.2.2"), "jeanne@example.org", PASSWORD)
    assert (refused.status_code, 0 < int(refused.headers["Retry-After"]) <= 300) == (429, True)
