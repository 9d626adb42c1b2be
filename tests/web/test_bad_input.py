"""Whatever is sent to whatever address: an answer of ours, never a 500, and soon. `make soak` sends fifty thousand."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from flask import Flask

from store import create_app
from store.db import db
from tests.checkout.own_sandbox import own_sandbox
from tests.conftest import both_engines, settings_for
from tests.shop import Shop
from tests.web import odd_inputs
from tests.web.odd_inputs import OddInputs

INPUTS = 400
SEED = 2026


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A shop that talks to a sandbox of its own: an order that comes through leads on to Stripe."""
    with own_sandbox(tmp_path / "sandbox") as sandbox:
        app = create_app(settings_for(tmp_path, database_url, **sandbox.settings))
        yield app
        with app.app_context():
            db.engine.dispose()


@both_engines
def test_no_input_breaks_a_route(app: Flask) -> None:
    inputs = OddInputs(app, Shop(app), Random(SEED))
    assert list(inputs.complaints(INPUTS)) == []
    assert {200, 303, 400, 404, 405, 422} <= set(inputs.answered)


def test_a_route_that_breaks_is_seen(app: Flask) -> None:
    app.add_url_rule("/breaks", view_func=lambda: 1 / 0)
    inputs = OddInputs(app, Shop(app), Random(SEED))
    found = list(inputs.complaints(4 * len([*app.url_map.iter_rules()])))  # some are refused before they arrive
    assert found and all(one.startswith("500: ") and "/breaks" in one for one in found)


def test_a_route_that_dawdles_is_seen(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odd_inputs, "LONGEST_S", 0)
    [found] = OddInputs(app, Shop(app), Random(SEED)).complaints(1)
    assert found.startswith("0.0 s: ")
