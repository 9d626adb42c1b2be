"""The shop as `deploy/` sets it up: nginx, gunicorn with its file there, a worker, Redis, a mail server; each can be taken away.

The socket is ours, as it is systemd's there, and what ends is started again, as systemd does it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Flask

from config import ROOT
from store.gateways.child_process import die_with_parent
from tests.checkout.own_sandbox import OwnSandbox, free_port, own_sandbox
from tests.faults.browser import Browser
from tests.nginx import DEPLOY, lay_out, running
from tests.postbox import Postbox
from tests.redis_server import RedisServer, redis_server
from tests.soak.shops import Engine, Soaked

FILMS = 400
PATIENCE_S = 120
MOMENT_S = 0.05


class Gunicorn:
    """The web processes: two workers."""

    def __init__(self, environ: dict[str, str], folder: Path = ROOT) -> None:
        self._folder = folder
        self._door = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._door.getsockname()[1]
        self._environ = environ
        self.start()

    def start(self) -> None:
        """Begin; whoever asked meanwhile is answered then."""
        where = ["--chdir", str(self._folder), "--config", str(self._folder / "deploy" / "gunicorn.conf.py")]
        command = [sys.executable, "-m", "gunicorn", *where]
        bind = ["--bind", f"fd://{self._door.fileno()}", "wsgi:app"]
        self.process = subprocess.Popen(
            [*command, *bind],
            env=self._environ,
            cwd=self._folder,
            pass_fds=[self._door.fileno()],
            preexec_fn=die_with_parent,
            stderr=subprocess.DEVNULL,
        )

    def workers(self) -> list[int]:
        """The process ids of those who answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def restart(self) -> None:
        """As `systemctl restart` does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        self.start()

    def reload(self) -> None:
        """As `systemctl reload` does: until none of those who answered before is left."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE_S
        while before & set(self.workers()):
            assert time.monotonic() < end, "the processes of before are still there"
            time.sleep(MOMENT_S)  # gunicorn tells nobody when they are gone

    def end(self) -> None:
        """For good."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self._door.close()


class Worker:
    """The worker process."""

    def __init__(self, environ: dict[str, str]) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "work"]
        self.process = subprocess.Popen(
            command, env=environ, cwd=ROOT, preexec_fn=die_with_parent, stderr=subprocess.DEVNULL
        )

    def end(self) -> None:
        """For good."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class MailServer:
    """Takes letters at an address of its own, and can be away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.box = Postbox()
        self.start()

    def start(self) -> None:
        """Be there."""
        from aiosmtpd.controller import Controller

        self._controller = Controller(self.box, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Be away."""
        self._controller.stop(no_assert=True)


class Deployed:
    """All of it; `address` is nginx's."""

    def __init__(self, soaked: Soaked, engine: Engine, sandbox: OwnSandbox, port: int) -> None:
        self.soaked, self.engine, self.sandbox, self.port = soaked, engine, sandbox, port
        self.web: Gunicorn
        self.worker: Worker
        self.redis: RedisServer
        self.mail: MailServer

    def browser(self) -> Browser:
        """Somebody who looks at the shop through nginx."""
        return Browser(self.port)


@contextmanager
def deployed(engine: Engine, folder: Path, **of_the_processes: str) -> Iterator[Deployed]:
    """A shop that is up, with films and without customers; everything is gone afterwards.

    `of_the_processes` are settings that only they get: SHOP_MODE=demo takes passwords as seriously as production.
    """
    folder.mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        sandbox = stack.enter_context(own_sandbox(folder / "sandbox"))
        mail, port = MailServer(), free_port()
        stack.callback(mail.stop)
        more = {
            **sandbox.settings,
            "REDIS_URL": redis.url,
            "MAIL_URL": f"smtp://127.0.0.1:{mail.port}",
            "SHOP_URL": f"http://localhost:{port}",
            "PROXY_HOPS": "1",
        }
        soaked = stack.enter_context(engine.fresh_shop(**more))
        for number in range(FILMS):
            soaked.shop.film(f"film-{number}")
        (folder / "counted").mkdir()
        environ = environ_of(soaked, more) | of_the_processes | {"PROMETHEUS_MULTIPROC_DIR": str(folder / "counted")}
        shop = Deployed(soaked, engine, sandbox, port)
        shop.redis, shop.mail = redis, mail
        shop.web, shop.worker = Gunicorn(environ), Worker(environ)
        stack.callback(lambda: shop.web.end())
        stack.callback(lambda: shop.worker.end())
        _lay_out(soaked.app, folder / "nginx", port, shop.web.port)
        stack.enter_context(running(folder / "nginx", port))
        wait_until_well(shop)
        yield shop


def environ_of(soaked: Soaked, more: dict[str, str]) -> dict[str, str]:
    """What makes another process the same shop."""
    names = ("SHOP_MODE", "DATABASE_URL", "MIGRATION_DATABASE_URL")
    ours = {name: soaked.settings[name] for name in names} | {"INSTANCE_PATH": str(soaked.folder)}
    return {**os.environ, **ours, **more}


def wait_until_well(shop: Deployed, patience_s: float = PATIENCE_S) -> float:
    """Until `/sante` says that all parts are up; how long that took."""
    browser, began = shop.browser(), time.monotonic()
    while (answer := browser.get("/sante")).status != 200 or b'"status":"up"' not in answer.body:
        if time.monotonic() - began > patience_s:
            raise AssertionError(f"not well after {patience_s} s: {answer.status} {answer.body[:300]!r}")
        time.sleep(MOMENT_S)  # nothing tells when a process is up
    return time.monotonic() - began


def _lay_out(app: Flask, folder: Path, port: int, shop_port: int) -> None:
    films = (DEPLOY / "films-in-folder.conf").read_text(encoding="utf-8")
    lay_out(app, folder, port, shop_port, films=films, tls=False)
