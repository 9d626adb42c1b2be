"""Pages against a bare Flask constant: requests per second behind the same server, queries and CPU per page in-process."""

import re
import time
from statistics import median

from flask import Flask

from bench import ROUNDS, SECONDS, Verdict, row
from bench.constant import app as constant_app
from bench.load import requests_per_second
from bench.shop import Environ, counted_queries, served
from store.demo.seed import PASSWORD, SPECTATRICE

Headers = dict[str, str]

ORIGIN = "http://127.0.0.1"
AGENT = {"User-Agent": "bench"}
FILM = "/films/la-sociale"
IN_PROCESS_REQUESTS = 40
MOST_QUERIES = 3


def measure_pages(app: Flask, environ: Environ) -> list[Verdict]:
    """Print a row for each page."""
    pages: dict[str, tuple[str, Headers]] = {
        "film": (FILM, AGENT),
        "film, compressed": (FILM, {**AGENT, "Accept-Encoding": "br, gzip"}),
        "film, stranger with a cookie": (FILM, {**AGENT, "Cookie": "elsewhere=1"}),
        "film, signed in": (FILM, {**AGENT, "Cookie": _session_cookie(app)}),
        "cards": ("/cartes", AGENT),
        "home": ("/", AGENT),
        "catalogue": ("/films", AGENT),
    }
    row("page", "req/s", "constant/s", "ratio", "queries", "CPU ms")
    queries = {}
    with served("bench.constant:app", {}) as constant_port, served("wsgi:app", environ) as shop_port:
        requests_per_second(shop_port, FILM, AGENT, 0.1)  # starting is not part of any round
        for name, (path, headers) in pages.items():
            rounds = _alternate(constant_port, shop_port, path, headers)
            rate, constant_rate = (median(side) for side in zip(*rounds, strict=True))
            ratio = median(shop / constant for shop, constant in rounds)
            with counted_queries(app) as queries[name]:
                _cpu_ms(app, path, headers, 1)
            cpu_ms = _cpu_ms(app, path, headers) - _cpu_ms(constant_app, "/", {})
            row(name, f"{rate:.0f}", f"{constant_rate:.0f}", f"{ratio:.3f}", str(len(queries[name])), f"{cpu_ms:.2f}")
    count = len(queries["film"])
    return [(count <= MOST_QUERIES, f"anonymous film page: {count} queries, at most {MOST_QUERIES}")]


def _alternate(constant_port: int, shop_port: int, path: str, headers: Headers) -> list[tuple[float, float]]:
    """(page, constant) per second, round by round, after a short warm-up."""

    def pair(seconds: float) -> tuple[float, float]:
        page = requests_per_second(shop_port, path, headers, seconds)
        return page, requests_per_second(constant_port, "/", {}, seconds)

    pair(0.3)
    return [pair(SECONDS) for _ in range(ROUNDS)]


def _session_cookie(app: Flask) -> str:
    client = app.test_client()
    form = client.get("/connexion", base_url=ORIGIN, headers=AGENT).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1]
    fields = {"email": SPECTATRICE.email, "password": PASSWORD, "csrf_token": token}
    assert client.post("/connexion", base_url=ORIGIN, headers=AGENT, data=fields).status_code == 303
    name = app.config["SESSION_COOKIE_NAME"]
    return f"{name}={client.get_cookie(name, '127.0.0.1').value}"


def _cpu_ms(app: Flask, path: str, headers: Headers, requests: int = IN_PROCESS_REQUESTS) -> float:
    """This process's CPU time for one request: SQLite's is in it, that of PostgreSQL's server is not."""
    client = app.test_client(use_cookies=False)
    began = time.process_time()
    for _ in range(requests):
        assert client.get(path, base_url=ORIGIN, headers=headers).status_code == 200
    return (time.process_time() - began) * 1000 / requests
