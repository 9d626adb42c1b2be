"""gunicorn before the shop. systemd holds the socket (cinemutins-web.socket), so that even a restart refuses nobody.

Nothing of the shop is imported here: this is the process that stays, and forks the release that stands where
`--chdir` leads at a reload.
"""

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import multiprocess

bind = "127.0.0.1:8000"  # for who starts it by hand; a socket of systemd's comes before
backlog = 1024
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
preload_app = False  # so that a reload (HUP) brings new code, in new processes beside the old ones
worker_tmp_dir = "/dev/shm"  # noqa: S108  # where a busy disk makes no worker look dead; gunicorn unlinks what it opens there

timeout = 60
graceful_timeout = 30  # what began before a SIGTERM is answered; systemd waits a little longer
keepalive = 75  # longer than nginx keeps a connection, so that nginx closes it, never we under a request
control_socket_disable = True


class AsJson(logging.Formatter):
    """gunicorn's own lines, like the shop's."""

    def format(self, record: logging.LogRecord) -> str:
        """An object on a line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        said = {"timestamp": at, "level": record.levelname.lower(), "event": super().format(record)}
        return json.dumps(said, ensure_ascii=False)


accesslog = None  # the shop writes a line for each request
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": AsJson}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
}

COUNTED = os.environ.get("PROMETHEUS_MULTIPROC_DIR")


def on_starting(_server: object) -> None:
    """Begin to count anew: what the processes before us counted is Prometheus' by now."""
    if COUNTED:
        for path in Path(COUNTED).glob("*.db"):
            path.unlink()


def child_exit(_server: object, worker: object) -> None:
    """What a process counted stays counted when it ends."""
    if COUNTED:
        multiprocess.mark_process_dead(worker.pid)
