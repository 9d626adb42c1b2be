"""Tables that visitors open in a spreadsheet: divided and pointed as those of the page's language expect, and no formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from store.language import ENGLISH, FRENCH, language

DELIMITERS = {FRENCH: ";", ENGLISH: ","}
DECIMAL_POINTS = {FRENCH: ",", ENGLISH: "."}
NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take UTF-8 for something older."""


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """These rows as CSV."""
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer, delimiter=DELIMITERS[language()], lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def harmless(cell: str) -> str:
    """The cell as text: an apostrophe keeps a spreadsheet from computing it (OWASP, CSV injection). Numbers stay numbers."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(cell) else cell


def decimal(cents: int) -> str:
    """350 → `3,50`, -350 → `-3,50`; in English `3.50`."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}{DECIMAL_POINTS[language()]}{abs(cents) % 100:02d}"
