"""Pages against a bare Flask constant: requests per second behind the same server, queries and CPU per page in-process."""

import re
import time
from statistics import median

from flask import Flask

from bench import ROUNDS, SECONDS, Verdict, at_least, at_most, row
from bench.constant import app as constant_app
from bench.load import requests_per_second
from bench.shop import Environ, counted_queries, served
from store.demo.seed import PASSWORD, SPECTATRICE

Headers = dict[str, str]

ORIGIN = "http://127.0.0.1"
AGENT = {"User-Agent": "bench"}
FILM = "/films/la-sociale"
STRANGER = {**AGENT, "Cookie": "elsewhere=1"}
"""Whoever has a cookie gets no kept page: what is measured is what draws one, out of kept pieces."""

IN_PROCESS_REQUESTS = 40
MOST_QUERIES = {"film": 3, "film, signed in": 5, "catalogue": 4, "search": 4}
MOST_CPU_MS = {"film": 3.0, "catalogue": 5.0, "search": 5.0}
LEAST_RATIOS = {"film": 0.7, "film, no page kept": 0.35}


def measure_pages(app: Flask, environ: Environ) -> list[Verdict]:
    """Print a row for each page."""
    cookie = _session_cookie(app)
    pages: dict[str, tuple[str, Headers]] = {
        "film": (FILM, AGENT),
        "film, compressed": (FILM, {**AGENT, "Accept-Encoding": "br, gzip"}),
        "film, no page kept": (FILM, STRANGER),
        "film, signed in": (FILM, {**AGENT, "Cookie": cookie}),
        "cards": ("/cartes", AGENT),
        "home": ("/", AGENT),
        "catalogue": ("/films", AGENT),
        "catalogue, no page kept": ("/films", STRANGER),
        "search": ("/recherche?q=sociale", AGENT),
    }
    row("page", "req/s", "constant/s", "ratio", "queries", "CPU ms")
    ratios, verdicts = {}, _cold(app)
    with served("bench.constant:app", {}) as constant_port, served("wsgi:app", environ) as shop_port:
        requests_per_second(shop_port, FILM, AGENT, 0.1)  # starting is not part of any round
        for name, (path, headers) in pages.items():
            rounds = _alternate(constant_port, shop_port, path, headers)
            rate, constant_rate = (median(side) for side in zip(*rounds, strict=True))
            ratios[name] = median(shop / constant for shop, constant in rounds)
            _cpu_ms(app, path, headers, 1)
            with counted_queries(app) as queries:
                _cpu_ms(app, path, headers, 1)
            cpu_ms = _cpu_ms(app, path, headers) - _cpu_ms(constant_app, "/", {})
            row(name, f"{rate:.0f}", f"{constant_rate:.0f}", f"{ratios[name]:.3f}", str(len(queries)), f"{cpu_ms:.2f}")
            if name in MOST_QUERIES:
                verdicts.append(at_most(f"{name}: queries", len(queries), MOST_QUERIES[name]))
            if name in MOST_CPU_MS:
                verdicts.append(at_most(f"{name}: CPU ms", cpu_ms, MOST_CPU_MS[name]))
    return [*verdicts, *(at_least(f"{name}: ratio", ratios[name], least) for name, least in LEAST_RATIOS.items())]


def _cold(app: Flask) -> list[Verdict]:
    """A film page that is drawn for the first time, by a process that has shown others: median of all films but the first."""
    films = [f"/films/{slug}" for slug in re.findall(r'"(?:/films/)([a-z0-9-]+)"', _get(app, "/films"))]
    _get(app, films[0])
    counts, times = [], []
    for address in films[1:]:
        with counted_queries(app) as queries:
            times.append(_cpu_ms(app, address, AGENT, 1))
        counts.append(len(queries))
    row("film, cold", "", "", "", str(max(counts)), f"{median(times):.2f}")
    return [
        at_most("film, cold: queries", max(counts), MOST_QUERIES["film"]),
        at_most("film, cold: CPU ms", median(times), MOST_CPU_MS["film"]),
    ]


def _get(app: Flask, path: str) -> str:
    return app.test_client(use_cookies=False).get(path, base_url=ORIGIN, headers=AGENT).text


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
