"""Slugs: lower-case ASCII words joined by hyphens, apostrophes dropped."""

import re
import unicodedata
from hashlib import blake2b

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,60}")
LIGATURES = str.maketrans(
    {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"}
)


def slug_of(title: str) -> str:
    """«J’veux du soleil» gives `jveux-du-soleil`; a title without a Latin letter or digit gives the empty string."""
    plain = unicodedata.normalize("NFKD", title.translate(LIGATURES)).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower().replace("'", "")))


def person_slug(name: str) -> str:
    """The slug of a name; one without a Latin letter gets a digest, always the same."""
    return slug_of(name) or f"nom-{blake2b(name.encode(), digest_size=6).hexdigest()}"
