"""The Stripe sandbox as a process of its own, driven by the unmodified SDK, with a real receiver of its events."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

GATEWAYS = Path(__file__).parents[2] / "store" / "gateways"  # run from there, it cannot lean on the shop
SECRET = "whsec_test_of_the_sandbox"
PAYS, DECLINES = "4242 4242 4242 4242", "4000000000000002"


class Shop:
    """What stands at the other end: takes events, verifies each signature, and refuses those in `refusals` first."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.refusals: dict[str, list[int]] = {}
        self._news = threading.Condition()
        shop = self

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(shop.take(body, self.headers["Stripe-Signature"]))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body: bytes, signature: str) -> int:
        event = stripe.Webhook.construct_event(body, signature, SECRET)
        with self._news:
            self.events.append(event)
            self._news.notify_all()
            refusals = self.refusals.get(event.data.object["id"])
            return refusals.pop(0) if refusals else 200

    def about(self, object_id: str | None) -> list[Any]:
        return [event for event in self.events if event.data.object["id"] == object_id]

    def types(self, object_id: str | None) -> list[str]:
        return [event.type for event in self.about(object_id)]

    def wait_for(self, enough: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(enough, timeout=20), [event.type for event in self.events]


class Sandbox:
    """A sandbox process with its data file."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.data, self.shop = folder / "sandbox.sqlite", shop
        self.url = f"http://127.0.0.1:{self.port}"
        self.stripe = self.client("sk_test_of_the_sandbox")
        self.start()

    def command(self, **changes: str) -> list[str]:
        options = {"port": str(self.port), "data": str(self.data), "webhook-url": f"{self.shop.url}/stripe/webhook"}
        options |= {"webhook-secret": SECRET} | {name.replace("_", "-"): value for name, value in changes.items()}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [sys.executable, "-m", "stripe_sandbox", *words]

    def start(self) -> None:
        self.process = subprocess.Popen(self.command(), cwd=GATEWAYS, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout and self.url in self.process.stdout.readline()
        assert requests.get(f"{self.url}/_sandbox/health").json() == {"ok": True}

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=20)

    def client(self, key: str) -> stripe.StripeClient:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=0)

    def session(self, key: str | None = None, **changes: Any) -> Any:
        options: Any = {"idempotency_key": key} if key else {}
        return self.stripe.v1.checkout.sessions.create(order(**changes), options)

    def retrieve(self, session: Any) -> Any:
        return self.stripe.v1.checkout.sessions.retrieve(session.id)

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> requests.Response:
        return requests.post(f"{self.url}{path}", form, headers=headers, allow_redirects=False)

    def pay(self, session: Any, card: str = PAYS) -> Any:
        answer = self.post(f"/_sandbox/pay/{session.id}", card=card)
        assert answer.status_code == 200
        return answer.json()

    def paid(self, cents: int = 2000, card: str = PAYS) -> Any:
        """The PaymentIntent of a new Session that was paid, with its charge."""
        intent = self.pay(self.session(line_items=order(cents)["line_items"]), card)["payment_intent"]
        return self.stripe.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.balance_transaction"]})

    def refund(self, intent: Any, key: str | None = None, **params: Any) -> Any:
        options: Any = {"idempotency_key": key} if key else {}
        return self.stripe.v1.refunds.create({"payment_intent": intent.id} | params, options)

    def act(self, path: str, **form: str) -> Any:
        answer = self.post(f"/_sandbox/{path}", **form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def charge(self, intent: Any) -> Any:
        return self.stripe.v1.charges.retrieve(intent.latest_charge.id)

    def booked(self, source: str) -> list[tuple[str, str, int, int]]:
        """Type, category, amount and net of the balance transactions of a source, oldest first."""
        found = self.stripe.v1.balance_transactions.list({"source": source}).data[::-1]
        return [(one.type, one.reporting_category, one.amount, one.net) for one in found]

    def deliveries(self, object_id: str) -> list[Any]:
        events = requests.get(f"{self.url}/_sandbox/events").json()["data"]
        return [one for event in events if event["data"]["object"]["id"] == object_id for one in event["deliveries"]]


def order(cents: int = 2000, **changes: Any) -> Any:
    """The parameters of a card's sale."""
    price = {"currency": "eur", "unit_amount": cents, "product_data": {"name": "Carte prépayée 20 €"}}
    params = {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "client_reference_id": "order-7",
        "metadata": {"order": "7"},
        "payment_intent_data": {"metadata": {"order": "7"}},
        "customer_email": "ana@example.org",
        "success_url": "http://127.0.0.1:9/retour?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:9/abandon",
        "locale": "fr",
    } | changes
    return {name: value for name, value in params.items() if value is not None}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.shutdown()
    shop.server.server_close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), shop)
    yield sandbox
    sandbox.end(signal.SIGKILL)


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.post("/_sandbox/delivery", mode="normal")


# The API


def test_a_new_session_is_open(sandbox: Sandbox) -> None:
    session = sandbox.session()
    assert session.id.startswith("cs_test_")
    assert (session.object, session.mode) == ("checkout.session", "payment")
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.amount_subtotal, session.currency) == (2000, 2000, "eur")
    assert (session.client_reference_id, session.metadata["order"], session.locale) == ("order-7", "7", "fr")
    assert (session.customer_email, session.customer_details.email) == ("ana@example.org", "ana@example.org")
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert session.expires_at == session.created + 86_400
    assert session.livemode is False and session.payment_intent is None
    assert sandbox.retrieve(session) == session


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"line_items": [{"price_data": {"tint": 1}}]}, "parameter_unknown", "line_items[0][price_data][tint]"),
        ({"mode": None}, "parameter_missing", "mode"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"cents": "20.00"}, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
        ({"cents": -5}, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
        ({"cents": 49}, "amount_too_small", None),
        ({"mode": "subscription"}, None, "mode"),
        ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
        ({"expires_at": int(time.time()) + 60}, None, "expires_at"),
        ({"expires_at": int(time.time()) + 90_000}, None, "expires_at"),
        ({"expand": ["subscription"]}, None, "expand"),
    ],
)
def test_parameters_are_read_strictly(sandbox: Sandbox, changes: Any, code: str | None, param: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.session(**changes)
    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (400, code, param)
    assert refusal.value.request_id and refusal.value.request_id.startswith("req_")


def test_lines_add_up(sandbox: Sandbox) -> None:
    price = {"currency": "eur", "unit_amount": 1000, "product_data": {"name": "Carte prépayée 10 €"}}
    lines = [{"price_data": price, "quantity": 2}, {"price_data": price | {"unit_amount": 5}, "quantity": 3}]
    assert sandbox.session(line_items=lines).amount_total == 2015


def test_an_hour_is_a_good_time_to_expire(sandbox: Sandbox) -> None:
    moment = int(time.time()) + 3600
    assert sandbox.session(expires_at=moment).expires_at == moment


def test_unknown_ids_and_addresses_are_404(sandbox: Sandbox) -> None:
    api = sandbox.stripe.v1
    for find in (api.checkout.sessions.retrieve, api.payment_intents.retrieve, api.events.retrieve):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            find("cs_test_nothing")
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.coupons.list()
    assert refusal.value.http_status == 404


@pytest.mark.parametrize("key", ["sk_live_anything", "rk_live_anything", "pk_test_anything"])
def test_other_than_test_keys_are_refused_and_not_repeated(sandbox: Sandbox, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as refusal:
        sandbox.client(key).v1.events.list()
    assert key not in str(refusal.value) and ("live" in str(refusal.value)) == ("live" in key)


def test_without_a_key_nothing_is_told(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.url}/v1/events").status_code == 401


def test_lists_page_and_filter(sandbox: Sandbox) -> None:
    mine = [sandbox.session().id for _ in range(5)][::-1]
    sandbox.stripe.v1.checkout.sessions.expire(mine[0])
    first = sandbox.retrieve(sandbox.session())
    listing = sandbox.stripe.v1.checkout.sessions.list({"limit": 2, "created": {"gte": first.created - 3600}})
    assert [session.id for session in listing.auto_paging_iter()][1:6] == mine
    assert listing.has_more and listing.data[0].id == first.id

    def ids(**params: Any) -> list[str]:
        return [session.id for session in sandbox.stripe.v1.checkout.sessions.list(params).data]

    assert ids(status="expired", limit=1) == [mine[0]]
    assert ids(created={"gt": first.created + 3600}) == [] == ids(created=first.created + 3600)
    assert ids(ending_before=mine[1], limit=1) == [mine[0]]
    assert ids(starting_after=mine[0], limit=2) == mine[1:3]
    intent = sandbox.pay(first)["payment_intent"]
    assert ids(payment_intent=intent) == [first.id]


# Idempotency


def test_one_key_makes_one_session(sandbox: Sandbox) -> None:
    first, second = sandbox.session("key-1"), sandbox.session("key-1")
    assert first.id == second.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_with_another_content_or_address_is_refused(sandbox: Sandbox) -> None:
    sandbox.session("key-2")
    with pytest.raises(stripe.IdempotencyError) as refusal:
        sandbox.session("key-2", cents=5000)
    assert refusal.value.http_status == 400
    first, second = sandbox.session(), sandbox.session()
    sandbox.stripe.v1.checkout.sessions.expire(first.id, options={"idempotency_key": "key-2b"})
    with pytest.raises(stripe.IdempotencyError):
        sandbox.stripe.v1.checkout.sessions.expire(second.id, options={"idempotency_key": "key-2b"})


def test_a_refused_request_leaves_its_key_free(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.session("key-3", cents=1)
    assert sandbox.session("key-3").status == "open"


def test_a_key_in_flight_is_a_conflict(sandbox: Sandbox) -> None:
    blocker = sqlite3.connect(sandbox.data, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(sandbox.session, "key-4") for _ in range(2)]
        done, waiting = wait(both, timeout=20, return_when=FIRST_COMPLETED)
        blocker.execute("ROLLBACK")
    blocker.close()
    conflict = done.pop().exception()
    assert isinstance(conflict, stripe.APIError) and conflict.http_status == 409
    assert conflict.json_body["error"]["code"] == "idempotency_key_in_use"
    assert waiting.pop().result().status == "open"


# The hosted page


def test_the_page_shows_what_is_bought_and_the_card_pays(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    page = requests.get(session.url)
    for words in ("Carte prépayée 20 €", "Payer 20,00\u00a0€", "ana@example.org", "Abandonner", "aucun argent réel"):
        assert words in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "form-action 'self' http://127.0.0.1:9;" in policy
    assert "<script" not in page.text
    paid = sandbox.post(f"/c/pay/{session.id}", {"Origin": sandbox.url}, card=PAYS, email="ana@example.org")
    assert (paid.status_code, paid.headers["Location"]) == (303, f"http://127.0.0.1:9/retour?session_id={session.id}")
    again = sandbox.post(f"/c/pay/{session.id}", card=PAYS)
    assert (again.status_code, again.headers["Location"]) == (303, paid.headers["Location"])
    page = requests.get(session.url).text
    assert "déjà fait" in page and paid.headers["Location"] in page and "<form" not in page
    shop.wait_for(lambda: len(shop.about(session.id)) == 1)


def test_a_payment_makes_an_intent_and_signed_events(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    answer = sandbox.pay(session)
    assert answer["status"] == "paid"
    paid = sandbox.stripe.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent = paid.payment_intent
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert isinstance(intent, stripe.PaymentIntent) and intent.id == answer["payment_intent"]
    assert (intent.status, intent.amount, intent.amount_received, intent.currency) == ("succeeded", 2000, 2000, "eur")
    assert intent.metadata["order"] == "7" and str(intent.latest_charge).startswith("ch_")
    assert sandbox.stripe.v1.payment_intents.retrieve(intent.id) == intent
    shop.wait_for(lambda: len(shop.about(session.id)) == 1)
    assert shop.types(intent.id) == ["payment_intent.created", "payment_intent.succeeded"]
    [completed] = shop.about(session.id)
    assert completed.type == "checkout.session.completed"
    assert completed.data.object["payment_status"] == "paid"
    assert (completed.object, completed.livemode, completed.api_version) == ("event", False, stripe.api_version)
    kept = sandbox.stripe.v1.events.retrieve(completed.id)
    assert (kept.type, kept.data.object) == (completed.type, completed.data.object)
    listed = sandbox.stripe.v1.events.list({"type": "checkout.session.*", "limit": 1}).data
    assert [event.id for event in listed] == [completed.id]


def test_a_declined_card_leaves_the_session_open(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    page = sandbox.post(f"/c/pay/{session.id}", card=DECLINES)
    assert page.status_code == 402 and "Votre carte a été refusée. Rien n’a été débité." in page.text
    declined = sandbox.retrieve(session)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    shop.wait_for(lambda: len(shop.about(declined.payment_intent)) == 2)
    assert shop.types(declined.payment_intent) == ["payment_intent.created", "payment_intent.payment_failed"]
    assert sandbox.pay(session, DECLINES)["status"] == "declined"
    assert sandbox.pay(session)["payment_intent"] == declined.payment_intent


@pytest.mark.parametrize("card", ["", "4242424242424241", "5555555555554444", "carte", "4" * 5000])
def test_other_numbers_get_a_sentence_and_change_nothing(sandbox: Sandbox, card: str) -> None:
    session = sandbox.session()
    page = sandbox.post(f"/c/pay/{session.id}", card=card)
    assert page.status_code == 422 and "vérifiez ses chiffres" in page.text
    assert sandbox.post(f"/_sandbox/pay/{session.id}", card=card).status_code == 400
    assert sandbox.retrieve(session).payment_intent is None


def test_no_card_number_is_kept(sandbox: Sandbox) -> None:
    sandbox.pay(sandbox.session(), "4242424242424242")
    written = b"".join(file.read_bytes() for file in sandbox.data.parent.iterdir())
    assert b"4242424242424242" not in written and b"4242 4242" not in written and DECLINES.encode() not in written


def test_an_expired_session_says_so_and_cannot_be_paid(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    expired = sandbox.stripe.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert "a expiré" in requests.get(session.url).text
    assert "a expiré" in sandbox.post(f"/c/pay/{session.id}", card=PAYS).text
    assert sandbox.post(f"/_sandbox/pay/{session.id}", card=PAYS).status_code == 400
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        sandbox.stripe.v1.checkout.sessions.expire(session.id)
    shop.wait_for(lambda: bool(shop.about(session.id)))
    assert [event.type for event in shop.about(session.id)] == ["checkout.session.expired"]
    assert shop.about(session.id)[0].request.id.startswith("req_")


def test_a_session_expires_by_itself(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    with sqlite3.connect(sandbox.data, isolation_level=None) as data:
        data.execute("UPDATE plan SET due = 1 WHERE object = ?", [session.id])
    shop.wait_for(lambda: bool(shop.about(session.id)))
    assert sandbox.retrieve(session).status == "expired"


def test_a_page_that_does_not_exist_says_so(sandbox: Sandbox) -> None:
    page = requests.get(f"{sandbox.url}/c/pay/cs_test_nothing")
    assert page.status_code == 404 and "Introuvable" in page.text


# Charges and what Stripe keeps of them


def test_a_charge_brings_money_less_the_fee(sandbox: Sandbox) -> None:
    intent = sandbox.paid(2000)
    charge, booked = intent.latest_charge, intent.latest_charge.balance_transaction
    assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("succeeded", True, True, 2000)
    assert (charge.amount_refunded, charge.refunded, charge.disputed) == (0, False, False)
    assert (charge.payment_method_details.type, charge.payment_method_details.card.last4) == ("card", "4242")
    assert charge.metadata["order"] == "7" and charge.payment_intent == intent.id
    assert (booked.type, booked.amount, booked.fee, booked.net, booked.source) == ("charge", 2000, 55, 1945, charge.id)
    assert (booked.status, booked.available_on) == ("pending", booked.created + 3 * 86_400)
    assert [(fee.amount, fee.type) for fee in booked.fee_details] == [(55, "stripe_fee")]
    assert [one.id for one in sandbox.stripe.v1.charges.list({"payment_intent": intent.id}).data] == [charge.id]


# Refunds


def test_a_refund_is_made_once_and_booked(sandbox: Sandbox, shop: Shop) -> None:
    intent = sandbox.paid(2000)
    refund = sandbox.refund(intent, "refund-1", amount=500, metadata={"refund": "9"}, reason="requested_by_customer")
    assert (
        sandbox.refund(intent, "refund-1", amount=500, metadata={"refund": "9"}, reason="requested_by_customer")
        == refund
    )
    assert (refund.status, refund.amount, refund.currency, refund.charge) == (
        "succeeded",
        500,
        "eur",
        intent.latest_charge.id,
    )
    assert (refund.metadata["refund"], refund.reason) == ("9", "requested_by_customer")
    assert sandbox.stripe.v1.refunds.retrieve(refund.id) == refund
    assert sandbox.booked(refund.id) == [("refund", "refund", -500, -500)]
    assert (sandbox.charge(intent).amount_refunded, sandbox.charge(intent).refunded) == (500, False)
    rest = sandbox.refund(intent)
    assert (rest.amount, sandbox.charge(intent).amount_refunded, sandbox.charge(intent).refunded) == (1500, 2000, True)
    for filters in ({"payment_intent": intent.id}, {"charge": refund.charge}):
        assert [one.id for one in sandbox.stripe.v1.refunds.list(filters).data] == [rest.id, refund.id]
    assert sandbox.stripe.v1.refunds.list({"created": {"gt": rest.created}}).data == []
    shop.wait_for(lambda: len(shop.about(refund.charge)) == 4)
    assert shop.types(refund.charge) == ["charge.succeeded", "charge.updated", "charge.refunded", "charge.refunded"]
    assert shop.about(refund.charge)[-1].data.previous_attributes["amount_refunded"] == 500
    assert shop.types(refund.id) == ["refund.created"]
    assert shop.about(refund.id)[0].request.idempotency_key == "refund-1"


def test_refunds_never_exceed_the_charge(sandbox: Sandbox) -> None:
    intent, fresh = sandbox.paid(2000), sandbox.session()
    sandbox.pay(fresh, DECLINES)
    unpaid = sandbox.stripe.v1.payment_intents.retrieve(sandbox.retrieve(fresh).payment_intent)
    sandbox.refund(intent, amount=500)
    for about, params, words, code in [
        (intent, {"amount": 1501}, "Refund amount (€15.01) is greater than unrefunded amount on charge (€15.00)", None),
        (unpaid, {}, f"This PaymentIntent ({unpaid.id}) does not have a successful charge to refund.", None),
        (intent, {"amount": 0}, "Invalid positive integer: 0", "parameter_invalid_integer"),
        (intent, {"colour": "red"}, "Received unknown parameter: colour", "parameter_unknown"),
    ]:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.refund(about, **params)
        assert (refusal.value.user_message, refusal.value.code) == (words, code)
    sandbox.refund(intent, amount=1500)
    with pytest.raises(stripe.InvalidRequestError, match="has already been refunded") as refusal:
        sandbox.refund(intent)
    assert refusal.value.code == "charge_already_refunded"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.refunds.create({"payment_intent": "pi_nothing"})
    assert (refusal.value.code, refusal.value.param) == ("resource_missing", "payment_intent")


def test_two_refunds_at_once_share_the_charge(sandbox: Sandbox) -> None:
    intent = sandbox.paid(2000)
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(sandbox.refund, intent, amount=1500) for _ in range(2)]
    assert sorted(one.exception() is None for one in both) == [False, True]
    assert sandbox.charge(intent).amount_refunded == 1500


def test_a_refund_in_the_dashboard_knows_no_order(sandbox: Sandbox, shop: Shop) -> None:
    intent = sandbox.paid(2000)
    refund = sandbox.act(f"refund/{intent.id}", amount="700")
    assert (refund["object"], refund["amount"], refund["metadata"], refund["status"]) == (
        "refund",
        700,
        {},
        "succeeded",
    )
    shop.wait_for(lambda: "charge.refunded" in shop.types(intent.latest_charge.id))
    assert shop.about(refund["id"])[0].request.id is None
    assert sandbox.post(f"/_sandbox/refund/{intent.id}", amount="1301").status_code == 400


@pytest.mark.parametrize("at_first", ["succeeded", "pending"])
def test_a_refund_may_fail_later_and_the_money_comes_back(sandbox: Sandbox, shop: Shop, at_first: str) -> None:
    intent = sandbox.paid(2000)
    refund = sandbox.act(f"refund/{intent.id}", amount="700", outcome=at_first)
    assert refund["status"] == at_first and sandbox.charge(intent).amount_refunded == 700
    failed = sandbox.act(f"settle/{refund['id']}", outcome="failed")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert sandbox.charge(intent).amount_refunded == 0
    assert sandbox.booked(refund["id"]) == [
        ("refund", "refund", -700, -700),
        ("refund_failure", "refund_failure", 700, 700),
    ]
    shop.wait_for(lambda: "refund.failed" in shop.types(refund["id"]))
    assert shop.types(refund["id"]) == ["refund.created", "refund.updated", "charge.refund.updated", "refund.failed"]
    assert sandbox.post(f"/_sandbox/settle/{refund['id']}", outcome="failed").status_code == 400
    assert sandbox.act(f"refund/{intent.id}", outcome="failed")["status"] == "failed"
    assert sandbox.refund(intent).amount == 2000


def test_a_pending_refund_succeeds(sandbox: Sandbox, shop: Shop) -> None:
    refund = sandbox.act(f"refund/{sandbox.paid(2000).id}", outcome="pending")
    assert (refund["amount"], refund["pending_reason"]) == (2000, "processing")
    assert sandbox.act(f"settle/{refund['id']}", outcome="succeeded")["status"] == "succeeded"
    shop.wait_for(lambda: "refund.updated" in shop.types(refund["id"]))
    assert shop.about(refund["id"])[1].data.previous_attributes["status"] == "pending"


# Disputes


def test_a_dispute_takes_what_was_not_refunded_until_it_is_won(sandbox: Sandbox, shop: Shop) -> None:
    intent = sandbox.paid(2000)
    sandbox.refund(intent, amount=500)
    opened = sandbox.act(f"dispute/{intent.id}", outcome="open")
    assert (opened["amount"], opened["status"], opened["payment_intent"]) == (1500, "needs_response", intent.id)
    assert sandbox.charge(intent).disputed and not opened["is_charge_refundable"]
    assert sandbox.booked(opened["id"]) == [("adjustment", "dispute", -1500, -3500)]
    with pytest.raises(stripe.InvalidRequestError, match="charged back; cannot issue a refund") as refusal:
        sandbox.refund(intent, amount=100)
    assert refusal.value.code == "charge_disputed"
    assert sandbox.post(f"/_sandbox/dispute/{intent.id}", outcome="open").status_code == 400
    won = sandbox.act(f"dispute/{intent.id}", outcome="won")
    assert won["status"] == "won" and [one["net"] for one in won["balance_transactions"]] == [-3500, 1500]
    assert sandbox.booked(opened["id"])[1:] == [("adjustment", "dispute_reversal", 1500, 1500)]
    assert sandbox.stripe.v1.disputes.retrieve(opened["id"]).status == "won"
    assert [one.id for one in sandbox.stripe.v1.disputes.list({"payment_intent": intent.id}).data] == [opened["id"]]
    shop.wait_for(lambda: len(shop.about(opened["id"])) == 4)
    assert [kind.removeprefix("charge.dispute.") for kind in shop.types(opened["id"])] == [
        "created", "funds_withdrawn", "closed", "funds_reinstated",
    ]  # fmt: skip
    assert sandbox.refund(intent).amount == 1500


def test_a_lost_dispute_ends_all_refunds(sandbox: Sandbox, shop: Shop) -> None:
    intent = sandbox.paid(2000)
    lost = sandbox.act(f"dispute/{intent.id}", outcome="lost")
    shop.wait_for(lambda: "charge.dispute.closed" in shop.types(lost["id"]))
    assert "charge.dispute.funds_reinstated" not in shop.types(lost["id"])
    assert sandbox.booked(lost["id"]) == [("adjustment", "dispute", -2000, -4000)]
    assert sandbox.post(f"/_sandbox/refund/{intent.id}").json()["error"]["code"] == "charge_disputed"
    assert sandbox.post(f"/_sandbox/dispute/{intent.id}", outcome="won").status_code == 400


def test_what_is_refunded_cannot_be_disputed(sandbox: Sandbox) -> None:
    intent = sandbox.paid(2000)
    sandbox.refund(intent)
    assert sandbox.post(f"/_sandbox/dispute/{intent.id}", outcome="open").status_code == 400
    assert sandbox.post("/_sandbox/dispute/pi_nothing", outcome="open").status_code == 404


# Events on their way


def test_an_event_is_sent_until_it_is_taken(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    shop.refusals[session.id] = [500, 302]
    sandbox.stripe.v1.checkout.sessions.expire(session.id)
    shop.wait_for(lambda: len(shop.about(session.id)) == 2)
    assert sandbox.deliveries(session.id)[0]["state"] == "pending"
    assert len({event.id for event in shop.about(session.id)}) == 1


def test_double_sends_each_event_twice(sandbox: Sandbox, shop: Shop) -> None:
    assert sandbox.post("/_sandbox/delivery", mode="double").json() == {"mode": "double"}
    session = sandbox.session()
    intent = sandbox.pay(session)["payment_intent"]
    shop.wait_for(lambda: len(shop.about(session.id)) == 2 and len(shop.about(intent)) == 4)


def test_reverse_sends_the_last_event_first(sandbox: Sandbox, shop: Shop) -> None:
    sandbox.post("/_sandbox/delivery", mode="reverse")
    session = sandbox.session()
    intent = sandbox.pay(session)["payment_intent"]
    shop.wait_for(lambda: bool(shop.about(intent)))
    arrived = [event.data.object["id"] for event in shop.events]
    assert arrived.index(session.id) < arrived.index(intent)


def test_lost_events_never_arrive(sandbox: Sandbox, shop: Shop) -> None:
    sandbox.post("/_sandbox/delivery", mode="lose")
    lost, later = sandbox.session(), sandbox.session()
    sandbox.pay(lost)
    sandbox.post("/_sandbox/delivery", mode="normal")
    sandbox.post("/_sandbox/deliver")
    sandbox.pay(later)
    shop.wait_for(lambda: bool(shop.about(later.id)))
    assert shop.about(lost.id) == []
    assert [one["state"] for one in sandbox.deliveries(lost.id)] == ["lost"]


def test_held_events_wait_for_deliver(sandbox: Sandbox, shop: Shop) -> None:
    sandbox.post("/_sandbox/delivery", mode="hold")
    held = sandbox.session()
    sandbox.pay(held)
    assert [one["state"] for one in sandbox.deliveries(held.id)] == ["held"] and shop.about(held.id) == []
    assert sandbox.post("/_sandbox/deliver").json() == {"attempted": 5, "delivered": 5, "failed": 0}
    assert [event.type for event in shop.about(held.id)] == ["checkout.session.completed"]
    assert sandbox.post("/_sandbox/deliver").json()["attempted"] == 0
    events = requests.get(f"{sandbox.url}/_sandbox/events").json()["data"]
    assert events[-1]["data"]["object"]["id"] == held.id
    assert events[-1]["deliveries"] == [{"state": "delivered", "attempts": 1, "answer": "200"}]


# Guards


def test_bad_input_to_the_control_interface_is_refused_in_json(sandbox: Sandbox) -> None:
    session = sandbox.session()
    for path, form, status in [
        (f"/_sandbox/pay/{session.id}", {}, 400),
        (f"/_sandbox/pay/{session.id}", {"card": PAYS, "colour": "red"}, 400),
        ("/_sandbox/pay/cs_test_nothing", {"card": PAYS}, 404),
        ("/_sandbox/delivery", {"mode": "sideways"}, 400),
        ("/_sandbox/delivery", {}, 400),
        ("/_sandbox/nothing", {}, 404),
    ]:
        answer = sandbox.post(path, **form)
        assert (answer.status_code, "message" in answer.json()["error"]) == (status, True), path


def test_the_control_page_is_for_people(sandbox: Sandbox) -> None:
    session = sandbox.session()
    as_a_browser = {"Accept": "text/html,*/*;q=0.8", "Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
    back = sandbox.post(f"/_sandbox/pay/{session.id}", as_a_browser, card=PAYS)
    assert (back.status_code, back.headers["Location"]) == (303, "/_sandbox/")
    page = requests.get(f"{sandbox.url}/_sandbox/").text
    assert session.id in page and "checkout.session.completed" in page


def test_other_sites_cannot_act_through_a_browser(sandbox: Sandbox) -> None:
    session = sandbox.session()
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": f"evil.example:{sandbox.port}"},
    ):
        for path in (f"/_sandbox/pay/{session.id}", f"/c/pay/{session.id}"):
            assert sandbox.post(path, headers, card=PAYS).status_code in (400, 403)
    assert requests.get(f"{sandbox.url}/_sandbox/events", headers={"Host": "evil.example"}).status_code == 400
    assert sandbox.retrieve(session).status == "open"


def test_it_listens_on_loopback_alone(sandbox: Sandbox) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", sandbox.port), timeout=2)


@pytest.mark.parametrize(
    ("environment", "option", "words"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_of_somebody"}, {}, "live key"),
        ({}, {"webhook_url": "http://shop.example/stripe/webhook"}, "127.0.0.1"),
        ({}, {"webhook_secret": "secret"}, "whsec_"),
    ],
)
def test_it_does_not_start_on_what_could_do_harm(
    sandbox: Sandbox, environment: dict[str, str], option: dict[str, str], words: str
) -> None:
    command = sandbox.command(**option)
    ended = subprocess.run(
        command, cwd=GATEWAYS, env=os.environ | environment, capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 2 and words in ended.stderr and "somebody" not in ended.stderr


# Life and death


def test_everything_survives_a_kill(tmp_path: Path, shop: Shop) -> None:
    sandbox = Sandbox(tmp_path, shop)
    session = sandbox.session("key-of-a-life")
    sandbox.post("/_sandbox/delivery", mode="hold")
    sandbox.pay(session)
    sandbox.end(signal.SIGKILL)
    with sqlite3.connect(sandbox.data, isolation_level=None) as data:  # as if the next attempt were due in an hour
        data.execute("UPDATE sending SET state = 'pending', due = due + 3600")
    sandbox.start()
    assert sandbox.session("key-of-a-life").last_response.headers["Idempotent-Replayed"] == "true"
    assert sandbox.retrieve(session).payment_status == "paid"
    shop.wait_for(lambda: bool(shop.about(session.id)))
    assert sandbox.end(signal.SIGTERM) == 0
    sandbox.start()
    assert sandbox.end(signal.SIGINT) == 0


def test_shapes_follow_the_api_version_of_the_sdk() -> None:
    shapes = json.loads((GATEWAYS / "stripe_sandbox" / "shapes.json").read_text())
    assert shapes["event"]["api_version"] == stripe.api_version
    known = {"checkout.session": stripe.checkout.Session, "payment_intent": stripe.PaymentIntent, "event": stripe.Event}
    for name, kind in known.items():
        assert shapes[name]["object"] == name and set(shapes[name]) <= set(kind.__annotations__)
