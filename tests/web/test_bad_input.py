"""Whatever is sent to whatever address: an answer of ours, never a 500, and soon. `make soak` sends fifty thousand."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from flask import Flask, request

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


def test_what_no_route_should_do_is_seen(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.add_url_rule("/breaks", "breaks", view_func=lambda: 1 / 0)
    app.add_url_rule("/repeats", "repeats", view_func=lambda: request.args.get("said", ""))
    inputs = OddInputs(app, Shop(app), Random(SEED))
    broken = list(inputs.complaints(10, "/breaks"))
    assert broken and all(complaint.startswith("500: ") for complaint in broken)
    repeated = list(inputs.complaints(100, "/repeats"))
    assert repeated and all(complaint.startswith("hostile words") for complaint in repeated)
    monkeypatch.setattr(odd_inputs, "LONGEST_S", 0)
    assert list(inputs.complaints(1, "/robots.txt"))
