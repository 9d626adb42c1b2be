"""A letter: the same words as text and as HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import render_template


@dataclass(frozen=True)
class Letter:
    """What somebody is written.

    `pictures` are PNGs by the Content-ID that the HTML shows them under, `attachments` PDFs by their file names.
    """

    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    attachments: Mapping[str, bytes] = field(default_factory=dict)


def write(
    template: str,
    subject: str,
    *,
    pictures: Mapping[str, bytes] | None = None,
    attachments: Mapping[str, bytes] | None = None,
    **words: Any,
) -> Letter:
    """The letter of `<template>.txt` and `<template>.html`, in the language of the moment; both know the subject."""
    text, html = (render_template(f"{template}.{kind}", subject=subject, **words) for kind in ("txt", "html"))
    return Letter(subject, text, html, pictures or {}, attachments or {})
