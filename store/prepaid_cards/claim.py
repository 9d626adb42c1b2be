"""A claim: this browser entered the code of that card a moment ago. It names the card and holds no code."""

from itsdangerous import BadData, URLSafeTimedSerializer

from store.prepaid_cards.codes import Keys

LIFE_S = 90 * 60
"""Longer than the link for a forgotten password is good: a code outlives the detour."""


def seal(keys: Keys, card_id: int, reissue: int) -> str:
    """A claim for a cookie, which nobody else can write."""
    return _serializer(keys).dumps([card_id, reissue])


def unseal(keys: Keys, claim: str) -> tuple[int, int] | None:
    """The card and its reissue; None for what is forged, garbled or too old."""
    try:
        card_id, reissue = _serializer(keys).loads(claim, max_age=LIFE_S)
    except BadData:
        return None
    return card_id, reissue


def _serializer(keys: Keys) -> URLSafeTimedSerializer:
    """Signed with the key in use, the last one for itsdangerous; all are accepted."""
    return URLSafeTimedSerializer([secret for _, secret in reversed(keys)], salt="prepaid card: claim")
