"""What `deploy/` promises: every setting, files that are read without complaint, and nothing of the shop in the process that stays."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from config import ROOT, load

DEPLOY = ROOT / "deploy"
OF_DEMO_AND_CHECKS = {"PORT", "SANDBOX_PORT", "FLASK_DEBUG", "SHOP_STOP_AT", "SHOP_CLOCK_OFFSET_S"}
OF_GUNICORN = {"WEB_PROCESSES", "WEB_THREADS"}
FILLED_IN = {
    "SHOP_PUBLISHER": "Cooperative",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRETS": "whsec_x",
    "MAIL_URL": "smtp://mail.example:587",
}


def example() -> dict[str, str]:
    """Each setting that the example names, those that are commented out included."""
    text = (DEPLOY / "shop.env.example").read_text(encoding="utf-8")
    return dict(re.findall(r'^#?([A-Z][A-Z0-9_]*)="(.*)"$', text, re.MULTILINE))


def settings_that_are_read() -> set[str]:
    tree = ast.parse((ROOT / "config.py").read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    reads = (call for call in calls if ast.unparse(call.func).startswith("read.") or "environ.get" in ast.unparse(call))
    names = (call.args[0].value for call in reads if isinstance(call.args[0], ast.Constant))
    return {str(name) for name in names}


def test_the_example_names_every_setting() -> None:
    assert settings_that_are_read() - OF_DEMO_AND_CHECKS == example().keys() - OF_GUNICORN


def test_the_example_filled_in_is_a_shop(tmp_path: Path) -> None:
    text = (DEPLOY / "shop.env.example").read_text(encoding="utf-8")
    given = dict(re.findall(r'^([A-Z][A-Z0-9_]*)="(.*)"$', text, re.MULTILINE))
    secret = {name: re.sub("@[A-Z_]+@$", "x" * 64, value) for name, value in given.items()}
    settings = load(secret | FILLED_IN)
    assert settings["SHOP_MODE"] == "production" and settings["MEDIA_SENDER"] == "nginx"
    assert {name for name, value in given.items() if "…" in value} == FILLED_IN.keys()


@pytest.mark.parametrize("script", ["install.sh", "check.sh", "backup.sh", "cinemutins"])
def test_scripts_can_be_read(script: str) -> None:
    assert subprocess.run(["bash", "-n", DEPLOY / script], capture_output=True, check=True).stderr == b""
    assert (DEPLOY / script).stat().st_mode & 0o111


def test_units_can_be_read() -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("there is no systemd-analyze here")
    units = sorted((DEPLOY / "systemd").iterdir())
    said = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False).stderr
    complaints = [line for line in said.splitlines() if line and "is not executable: No such file" not in line]
    assert len(units) == 9 and complaints == []


def test_gunicorns_file_imports_nothing_of_the_shop() -> None:
    text = (DEPLOY / "gunicorn.conf.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) (store|config|wsgi)\b", text, re.MULTILINE)
