"""What the shop relies on, asked of the sandbox and, where a key of its test mode is in the environment, of Stripe itself.

`STRIPE_TEST_SECRET_KEY=sk_test_… pytest tests/gateways/test_stripe_contract.py` runs each test against both. Nobody clicks
on Stripe's page here, so nothing is paid; Sessions and endpoints that a test makes are ended by it.
"""

import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.gateways.sandbox_process import Shop, order, running_sandbox

KEY = os.environ.get("STRIPE_TEST_SECRET_KEY", "")
if KEY and not KEY.startswith("sk_test_"):
    raise pytest.UsageError("STRIPE_TEST_SECRET_KEY must be a key of Stripe's test mode: sk_test_…")

LISTS = ["charges", "refunds", "disputes", "balance_transactions", "payouts", "customers", "payment_intents", "events"]


@pytest.fixture(scope="module", params=["sandbox", "stripe"] if KEY else ["sandbox"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stripe.StripeClient]:
    if request.param == "stripe":
        yield stripe.StripeClient(KEY)
    else:
        shop = Shop()
        with running_sandbox(tmp_path_factory.mktemp("sandbox"), shop) as sandbox:
            yield sandbox.stripe
        shop.server.shutdown()
        shop.server.server_close()


@pytest.fixture
def api(target: stripe.StripeClient) -> Any:
    return target.v1


@pytest.fixture
def sessions(api: Any) -> Iterator[Any]:
    """Sessions of which none stays open."""
    started = int(time.time()) - 60
    yield api.checkout.sessions
    for session in api.checkout.sessions.list({"status": "open", "created": {"gte": started}}).auto_paging_iter():
        api.checkout.sessions.expire(session.id)


def test_a_session_as_the_shop_reads_it(sessions: Any) -> None:
    moment = int(time.time()) + 3600
    made = sessions.create(order(expires_at=moment))
    assert made.id.startswith("cs_test_") and made.url and made.last_response.headers["Request-Id"].startswith("req_")
    assert made.last_response.headers["Stripe-Version"] == stripe.api_version
    for session in (made, sessions.retrieve(made.id)):
        assert (session.object, session.mode, session.livemode) == ("checkout.session", "payment", False)
        assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
        assert (session.amount_total, session.amount_subtotal, session.currency) == (2000, 2000, "eur")
        assert (session.client_reference_id, session.metadata["order"], session.locale) == ("order-7", "7", "fr")
        assert (session.customer_email, session.expires_at) == ("ana@example.org", moment)


def test_a_session_ends_once(sessions: Any) -> None:
    session = sessions.create(order())
    expired = sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        sessions.expire(session.id)


def test_sessions_are_listed_newest_first(sessions: Any) -> None:
    first, second = (sessions.create(order()) for _ in range(2))
    page = sessions.list({"created": {"gte": first.created}, "limit": 1})
    assert (page.object, page.url, page.has_more) == ("list", "/v1/checkout/sessions", True)
    assert [session.id for session in page.data] == [second.id]
    assert [session.id for session in sessions.list({"starting_after": second.id, "limit": 1}).data] == [first.id]


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"unit_amount": "20.00"}, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"success_url": "nowhere"}, "url_invalid", "success_url"),
        ({"unit_amount": 1}, "amount_too_small", None),
        ({"expires_at": int(time.time()) + 60}, None, "expires_at"),
        ({"expires_at": int(time.time()) + 90_000}, None, "expires_at"),
    ],
)
def test_parameters_are_read_strictly(sessions: Any, changes: Any, code: str | None, param: str | None) -> None:
    cents = changes.pop("unit_amount", 2000)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sessions.create(order(cents) | changes)
    assert (refusal.value.http_status, refusal.value.code) == (400, code)
    assert param is None or refusal.value.param == param


def test_one_key_makes_one_session(sessions: Any) -> None:
    once = {"idempotency_key": uuid.uuid4().hex}
    first, second = (sessions.create(order(), once) for _ in range(2))
    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as refusal:
        sessions.create(order(5000), once)
    assert refusal.value.http_status == 400


@pytest.mark.parametrize(
    "room", ["checkout.sessions", "payment_intents", "charges", "refunds", "disputes", "customers"]
)
def test_what_is_not_there_is_missing(api: Any, room: str) -> None:
    found = api
    for name in room.split("."):
        found = getattr(found, name)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        found.retrieve("xx_nothing")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_a_refund_of_nothing_names_what_is_missing(api: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.refunds.create({"payment_intent": "pi_nothing", "amount": 100})
    assert (refusal.value.code, refusal.value.param) == ("resource_missing", "payment_intent")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.refunds.create({"payment_intent": "pi_nothing", "colour": "red"})
    assert (refusal.value.code, refusal.value.param) == ("parameter_unknown", "colour")


@pytest.mark.parametrize("name", LISTS)
def test_every_list_pages_and_is_strict(api: Any, name: str) -> None:
    page = getattr(api, name).list({"limit": 1, "created": {"gte": 0}})
    assert (page.object, page.url) == ("list", f"/v1/{name}") and isinstance(page.has_more, bool)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        getattr(api, name).list({"colour": "red"})
    assert refusal.value.code == "parameter_unknown"


def test_the_balance_is_told_by_currency(api: Any) -> None:
    balance = api.balance.retrieve()
    assert (balance.object, balance.livemode) == ("balance", False)
    for part in [*balance.available, *balance.pending]:
        assert isinstance(part.amount, int) and len(part.currency) == 3 and "card" in part.source_types


def test_an_endpoint_tells_its_secret_once(api: Any, target: stripe.StripeClient, request: Any) -> None:
    sandbox = request.node.callspec.params["target"] == "sandbox"
    url = "http://127.0.0.1:9/stripe/webhook" if sandbox else "https://example.org/stripe/webhook"
    made = api.webhook_endpoints.create({"url": url, "enabled_events": ["checkout.session.completed"]})
    try:
        assert (made.object, made.status, made.url) == ("webhook_endpoint", "enabled", url)
        assert made.secret.startswith("whsec_") and made.enabled_events == ["checkout.session.completed"]
        assert "secret" not in api.webhook_endpoints.retrieve(made.id)
        assert made.id in [one.id for one in api.webhook_endpoints.list().auto_paging_iter()]
    finally:
        assert api.webhook_endpoints.delete(made.id).deleted is True
    assert made.id not in [one.id for one in api.webhook_endpoints.list().auto_paging_iter()]


def test_a_customer_is_kept(api: Any) -> None:
    made = api.customers.create({"email": "ana@example.org", "name": "Ana", "metadata": {"customer": "3"}})
    kept = api.customers.retrieve(made.id)
    assert (kept.object, kept.email, kept.name, kept.metadata["customer"]) == (
        "customer",
        "ana@example.org",
        "Ana",
        "3",
    )
