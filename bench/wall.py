"""The catalogue at a thousand films and at a hundred thousand: film pages, the wall however far down, searches, suggestions.

Every address is asked for once, so that no page and no piece of one is kept; what a process reads once for a version of the
catalogue is read before.
"""

import time
from collections.abc import Iterable
from statistics import median
from typing import Any
from urllib.parse import quote

from flask import Flask
from sqlalchemy import event

from bench import Verdict, at_most, row
from bench.catalogue import catalogue_of, question_of
from bench.shop import Host, counted_queries, new_shop
from store import clock
from store.catalogue.import_films import import_catalogue
from store.catalogue.search import search
from store.catalogue.wall import SORTS, Choice
from store.db import db, transaction

SMALL, LARGE = 1_000, 100_000
ASKED = 60
DEPTHS = (0.0, 0.3, 0.6, 0.95)
ORIGIN, AGENT = "http://127.0.0.1", {"User-Agent": "bench"}
GOALS = {"film": 1.2, "wall": 1.3, "search": 2.0}
MOST_QUERIES = {"film": 3, "wall": 4, "search": 4}
MOST_CPU_MS = {"film": 3, "wall": 5, "search": 5}
MOST_SUGGESTION_MS = 1.0

Figures = dict[str, tuple[float, float, int]]
"""Of each kind of page: median milliseconds, median CPU milliseconds, most queries."""


def measure_wall(host: Host) -> list[Verdict]:
    """Print a row for each kind of page, at both sizes."""
    small, large = (_measure(host, size) for size in (SMALL, LARGE))
    row("kind of page", "ms", "CPU ms", "queries", "ms", "CPU ms", "queries", "ratio")
    verdicts = []
    for kind, (ms, cpu_ms, queries) in large.items():
        before = small[kind]
        ratio = cpu_ms / before[1] if host.server is None else ms / before[0]
        figures = (before[0], before[1], before[2], ms, cpu_ms, queries, ratio)
        row(kind, *(f"{figure:.2f}" if isinstance(figure, float) else str(figure) for figure in figures))
        verdicts += _verdicts(kind.split(",")[0], kind, ratio, max(cpu_ms, before[1]), max(queries, before[2]), ms)
    return verdicts


def _verdicts(goal: str, kind: str, ratio: float, cpu_ms: float, queries: int, ms: float) -> list[Verdict]:
    if goal == "suggestion":
        return [at_most(f"{kind}: median ms", ms, MOST_SUGGESTION_MS)]
    return [
        at_most(f"{kind}: 10⁵ films against 10³", ratio, GOALS[goal]),
        at_most(f"{kind}: queries", queries, MOST_QUERIES[goal]),
        at_most(f"{kind}: CPU ms", cpu_ms, MOST_CPU_MS[goal]),
    ]


def _measure(host: Host, films: int) -> Figures:
    document = catalogue_of(films)
    with new_shop(host, f"films_{films}") as (app, _environ):
        _import(app, document)
        addresses = _addresses(app, document)
        figures = {kind: _pages(app, asked) for kind, asked in addresses.items()}
        figures["suggestion, in the database"] = _suggestions(app, [question_of(document, n) for n in range(ASKED)])
    return figures


def _import(app: Flask, document: dict[str, Any]) -> None:
    began, cpu_began = time.monotonic(), time.process_time()
    with app.app_context(), transaction() as session:
        report = import_catalogue(session, document, clock.now())
    assert not report.refused, report.refused[:3]
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu_began
    print(f"  {len(document['films'])} films imported in {seconds:.0f} s, {cpu_s:.0f} s of CPU", flush=True)


def _addresses(app: Flask, document: dict[str, Any]) -> dict[str, list[str]]:
    films = document["films"]
    some = [films[number * 7919 % len(films)] for number in range(ASKED)]
    themes = [f"theme={film['themes'][0]}&pays={film['countries'][0]}&apres={film['slug']}" for film in some]
    return {
        "film, nothing kept of it": [f"/films/{film['slug']}" for film in some],
        **{f"wall, {depth:.0%} down": list(_walls(app, films, depth)) for depth in DEPTHS},
        "wall, two filters": [f"/films?{chosen}" for chosen in themes],
        "search": [f"/recherche?q={quote(question_of(document, number))}" for number in range(ASKED)],
    }


def _walls(app: Flask, films: list[dict[str, Any]], depth: float) -> Iterable[str]:
    """Pages that begin so far down, in every order."""
    places = {
        "nouveau": films,
        "titre": sorted(films, key=lambda film: film["title"].lower()),
        "annee": sorted(films, key=lambda film: -film["year"]),
        "duree": sorted(films, key=lambda film: film["minutes"]),
    }
    for sort in SORTS:
        first = int(len(films) * depth)
        for film in places[sort][first : first + ASKED // len(SORTS)]:
            yield Choice({}, sort, film["slug"]).address()


def _pages(app: Flask, addresses: list[str]) -> tuple[float, float, int]:
    client = app.test_client(use_cookies=False)
    for address in ("/films?tri=annee&apres=nothing", "/films/nothing", "/recherche?q=nothing"):
        client.get(address, base_url=ORIGIN, headers=AGENT)

    def ask(address: str) -> tuple[float, float, int]:
        with counted_queries(app) as counted:
            began, cpu_began = time.perf_counter(), time.process_time()
            answer = client.get(address, base_url=ORIGIN, headers=AGENT)
            took = time.perf_counter() - began, time.process_time() - cpu_began
        assert answer.status_code == 200, address
        return took[0] * 1000, took[1] * 1000, len(counted)

    asked = [ask(address) for address in addresses]
    return median(ms for ms, _, _ in asked), median(cpu_ms for _, cpu_ms, _ in asked), max(count for *_, count in asked)


def _suggestions(app: Flask, questions: list[str]) -> tuple[float, float, int]:
    """The time between a statement and its answer, of all statements of a suggestion; its first three letters are asked for."""
    spent: list[float] = []
    began: list[float] = []

    def begin(*_: Any) -> None:
        began.append(time.perf_counter())

    def end(*_: Any) -> None:
        spent[-1] += (time.perf_counter() - began.pop()) * 1000

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", begin)
        event.listen(db.engine, "after_cursor_execute", end)
        for question in questions:
            spent.append(0.0)
            search(db.session, question[:3], "fr", 8)
        event.remove(db.engine, "before_cursor_execute", begin)
        event.remove(db.engine, "after_cursor_execute", end)
    return median(spent), 0.0, 3
