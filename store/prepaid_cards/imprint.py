"""The code on a card: put there when the card is issued, and worked out again whenever it is printed or mailed."""

from typing import Any

from store.prepaid_cards.codes import Keys, code_of, digest_of
from store.prepaid_cards.models import PrepaidCard


def imprint(keys: Keys, card: PrepaidCard) -> None:
    """Give a card that has its id the code of its present reissue."""
    for column, value in marks_of(keys, card.id, card.reissue).items():
        setattr(card, column, value)


def marks_of(keys: Keys, card_id: int, reissue: int) -> dict[str, Any]:
    """What a card's row keeps of its code, which is made with the key in use: a digest, and what is shown of it."""
    version, secret = keys[0]
    code = code_of(keys, version, card_id, reissue)
    return {"key_version": version, "lookup_digest": digest_of(secret, code), "last4": code[-4:]}


def code_on(keys: Keys, card: PrepaidCard) -> str:
    """The twenty symbols of the card's code; raises KeyIsGone, also for a card without one."""
    return code_of(keys, card.key_version or 0, card.id, card.reissue)
