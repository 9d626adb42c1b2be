"""Typst, which sets our templates as PDF and PNG: from the faces and the data given here alone, so the same today and anywhere.

No font of the system, no network, no clock: a template reads `json(bytes(sys.inputs.data))` and files beside it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

STORE = Path(__file__).resolve().parents[1]
TEMPLATES = STORE.parent / "templates"
FACES = STORE / "catalogue" / "fonts"
ACCESSIBLE = "ua-1"  # ISO 14289-1: tagged, titled, every picture described


class CannotTypeset(Exception):
    """The template refuses its data, for example because it would not fit its page."""


def typeset_pdf(template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """The template (its path under `templates/`) as an accessible PDF that says it was made `at`; raises CannotTypeset."""
    return _typeset(template, data, format="pdf", pdf_standards=[ACCESSIBLE], timestamp=int(at.timestamp()))


def typeset_png(template: str, data: Mapping[str, Any], dots_per_inch: float) -> bytes:
    """The only page of the template as a picture; raises CannotTypeset."""
    return _typeset(template, data, format="png", ppi=dots_per_inch)


def _typeset(template: str, data: Mapping[str, Any], **options: Any) -> bytes:
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    compiler = typst.Compiler(TEMPLATES / template, root=TEMPLATES, font_paths=_faces(), sys_inputs=inputs)
    try:
        made = compiler.compile(**options)
    except typst.TypstError as error:
        raise CannotTypeset(error.message) from None
    if not isinstance(made, bytes):
        raise CannotTypeset("more than one page where one was asked for")
    return made


@cache
def _faces() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FACES])
