"""The diary of a worker: every act is written down before it is tried, and every answer when it has come.

It is what customers know. A process that is killed has written a line or it has not; a machine that loses power is not tried.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

DONE, REFUSED, FAILED = "done", "refused", "failed"


class Act(NamedTuple):
    """What one person asks for under this key: `cents` of it, `of` an earlier act (its key) or of a lot (its id)."""

    key: str
    kind: str
    person: int
    cents: int
    of: str


class Answer(NamedTuple):
    """What came of the act with this key; `cents` is what a sweep ended, `failure` what should never be raised."""

    key: str
    outcome: str
    cents: int
    failure: str


class Diary:
    """What was asked and what was answered, read from the file and kept up while it is written."""

    def __init__(self, path: Path) -> None:
        self.asked: dict[str, Act] = {}
        self.answered: dict[str, Answer] = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            title, *fields = json.loads(line)
            self._keep(Act(*fields) if title == "asked" else Answer(*fields))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def ask(self, act: Act) -> None:
        """Write down what will be tried."""
        self._write("asked", act)

    def answer(self, answer: Answer) -> None:
        """Write down what came of it."""
        self._write("answered", answer)

    def unanswered(self) -> list[Act]:
        """What nobody knows the outcome of."""
        return [act for key, act in self.asked.items() if key not in self.answered]

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def _write(self, title: str, entry: Act | Answer) -> None:
        os.write(self._file, json.dumps([title, *entry]).encode() + b"\n")  # one call: a line is there or it is not
        self._keep(entry)

    def _keep(self, entry: Act | Answer) -> None:
        if isinstance(entry, Act):
            self.asked[entry.key] = entry
        else:
            self.answered[entry.key] = entry
