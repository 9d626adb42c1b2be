"""Being told to stop, also by several signals at once."""

import signal
import subprocess
import sys

WAIT_UNTIL_CALM = """
import signal
from store.signals import told_to_stop
told = told_to_stop(signal.SIGTERM)
print("ready", flush=True)
while told(1):
    pass
"""


def test_signals_that_come_at_once_do_not_wait_for_each_other() -> None:
    """Ctrl-C reaches the worker twice: as one of its group, and through the process that started it."""
    command = [sys.executable, "-c", WAIT_UNTIL_CALM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        for _ in range(20_000):
            process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
