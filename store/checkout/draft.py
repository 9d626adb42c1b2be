"""A draft: what a stranger filled in before signing in. Their own browser keeps it, for an hour and a half, and nobody else.

So long that it outlives a forgotten password, whose link is good for an hour.
"""

from itsdangerous import BadData, URLSafeTimedSerializer

Fields = dict[str, list[str]]
"""What was sent under each name of a form."""

LIFE_S = 90 * 60
LONGEST = 3800
"""Characters. Browsers drop a cookie that is longer than 4096 bytes with its name and attributes (RFC 6265, 6.1)."""


def seal(secret: str, fields: Fields) -> str:
    """A draft for a cookie, which nobody else can write. Of fields that are too long for one the longest stay behind."""
    kept = dict(fields)
    while len(sealed := _serializer(secret).dumps(kept)) > LONGEST:
        del kept[max(kept, key=lambda name: sum(map(len, kept[name])))]
    return sealed


def unseal(secret: str, draft: str) -> Fields | None:
    """What was filled in; None for what is forged, garbled or too old."""
    try:
        fields: Fields = _serializer(secret).loads(draft, max_age=LIFE_S)
    except BadData:
        return None
    return fields


def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="checkout: draft")
