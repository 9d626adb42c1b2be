"""The Stripe sandbox as a process of its own, and a real receiver of its events, for tests."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import stripe

GATEWAYS = Path(__file__).parents[2] / "store" / "gateways"  # run from there, it cannot lean on the shop
SECRET = "whsec_test_of_the_sandbox"
PAYS, DECLINES = "4242 4242 4242 4242", "4000000000000002"


class Shop:
    """What stands at the other end: takes events, verifies each signature, and refuses those in `refusals` first."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.secret = SECRET
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
        event = stripe.Webhook.construct_event(body, signature, self.secret)
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

    def client(self, key: str, retries: int = 0, **options: Any) -> stripe.StripeClient:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=retries, **options)

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


@contextmanager
def running_sandbox(folder: Path, shop: Shop) -> Iterator[Sandbox]:
    """A sandbox of its own, for tests that put its clock forward or count all that it has."""
    sandbox = Sandbox(folder, shop)
    try:
        yield sandbox
    finally:
        sandbox.end(signal.SIGKILL)
