"""Foreign programs are held in their limits."""

from pathlib import Path

import pytest

from store.gateways.foreign_program import ProgramFailed, start


def said_by(*command: str, folder: Path, longest_s: float = 10, largest_bytes: int = 1000) -> str:
    with start(command, folder, longest_s, largest_bytes) as program:
        said = program.lines.read()
        program.check()
    return said


def test_it_runs_at_low_priority_with_none_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_1")
    assert said_by("/usr/bin/nice", folder=tmp_path).strip() == "15"
    assert set(said_by("/usr/bin/env", folder=tmp_path).splitlines()) >= {"LC_ALL=C.UTF-8"}
    assert "sk_test_1" not in said_by("/usr/bin/env", folder=tmp_path)


def test_its_last_complaint_is_told(tmp_path: Path):
    with pytest.raises(ProgramFailed, match="^ls: .*nowhere"):
        said_by("/bin/ls", "nowhere", folder=tmp_path)


def test_it_is_ended_when_it_takes_too_long(tmp_path: Path):
    with pytest.raises(ProgramFailed, match="too long"):
        said_by("/bin/sleep", "60", folder=tmp_path, longest_s=0.3)


def test_it_writes_no_larger_file_than_it_may(tmp_path: Path):
    with pytest.raises(ProgramFailed):
        said_by("/bin/dd", "if=/dev/zero", "of=large", "bs=1000", "count=100", folder=tmp_path)
    assert (tmp_path / "large").stat().st_size <= 1000
