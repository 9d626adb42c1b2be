"""The Stripe sandbox, driven by the unmodified SDK, by its hosted page and by its control interface."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from tests.gateways.sandbox_process import DECLINES, GATEWAYS, PAYS, Sandbox, Shop, running_sandbox

ASKS = "4000 0025 0000 3155"
DEBIT, FAILING_DEBIT = "FR14 2004 1010 0505 0001 3M02 606", "FR84 2004 1010 0505 0001 3M02 607"
REFUNDS_LATER, REFUNDS_FAIL = "4000000000007726", "4000000000005126"
THREE_DAYS_S = 3 * 86_400


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.shutdown()
    shop.server.server_close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), shop) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.post("/_sandbox/delivery", mode="normal")
    running.post("/_sandbox/faults", next="none")


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
        ({"customer_email": "ana@localhost"}, "email_invalid", "customer_email"),
        ({"customer_email": "jérôme@example.org"}, "email_invalid", "customer_email"),
        ({"customer_email": "ana..b@example.org"}, "email_invalid", "customer_email"),
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


# Faults on demand


def test_after_a_500_the_retry_finds_what_was_done(sandbox: Sandbox) -> None:
    intent = sandbox.paid(2000)
    assert sandbox.act("faults", next="500_after_commit") == {"next": "500_after_commit", "count": 1}
    with pytest.raises(stripe.APIError) as problem:
        sandbox.refund(intent, "key-5", amount=500)
    assert problem.value.http_status == 500 and sandbox.charge(intent).amount_refunded == 500
    again = sandbox.refund(intent, "key-5", amount=500)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert sandbox.charge(intent).amount_refunded == 500


def test_the_sdk_retries_by_itself(sandbox: Sandbox) -> None:
    intent = sandbox.paid(2000)
    for fault in ("500_after_commit", "500", "conflict"):
        sandbox.act("faults", next=fault, count="2")
        assert sandbox.client("sk_test_patient", retries=2).v1.refunds.create(
            {"payment_intent": intent.id, "amount": 100}
        )
    assert sandbox.charge(intent).amount_refunded == 300


def test_an_answer_that_does_not_come_was_an_effect_all_the_same(sandbox: Sandbox) -> None:
    intent = sandbox.paid(2000)
    sandbox.act("faults", next="timeout")
    hasty = sandbox.client("sk_test_hasty", retries=1, http_client=stripe.RequestsClient(timeout=1))
    refund = hasty.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert refund.last_response.headers["Idempotent-Replayed"] == "true"
    assert sandbox.charge(intent).amount_refunded == 500


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [("429", stripe.RateLimitError, 429), ("conflict", stripe.APIError, 409), ("500", stripe.APIError, 500)],
)
def test_a_fault_before_the_work_leaves_no_effect(sandbox: Sandbox, fault: str, kind: Any, status: int) -> None:
    intent = sandbox.paid(2000)
    sandbox.act("faults", next=fault, count="2")
    for _ in range(2):
        with pytest.raises(kind) as problem:
            sandbox.refund(intent, "key-6" + fault)
        assert problem.value.http_status == status
    assert sandbox.charge(intent).amount_refunded == 0
    assert sandbox.refund(intent, "key-6" + fault).amount == 2000
    sandbox.act("faults", next=fault)
    sandbox.act("faults", next="none")
    assert sandbox.charge(intent).refunded


# Customers and webhook endpoints


def test_a_customer_pays_under_the_customers_address(sandbox: Sandbox) -> None:
    api = sandbox.stripe.v1
    ana = api.customers.create({"email": "ana@example.org", "name": "Ana", "metadata": {"customer": "3"}})
    assert api.customers.retrieve(ana.id) == ana and (ana.object, ana.metadata["customer"]) == ("customer", "3")
    assert [one.id for one in api.customers.list({"email": "ana@example.org"}).data] == [ana.id]
    session = sandbox.session(customer=ana.id, customer_email=None)
    assert (session.customer, session.customer_details.email) == (ana.id, "ana@example.org")
    intent = sandbox.pay(session)["payment_intent"]
    assert api.payment_intents.retrieve(intent, {"expand": ["customer"]}).customer.name == "Ana"
    assert len(api.charges.list({"customer": ana.id}).data) == 1
    for changes in ({"customer": ana.id}, {"customer": "cus_nothing", "customer_email": None}):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            sandbox.session(**changes)
        assert refusal.value.param == "customer"


def test_events_reach_every_endpoint_under_its_own_secret(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        endpoints, second = sandbox.stripe.v1.webhook_endpoints, Shop()
        made = endpoints.create({"url": f"{second.url}/again", "enabled_events": ["checkout.session.completed"]})
        second.secret = made.secret
        assert made.secret.startswith("whsec_") and "secret" not in endpoints.retrieve(made.id)
        assert [one.id for one in endpoints.list().data] == [made.id]
        session = sandbox.session()
        sandbox.pay(session)
        second.wait_for(lambda: bool(second.events))
        shop.wait_for(lambda: bool(shop.about(session.id)))
        assert [event.type for event in second.events] == ["checkout.session.completed"]
        assert [event.id for event in second.events] == [event.id for event in shop.about(session.id)]
        assert shop.about(session.id)[0].pending_webhooks == 2
        second.server.shutdown()
        second.server.server_close()
        sandbox.post("/_sandbox/delivery", mode="hold")
        sandbox.pay(sandbox.session())
        assert endpoints.delete(made.id).deleted
        assert endpoints.list().data == []
        with pytest.raises(stripe.InvalidRequestError):
            endpoints.delete(made.id)
        assert sandbox.act("deliver") == {"attempted": 5, "delivered": 5, "failed": 0}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"url": "https://shop.example/stripe/webhook"}, "url"),
        ({"enabled_events": ["Checkout"]}, "enabled_events[0]"),
        ({"enabled_events": []}, "enabled_events"),
    ],
)
def test_endpoints_are_on_loopback_and_name_their_events(sandbox: Sandbox, changes: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.stripe.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]} | changes)
    assert refusal.value.param == param


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
    assert page.status_code == 402 and "Votre banque a refusé ce paiement. Rien n’a été débité." in page.text
    declined = sandbox.retrieve(session)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    shop.wait_for(lambda: len(shop.about(declined.payment_intent)) == 2)
    assert shop.types(declined.payment_intent) == ["payment_intent.created", "payment_intent.payment_failed"]
    assert sandbox.pay(session, DECLINES)["status"] == "declined"
    assert sandbox.pay(session)["payment_intent"] == declined.payment_intent


def test_a_card_that_asks_is_confirmed_or_refused_on_a_second_page(sandbox: Sandbox, shop: Shop) -> None:
    session = sandbox.session()
    here = f"/c/pay/{session.id}"
    for answer, status in (("no", 402), ("yes", 303)):
        asked = sandbox.post(here, card=ASKS)
        assert (asked.status_code, asked.headers["Location"]) == (303, here)
        intent = sandbox.stripe.v1.payment_intents.retrieve(sandbox.retrieve(session).payment_intent)
        assert (intent.status, intent.latest_charge) == ("requires_action", None)
        page = requests.get(session.url).text
        assert "Confirmer" in page and "Refuser" in page and 'name="card"' not in page
        assert sandbox.post(here, confirmed=answer).status_code == status
    shop.wait_for(lambda: "payment_intent.succeeded" in shop.types(intent.id))
    assert [kind.removeprefix("payment_intent.") for kind in shop.types(intent.id)] == [
        "created", "requires_action", "payment_failed", "requires_action", "succeeded",
    ]  # fmt: skip
    assert sandbox.retrieve(session).payment_status == "paid"
    assert sandbox.post(f"/c/pay/{sandbox.session().id}", confirmed="yes").status_code == 422


def test_the_control_interface_confirms_by_itself(sandbox: Sandbox, shop: Shop) -> None:
    paid = sandbox.pay(sandbox.session(), ASKS)
    assert paid["status"] == "paid"
    shop.wait_for(lambda: "payment_intent.succeeded" in shop.types(paid["payment_intent"]))
    assert "payment_intent.requires_action" in shop.types(paid["payment_intent"])


def test_a_bank_debit_completes_unpaid_and_settles_after_three_days(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        session, failing = sandbox.session(), sandbox.session()
        page = sandbox.post(f"/c/pay/{session.id}", iban=DEBIT)
        assert page.status_code == 303 and page.headers["Location"].startswith("http://127.0.0.1:9/retour")
        assert "déjà en cours" in requests.get(session.url).text
        answer = sandbox.pay(failing, FAILING_DEBIT)
        assert answer["status"] == "processing"
        waiting = sandbox.retrieve(session)
        assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
        intent = sandbox.stripe.v1.payment_intents.retrieve(waiting.payment_intent, {"expand": ["latest_charge"]})
        assert (intent.status, intent.latest_charge.status, intent.latest_charge.paid) == (
            "processing",
            "pending",
            False,
        )
        assert intent.latest_charge.id.startswith("py_")
        assert intent.latest_charge.payment_method_details.sepa_debit.last4 == "2606"
        with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
            sandbox.refund(intent)
        sandbox.act("clock", advance_s=str(THREE_DAYS_S - 60))
        assert sandbox.retrieve(session).payment_status == "unpaid"
        sandbox.act("clock", advance_s="60")
        assert sandbox.retrieve(session).payment_status == "paid"
        assert sandbox.retrieve(failing).payment_status == "unpaid"
        shop.wait_for(lambda: len(shop.about(failing.id)) == 2)
        asynchronous = "checkout.session.async_payment"
        assert shop.types(session.id) == ["checkout.session.completed", f"{asynchronous}_succeeded"]
        assert shop.types(failing.id) == ["checkout.session.completed", f"{asynchronous}_failed"]
        assert sandbox.booked(intent.latest_charge.id) == [("payment", "charge", 2000, 1965)]
        [failed] = sandbox.stripe.v1.charges.list({"payment_intent": answer["payment_intent"]}).data
        assert (failed.status, failed.failure_code) == ("failed", "insufficient_funds")
        assert sandbox.booked(failed.id)[1:] == [("payment_failure_refund", "charge_failure", -2000, -2000)]
        assert sandbox.booked(sandbox.refund(intent).id) == [("payment_refund", "refund", -2000, -2000)]


def test_a_bank_debit_settles_sooner_by_hand(sandbox: Sandbox) -> None:
    session = sandbox.session()
    intent = sandbox.pay(session, DEBIT)["payment_intent"]
    assert sandbox.act(f"settle/{intent}", outcome="succeeded")["status"] == "succeeded"
    assert sandbox.retrieve(session).payment_status == "paid"
    assert sandbox.post(f"/_sandbox/settle/{intent}", outcome="failed").status_code == 400
    assert sandbox.post("/_sandbox/settle/re_nothing", outcome="failed").status_code == 404


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


def test_sessions_expire_by_the_sandboxs_own_clock(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        session = sandbox.session(expires_at=int(time.time()) + 3600)
        assert sandbox.act("clock", advance_s="3500")["ahead_s"] == 3500
        assert sandbox.retrieve(session).status == "open"
        sandbox.end(signal.SIGKILL)
        sandbox.start()
        assert sandbox.act("clock", advance_s="100")["ahead_s"] == 3600
        assert sandbox.retrieve(session).status == "expired"
        shop.wait_for(lambda: bool(shop.about(session.id)))
        assert shop.types(session.id) == ["checkout.session.expired"]
        assert shop.about(session.id)[0].created >= session.expires_at


@pytest.mark.parametrize("callers_clock_goes_along", [True, False])
def test_a_clock_put_forward_does_not_close_the_shop(
    tmp_path: Path, shop: Shop, callers_clock_goes_along: bool
) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        ahead_s = sandbox.act("clock", advance_s=str(THREE_DAYS_S))["ahead_s"]
        moment = int(time.time()) + 3600 + (ahead_s if callers_clock_goes_along else 0)
        session = sandbox.session(expires_at=moment)
        assert abs(session.expires_at - session.created - 3600) <= 2
        with pytest.raises(stripe.InvalidRequestError, match="at least 30 minutes"):
            sandbox.session(expires_at=moment - 1900)


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


def test_what_is_available_is_paid_out_after_three_days(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        api = sandbox.stripe.v1
        assert [part.amount for part in api.balance.retrieve().available] == [0]
        kept, back = sandbox.paid(2000), sandbox.paid(5000)
        sandbox.refund(back, amount=1000)
        sandbox.act(f"dispute/{kept.id}", outcome="lost")
        balance = api.balance.retrieve()
        assert ([part.amount for part in balance.available], balance.pending[0].amount) == ([-5000], 1945 + 4900)
        assert sandbox.post("/_sandbox/payout").json()["error"]["code"] == "balance_insufficient"
        sandbox.act("clock", advance_s=str(THREE_DAYS_S))
        assert api.balance_transactions.retrieve(kept.latest_charge.balance_transaction.id).status == "available"
        payout = sandbox.act("payout")
        assert (payout["amount"], payout["status"], payout["reconciliation_status"]) == (1845, "paid", "completed")
        assert api.payouts.retrieve(payout["id"]).amount == 1845 and len(api.payouts.list({"status": "paid"}).data) == 1
        paid_out = api.balance_transactions.list({"payout": payout["id"]}).data
        assert sum(one.net for one in paid_out) == 0
        assert sorted(one.reporting_category for one in paid_out) == ["charge", "charge", "dispute", "payout", "refund"]
        assert sorted(one.amount for one in api.balance_transactions.list({"type": "charge"}).data) == [2000, 5000]
        assert [part.amount for part in api.balance.retrieve().available] == [0]
        assert sandbox.post("/_sandbox/payout").status_code == 400
        shop.wait_for(lambda: len(shop.about(payout["id"])) == 3)
        assert shop.types(payout["id"]) == ["payout.created", "payout.paid", "payout.reconciliation_completed"]


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


def test_two_test_cards_decide_how_refunds_go(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        later, failing = (sandbox.refund(sandbox.paid(2000, card)) for card in (REFUNDS_LATER, REFUNDS_FAIL))
        assert (later.status, failing.status) == ("pending", "succeeded")
        sandbox.act("clock", advance_s=str(THREE_DAYS_S))
        retrieve = sandbox.stripe.v1.refunds.retrieve
        assert (retrieve(later.id).status, retrieve(failing.id).status) == ("succeeded", "failed")
        assert (
            retrieve(failing.id, {"expand": ["failure_balance_transaction"]}).failure_balance_transaction.amount == 2000
        )


def test_what_was_settled_by_hand_does_not_settle_again(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        refund = sandbox.refund(sandbox.paid(2000, REFUNDS_LATER))
        sandbox.act(f"settle/{refund.id}", outcome="failed")
        sandbox.act("clock", advance_s=str(THREE_DAYS_S))
        assert sandbox.stripe.v1.refunds.retrieve(refund.id).status == "failed"
        assert len(sandbox.booked(refund.id)) == 2


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
    assert won["status"] == "won" and won["is_charge_refundable"]
    assert [one["net"] for one in won["balance_transactions"]] == [-3500, 1500]
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
    assert sandbox.act(f"dispute/{intent.id}", outcome="won")["status"] == "won"  # a bank may change its mind, once
    assert sandbox.post(f"/_sandbox/dispute/{intent.id}", outcome="lost").status_code == 400


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
    more = [sandbox.session() for _ in range(12)]
    for session in more:
        sandbox.pay(session)
    assert sandbox.post("/_sandbox/deliver").json() == {"attempted": 60, "delivered": 60, "failed": 0}
    assert [len(shop.about(session.id)) for session in more] == [1] * 12
    held = more[-1]
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
        ("/_sandbox/faults", {"next": "flood"}, 400),
        ("/_sandbox/clock", {"advance_s": "-1"}, 400),
        ("/_sandbox/clock", {"advance_s": "soon"}, 400),
        ("/_sandbox/refund/pi_nothing", {}, 404),
        ("/_sandbox/refund/pi_nothing", {"amount": "0"}, 400),
        ("/_sandbox/dispute/pi_nothing", {"outcome": "draw"}, 400),
    ]:
        answer = sandbox.post(path, **form)
        assert (answer.status_code, "message" in answer.json()["error"]) == (status, True), path


def test_the_control_page_is_for_people(sandbox: Sandbox) -> None:
    session, debit = sandbox.session(), sandbox.session()
    as_a_browser = {"Accept": "text/html,*/*;q=0.8", "Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}

    def press(path: str, **form: str) -> tuple[int, str | None]:
        back = sandbox.post(f"/_sandbox/{path}", as_a_browser, **form)
        return back.status_code, back.headers.get("Location")

    def page() -> str:
        return requests.get(f"{sandbox.url}/_sandbox/").text

    done = (303, "/_sandbox/")
    assert press(f"pay/{session.id}", card=PAYS) == press(f"pay/{debit.id}", card=DEBIT) == done
    assert session.id in page() and "checkout.session.completed" in page() and "Le prélèvement aboutit" in page()
    intent = sandbox.retrieve(session).payment_intent
    assert press(f"refund/{intent}", amount="", outcome="pending") == done
    assert "Remboursement de 20,00\u00a0€ · pending" in page() and "Il aboutit" in page()
    assert press("faults", next="429", count="3") == press("delivery", mode="hold") == press("deliver") == done
    assert "429, 429, 429" in page() and 'value="hold" aria-pressed="true"' in page()
    refused = sandbox.post(f"/_sandbox/refund/{intent}", as_a_browser)
    assert (
        refused.status_code == 400 and "has already been refunded" in refused.text and "<h1>Refusé</h1>" in refused.text
    )
    assert "<script" not in page()


def test_what_the_shop_owes_is_shown_with_a_minus(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        sandbox.refund(sandbox.paid(150_000), amount=123_450)
        assert "−1\u202f234,50\u00a0€ disponibles" in requests.get(f"{sandbox.url}/_sandbox/").text


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


def test_killed_amid_payments_each_is_whole_or_was_not(tmp_path: Path, shop: Shop) -> None:
    with running_sandbox(tmp_path, shop) as sandbox:
        waiting = [sandbox.session() for _ in range(40)]

        def pay(session: Any) -> bool:
            try:
                return bool(sandbox.pay(session))
            except requests.RequestException:
                return False

        with ThreadPoolExecutor(4) as threads:
            answers = [threads.submit(pay, session) for session in waiting]
            wait(answers[:10])
            sandbox.end(signal.SIGKILL)
        sandbox.start()
        paid = [sandbox.retrieve(session) for session in waiting]
        paid = [session for session in paid if session.payment_status == "paid"]
        assert 10 <= sum(answer.result() for answer in answers) <= len(paid) < 40
        charges = sandbox.stripe.v1.charges.list({"limit": 100}).data
        assert {charge.payment_intent for charge in charges} == {session.payment_intent for session in paid}
        booked = sandbox.stripe.v1.balance_transactions.list({"limit": 100}).data
        assert {charge.balance_transaction for charge in charges} == {one.id for one in booked}
        told = sandbox.stripe.v1.events.list({"type": "checkout.session.completed", "limit": 100}).data
        assert {event.data.object["id"] for event in told} == {session.id for session in paid}
        shop.wait_for(lambda: all(shop.about(session.id) for session in paid))


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
    others = {"balance": stripe.Balance, "charge": stripe.Charge, "dispute": stripe.Dispute, "refund": stripe.Refund}
    others |= {"checkout.session": stripe.checkout.Session, "customer": stripe.Customer, "event": stripe.Event}
    others |= {"balance_transaction": stripe.BalanceTransaction, "payment_intent": stripe.PaymentIntent}
    others |= {
        "payment_method": stripe.PaymentMethod,
        "payout": stripe.Payout,
        "webhook_endpoint": stripe.WebhookEndpoint,
    }
    assert {name for name in shapes if name not in others} == {"customer_details", "billing_details"}
    for name, kind in others.items():
        fields = set(kind.__annotations__)
        assert shapes[name]["object"] == name and set(shapes[name]) <= fields, set(shapes[name]) - fields
