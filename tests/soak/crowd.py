"""A hundred people in the deployed shop at once, and somebody who guesses passwords beside them."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count

from tests.faults.browser import Answer, Browser
from tests.faults.deployed import FILMS, Deployed
from tests.shop import PASSWORD

CLIENTS = 100
SIGNED_IN_OF_TEN, SPENDERS_OF_TEN = 3, 1
THINKING_S = (0.5, 1.5)
CREDIT = 350 * FILMS
GUESSERS = 8
GUESSES_OF_AN_ADDRESS = 9
FILM_EVERY_S = 0.05
LOOKS = ("/", "/films", "/films?tri=titre", "/films/film-{}", "/recherche?q=film", "/collections", "/aide", "/cartes")
LOOKS_OF_A_CUSTOMER = ("/compte", "/compte/credit", "/compte/films", "/films/film-{}")


class Client(Browser):
    """Somebody all of whose answers are kept: (path, answer)."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.answers: list[tuple[str, Answer]] = []

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        answer = super()._ask(method, path, body)
        self.answers.append((path, answer))
        return answer


@dataclass(frozen=True)
class Visit:
    """What a hundred people were answered: seconds of each answer, and a sentence for each that was an error."""

    seconds: list[float]
    errors: list[str]
    rented: int


def visit(shop: Deployed, seconds: float, seed: int) -> Visit:
    """They look, sign in, rent and look again, each pausing as one who reads, for so long."""
    emails = [f"crowd-{seed}-{number}@example.org" for number in range(CLIENTS)]
    for email in emails[:: 10 // SPENDERS_OF_TEN]:
        shop.soaked.shop.customer(email, CREDIT)
    for number in range(CLIENTS):
        if number % 10 in range(1, SIGNED_IN_OF_TEN):
            shop.soaked.shop.customer(emails[number])
    clients, end = [Client(shop.port) for _ in range(CLIENTS)], time.monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        acts = [
            pool.submit(_spend_time, client, number, emails[number], end, random.Random(f"{seed} {number}"))
            for number, client in enumerate(clients)
        ]
        rented = sum(act.result() for act in acts)
    answers = [answer for client in clients for answer in client.answers]
    errors = [
        f"{path}: {answer.status} {answer.body[:100]!r}" for path, answer in answers if answer.status not in {200, 303}
    ]
    return Visit([answer.seconds for _, answer in answers], errors, rented)


def film_pages(shop: Deployed, seconds: float) -> list[float]:
    """The seconds of each film page that somebody asks for, twenty times a second."""
    browser, times, began = Browser(shop.port), [], time.monotonic()
    for turn in count():
        due = began + turn * FILM_EVERY_S
        if due > began + seconds:
            return times
        time.sleep(max(0, due - time.monotonic()))
        answer = browser.get(f"/films/film-{turn % FILMS}")
        assert answer.status == 200, answer
        times.append(answer.seconds)
    return times


@contextmanager
def guessing(shop: Deployed) -> Iterator[list[int]]:
    """Meanwhile somebody tries passwords as fast as they are answered, from many addresses; the statuses of the answers."""
    over, numbers, statuses = threading.Event(), count(), list[int]()
    with ThreadPoolExecutor(GUESSERS) as pool:
        guessers = [pool.submit(_guess, shop.port, numbers, statuses, over.is_set) for _ in range(GUESSERS)]
        try:
            yield statuses
        finally:
            over.set()
        for guesser in guessers:
            guesser.result()


def _spend_time(client: Client, number: int, email: str, end: float, chance: random.Random) -> int:
    """One person's visit; how many films they rented."""
    rented = 0
    time.sleep(chance.uniform(0, THINKING_S[1]))  # not all press at once
    is_spender, is_signed_in = number % 10 == 0, number % 10 < SIGNED_IN_OF_TEN
    if is_signed_in:
        client.sign_in(email, PASSWORD)
    while time.monotonic() < end:
        if is_spender and rented < FILMS and chance.random() < 0.3:
            rented += client.post(f"/films/film-{rented}/louer").status == 303
        looks = LOOKS_OF_A_CUSTOMER if is_signed_in and chance.random() < 0.5 else LOOKS
        client.get(chance.choice(looks).format(chance.randrange(FILMS)))
        time.sleep(chance.uniform(*THINKING_S))
    return rented


def _guess(port: int, numbers: Iterator[int], statuses: list[int], is_over: Callable[[], bool]) -> None:
    """Each address of the loopback network tries a few times, so that no limit of an address stops it."""
    while not is_over():
        number = next(numbers)
        place = number // GUESSES_OF_AN_ADDRESS
        source = f"127.{1 + place // 62500 % 250}.{place // 250 % 250}.{1 + place % 250}"
        guesser = _From(port, source)
        answer = guesser.sign_in(f"nobody-{number}@example.org", f"guess-{number}-guess")
        statuses.append(answer.status)


class _From(Browser):
    """A browser at another address of this machine."""

    def __init__(self, port: int, source: str) -> None:
        super().__init__(port)
        self._source = source

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=60, source_address=(self._source, 0))
