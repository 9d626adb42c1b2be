"""What can happen to a shop that is deployed, one after the other; each returns what was not as it must be.

Readable answers; public pages go on where they can; nothing confirmed is lost; it is well again by itself.
"""

import errno
import os
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.checkout.stripe_side import pay
from tests.faults.deployed import MOMENT_S, Deployed, Worker, wait_until_well
from tests.faults.traffic import Seen, lost, people_of, traffic
from tests.shop import PASSWORD, Person

OUTAGE_S = 3.0
RECOVERY_S = 20.0
FRONT_PAGE_S = 3.0
STALLED = 60
DISK = "300m"

Fault = Callable[[Deployed, list[Person]], Iterator[str]]


def restarts(shop: Deployed, people: list[Person]) -> Iterator[str]:
    """The web processes are told to end or to begin anew, under load: nobody sees it."""
    with traffic(shop, people) as seen:
        shop.web.reload()
        _until_more(seen)
        shop.web.restart()
        _until_more(seen)
    yield from seen.told_wrongly(set())
    yield from lost(shop, people, seen)


def killed_processes(shop: Deployed, people: list[Person]) -> Iterator[str]:
    """One of two web processes and the worker are killed: what they were at breaks off or is answered by a page, and all goes on."""
    with traffic(shop, people) as seen:
        os.kill(shop.web.workers()[0], signal.SIGKILL)
        shop.worker.process.kill()
        shop.worker.process.wait()
        _until_more(seen)
        shop.worker = Worker(shop.web._environ)
        wait_until_well(shop)
        _until_more(seen)
    yield from seen.told_wrongly({0, 503})  # 0: half of a page was sent already
    yield from lost(shop, people, seen)


def database(shop: Deployed, people: list[Person]) -> Iterator[str]:
    """PostgreSQL is killed and comes back; SQLite is held by somebody else meanwhile."""
    for _ in range(20):  # both processes have seen the pages
        for page in ("/", "/films/film-0"):
            shop.browser().get(page)
    customer = shop.browser()
    customer.sign_in(people[0].email, PASSWORD)
    with traffic(shop, people) as seen:
        with _without_database(shop):
            end = time.monotonic() + OUTAGE_S
            while time.monotonic() < end:
                for page, who in (("/", shop.browser()), ("/aide", shop.browser()), ("/aide", customer)):
                    if (answer := who.get(page)).status != 200:
                        yield f"{page} does not go on without the database: {answer.status}"
        yield from _well_again(shop)
        _until_more(seen)
    yield from seen.told_wrongly({503} if shop.engine.server else set())
    yield from lost(shop, people, seen)


def full_disk(shop: Deployed, people: list[Person]) -> Iterator[str]:
    """Nothing more can be written where the database lies: pages go on, acts are refused, and go on once there is room."""
    with traffic(shop, people) as seen:
        _until_more(seen)
        filler = Path(tempfile.gettempdir()) / "filler"
        _fill(filler)
        before, refused = len(seen.answers), 0
        end = time.monotonic() + 3 * OUTAGE_S
        while time.monotonic() < end:
            refused = sum(answer.status == 503 for _, answer in seen.answers[before:])
            time.sleep(MOMENT_S)
        if not refused:
            yield "a full disk refused nothing: this check shows nothing"
        if (answer := shop.browser().get("/")).status != 200:
            yield f"the front page does not go on with a full disk: {answer.status}"
        filler.unlink()
        if shop.engine.server:
            shop.engine._start_again()  # as systemd does, should it have ended
        yield from _well_again(shop)
        _until_more(seen)
    yield from seen.told_wrongly({503})
    yield from lost(shop, people, seen)


def redis(shop: Deployed, people: list[Person]) -> Iterator[str]:
    """Tries cannot be counted together: one signs in all the same."""
    with traffic(shop, people) as seen:
        shop.redis.kill()
        for person in people:
            if (answer := shop.browser().sign_in(person.email, PASSWORD)).status != 303:
                yield f"signing in without Redis: {answer.status}"
        if b'"degraded"' not in shop.browser().get("/sante").body:
            time.sleep(5)  # it was asked a moment ago
        shop.redis.start()
        yield from _well_again(shop)
    yield from seen.told_wrongly(set())
    yield from lost(shop, people, seen)


def stripe_and_mail(shop: Deployed, _people: list[Person]) -> Iterator[str]:
    """Without Stripe one buys no card, and is told so; without a mail server the letter waits."""
    customer = shop.browser()
    customer.sign_in(shop.soaked.shop.customer("buyer@example.org").email, PASSWORD)
    buying = {"page": "/cartes", "denomination": "20", "pour": "moi"}
    shop.sandbox.kill()
    refused = customer.post("/cartes/acheter", **buying)
    if refused.status not in {502, 503} or not refused.is_readable:
        yield f"a card without Stripe: {refused.status} {refused.body[:200]!r}"
    if (answer := customer.get("/films/film-1")).status != 200:
        yield f"a film without Stripe: {answer.status}"
    shop.sandbox.start()
    shop.mail.stop()
    letters = len(shop.mail.box.letters)
    ordered = customer.post("/cartes/acheter", **buying)
    if (session := re.search(r"cs_test_\w+", ordered.location)) is None:
        yield f"a card once Stripe is back: {ordered.status} {ordered.location} {ordered.body[:2000]!r}"
        shop.mail.start()
        return
    pay(shop.sandbox.url, session[0])
    if (done := customer.get(f"/paiement/retour?session_id={session[0]}")).status != 200:
        yield f"a paid card without mail: {done.status}"
    time.sleep(OUTAGE_S)
    shop.mail.start()
    end = time.monotonic() + 2 * RECOVERY_S
    while len(shop.mail.box.letters) == letters and time.monotonic() < end:
        time.sleep(MOMENT_S)
    if len(shop.mail.box.letters) == letters:
        yield "the letter that had to wait did not go out"


def stalled_clients(shop: Deployed, people: list[Person]) -> Iterator[str]:
    """Sixty who begin a request and do not end it, half of them in its head, half in its body."""
    with ExitStack() as stack, traffic(shop, people) as seen:
        for number in range(STALLED):
            stalled = stack.enter_context(socket.create_connection(("127.0.0.1", shop.port)))
            head = f"POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {9000 if number % 2 else 10}\r\n"
            stalled.sendall(head.encode() + (b"\r\nemail=" if number % 2 else b""))
        for _ in range(10):
            if (answer := shop.browser().get("/")).status != 200 or answer.seconds > FRONT_PAGE_S:
                yield f"the front page beside {STALLED} stalled clients: {answer.status} after {answer.seconds:.1f} s"
    yield from seen.told_wrongly(set())


FAULTS: tuple[Fault, ...] = (
    restarts,
    killed_processes,
    database,
    redis,
    stripe_and_mail,
    stalled_clients,
)
"""That can happen anywhere; `full_disk` wants a disk of its own."""


@contextmanager
def small_disk() -> Iterator[bool]:
    """Temporary folders lie on a small disk of its own, for databases that are made meanwhile; whether there is one (root makes it)."""
    with tempfile.TemporaryDirectory(prefix="shop-disk-") as folder:
        Path(folder).chmod(0o755)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=1777", "tmpfs", folder], check=False)
        if made.returncode:
            yield False
            return
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield True
        finally:
            tempfile.tempdir = before
            subprocess.run(["umount", "--lazy", folder], check=True)


def happens(fault: Fault, shop: Deployed) -> list[str]:
    """What was not as it must be."""
    return list(fault(shop, people_of(shop)))


@contextmanager
def _without_database(shop: Deployed) -> Iterator[None]:
    if shop.engine.server:
        os.kill(shop.engine.server.get_pid(), signal.SIGKILL)
        yield
        shop.engine._start_again()
        return
    path = shop.soaked.settings["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def _fill(path: Path) -> None:
    """Until nothing more goes in."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def _well_again(shop: Deployed) -> Iterator[str]:
    took_s = wait_until_well(shop)
    if took_s > RECOVERY_S:
        yield f"well again only after {took_s:.0f} s"


def _until_more(seen: Seen, confirmed: int = 5, patience_s: float = 120) -> None:
    """Until people were confirmed some more rentals."""
    enough, end = len(seen.confirmed) + confirmed, time.monotonic() + patience_s
    while len(seen.confirmed) < enough:
        assert time.monotonic() < end, f"nothing is confirmed any more: {seen.statuses()}, {seen.answers[-1]}"
        time.sleep(MOMENT_S)  # people tell nobody what they do
