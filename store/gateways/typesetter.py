"""Typst, which sets our templates as PDF and PNG: from the faces and the data given here alone, so the same today and anywhere.

No font of the system, no network, no clock: a template reads `json(bytes(sys.inputs.data))` and files beside it.

Each call is a process of its own. Typst keeps threads and memory for good in whoever calls it: a server that forks afterwards
hangs in its children, and a template that never ends would take the server along.

The file is both ends: imported, it asks for a document; run, it sets one (its order on standard input, as JSON).
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import typst

STORE = Path(__file__).resolve().parents[1]
TEMPLATES = STORE.parent / "templates"
FACES = STORE / "catalogue" / "fonts"
ACCESSIBLE = "ua-1"  # ISO 14289-1: tagged, titled, every picture described
LONGEST_S = 60
REFUSED = 3  # exit status: the template said no, and its reason is on standard error


class CannotTypeset(Exception):
    """The template refuses its data, for example because it would not fit its page."""


def typeset_pdf(template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """The template (its path under `templates/`) as an accessible PDF that says it was made `at`; raises CannotTypeset."""
    return _typeset(template, data, format="pdf", pdf_standards=[ACCESSIBLE], timestamp=int(at.timestamp()))


def typeset_png(template: str, data: Mapping[str, Any], dots_per_inch: float) -> bytes:
    """The only page of the template as a picture; raises CannotTypeset."""
    return _typeset(template, data, format="png", ppi=dots_per_inch)


def _typeset(template: str, data: Mapping[str, Any], **options: Any) -> bytes:
    order = json.dumps({"template": template, "data": data, "options": options}, ensure_ascii=False).encode()
    try:
        done = subprocess.run([sys.executable, "-I", __file__], input=order, capture_output=True, timeout=LONGEST_S)  # noqa: S603  # this interpreter and this file; what is set goes through a pipe
    except subprocess.TimeoutExpired:
        raise CannotTypeset(f"{template} took more than {LONGEST_S} s") from None
    if done.returncode == REFUSED:
        raise CannotTypeset(done.stderr.decode(errors="replace"))
    if done.returncode:
        raise RuntimeError(
            f"typesetting {template} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}"
        )
    return done.stdout


def _set_what_is_ordered() -> None:
    order = json.load(sys.stdin.buffer)
    inputs = {"data": json.dumps(order["data"], ensure_ascii=False)}
    compiler = typst.Compiler(TEMPLATES / order["template"], root=TEMPLATES, font_paths=_faces(), sys_inputs=inputs)
    try:
        made = compiler.compile(**order["options"])
    except typst.TypstError as error:
        _refuse(error.message)
    if not isinstance(made, bytes):
        _refuse("more than one page where one was asked for")
    sys.stdout.buffer.write(made)


def _faces() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FACES])


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(reason)
    sys.exit(REFUSED)


if __name__ == "__main__":
    _set_what_is_ordered()
