"""The code of a prepaid card: twenty symbols in four groups of five, derived and never stored.

Eighteen symbols of Crockford's base 32 carry 90 bits of an HMAC over the card's id and the number of its reissue. Two
check symbols make the twenty a Reed-Solomon word over GF(32): its symbols sum to 0, and so do its symbols each times
α^position. The two sums of a mistyped word tell one wrong symbol from a swap of neighbours, and where it may be.

A code is found again by its digest under another key. Both keys come from one secret of CODE_KEYS.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence

Keys = Sequence[tuple[int, str]]
"""(version, secret) of every key of CODE_KEYS: the first makes new codes, each of them reads its own."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKALIKES = str.maketrans("ILO", "110")
GROUP_LENGTH = 5
LENGTH = 20
SECRET_LENGTH = 18
SYMBOL_BITS = 5

PRIMITIVE_POLYNOMIAL = 0b100101
"""x⁵ + x² + 1, by which the products of GF(32) are reduced."""


class Mistyped(Exception):
    """What was typed cannot be a code. `group` (1 to 4) is where the mistake lies, if that can be told."""

    def __init__(self, group: int | None, length: int) -> None:
        super().__init__(f"mistyped in group {group or '?'}")
        self.group = group
        self.length = length


class KeyIsGone(Exception):
    """CODE_KEYS no longer holds the key that this card's code was made with."""


def code_of(keys: Keys, version: int, card_id: int, reissue: int) -> str:
    """The twenty symbols of a card's code, without hyphens; raises KeyIsGone."""
    secret = dict(keys).get(version)
    if secret is None:
        raise KeyIsGone(f"CODE_KEYS holds no key of version {version}")
    digest = hmac.digest(_subkey(secret, "code"), f"{card_id}:{reissue}".encode(), "sha256")
    bits = int.from_bytes(digest) >> (8 * len(digest) - SYMBOL_BITS * SECRET_LENGTH)
    symbols = [(bits >> SYMBOL_BITS * place) % 32 for place in reversed(range(SECRET_LENGTH))]
    return "".join(ALPHABET[symbol] for symbol in symbols + _check_symbols(symbols))


def written(code: str) -> str:
    """The code as it is printed: four groups of five with hyphens between them."""
    return "-".join(code[start : start + GROUP_LENGTH] for start in range(0, LENGTH, GROUP_LENGTH))


def read(text: str) -> str:
    """The code that somebody typed, pasted or scanned; raises Mistyped.

    Lower case, any space or dash, I and L for 1, O for 0, and an address with the code after `#` are all well.
    """
    spelled = unicodedata.normalize("NFKC", text.rpartition("#")[2]).upper().translate(LOOKALIKES)
    pieces = re.findall(r"[^\W_]+", spelled)
    code = "".join(pieces)
    if len(code) != LENGTH:
        raise Mistyped(_group_of_wrong_length(pieces), len(code))
    foreign = {_group_at(position) for position, symbol in enumerate(code) if symbol not in ALPHABET}
    if foreign:
        raise Mistyped(_only(foreign), len(code))
    symbols = [ALPHABET.index(symbol) for symbol in code]
    total, weighted = _sums(symbols)
    if total or weighted:
        raise Mistyped(_only(_suspects(symbols, total, weighted)), len(code))
    return code


def digest_of(secret: str, code: str) -> str:
    """What the database keeps of a code, to find it by."""
    return hmac.digest(_subkey(secret, "look-up"), code.encode(), "sha256").hex()


def digests_of(keys: Keys, code: str) -> list[str]:
    """What the database may keep of this code, under whichever key it was made."""
    return [digest_of(secret, code) for _, secret in keys]


def _subkey(secret: str, purpose: str) -> bytes:
    return hmac.digest(secret.encode(), f"prepaid card: {purpose}".encode(), "sha256")


def _group_of_wrong_length(pieces: Sequence[str]) -> int | None:
    wrong = {group for group, piece in enumerate(pieces, start=1) if len(piece) != GROUP_LENGTH}
    return _only(wrong) if len(pieces) == LENGTH // GROUP_LENGTH else None


def _suspects(symbols: Sequence[int], plain: int, weighted: int) -> set[int]:
    """The groups in which one wrong symbol, or one swap of neighbours, would explain the sums."""
    if not plain:
        swaps = (place for place in range(LENGTH - 1) if _sum_after_swap(symbols, place) == weighted)
        return {_group_at(end) for place in swaps for end in (place, place + 1)}
    place = (_LOG[weighted] - _LOG[plain]) % 31 if weighted else LENGTH
    return {_group_at(place)} if place < LENGTH else set()


def _sum_after_swap(symbols: Sequence[int], place: int) -> int:
    """The weighted sum of a right word whose symbols at `place` and after it were exchanged into these."""
    return _times(symbols[place] ^ symbols[place + 1], _POWERS[place] ^ _POWERS[place + 1])


def _group_at(position: int) -> int:
    return position // GROUP_LENGTH + 1


def _only(groups: Iterable[int]) -> int | None:
    found = list(groups)
    return found[0] if len(found) == 1 else None


def _check_symbols(symbols: Sequence[int]) -> list[int]:
    """The two symbols that bring both sums to 0."""
    plain, weighted = _sums(symbols)
    before_last, last = _POWERS[LENGTH - 2], _POWERS[LENGTH - 1]
    second = _divided(weighted ^ _times(plain, before_last), before_last ^ last)
    return [plain ^ second, second]


def _sums(symbols: Sequence[int]) -> tuple[int, int]:
    plain = weighted = 0
    for position, symbol in enumerate(symbols):
        plain ^= symbol
        weighted ^= _times(symbol, _POWERS[position])
    return plain, weighted


def _powers() -> list[int]:
    """α⁰ to α³⁰, every element of GF(32) but 0."""
    powers = [1]
    while len(powers) < 31:
        doubled = powers[-1] << 1
        powers.append(doubled ^ PRIMITIVE_POLYNOMIAL if doubled > 31 else doubled)
    return powers


def _times(left: int, right: int) -> int:
    return _POWERS[(_LOG[left] + _LOG[right]) % 31] if left and right else 0


def _divided(left: int, right: int) -> int:
    return _POWERS[(_LOG[left] - _LOG[right]) % 31] if left else 0


_POWERS = _powers()
_LOG = {power: exponent for exponent, power in enumerate(_POWERS)}
