"""The code: derived, told apart from every single mistake and every swap of neighbours, and read however it is written."""

import hashlib
import hmac
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.prepaid_cards.codes import (
    ALPHABET,
    KeyIsGone,
    Mistyped,
    code_of,
    digest_of,
    digests_of,
    read,
    written,
)

SECRET, OLD_SECRET = "s" * 40, "o" * 40
KEYS = [(2, SECRET), (1, OLD_SECRET)]
CODES = [code_of(KEYS, 2, card_id, 0) for card_id in range(1, 41)]
CODE = CODES[0]

anywhere = st.integers(0, 19)
codes = st.integers(1, 2**40).map(lambda card_id: code_of(KEYS, 2, card_id, 0))


def mistake_in(text: str) -> Mistyped:
    with pytest.raises(Mistyped) as raised:
        read(text)
    return raised.value


def replaced(code: str, position: int, symbol: str) -> str:
    return code[:position] + symbol + code[position + 1 :]


def swapped(code: str, position: int) -> str:
    return code[:position] + code[position + 1] + code[position] + code[position + 2 :]


def product_in_field(left: int, right: int) -> int:
    """By the book: multiply polynomials over GF(2), then reduce by x⁵ + x² + 1."""
    whole = 0
    for bit in range(5):
        whole ^= (left << bit) * (right >> bit & 1)
    for bit in range(9, 4, -1):
        whole ^= (0b100101 << bit - 5) * (whole >> bit & 1)
    return whole


def test_the_code_is_what_its_description_says() -> None:
    subkey = hmac.new(SECRET.encode(), b"prepaid card: code", hashlib.sha256).digest()
    bits = "".join(f"{byte:08b}" for byte in hmac.new(subkey, b"17:3", hashlib.sha256).digest())[:90]
    symbols = [int(bits[start : start + 5], 2) for start in range(0, 90, 5)]
    powers = [1]
    for _ in range(19):
        powers.append(product_in_field(powers[-1], 2))
    sums = [0, 0]
    for symbol, power in zip(symbols, powers, strict=False):
        sums = [sums[0] ^ symbol, sums[1] ^ product_in_field(symbol, power)]
    [(first, second)] = [
        (first, second)
        for first, second in product(range(32), repeat=2)
        if first ^ second == sums[0]
        and product_in_field(first, powers[18]) ^ product_in_field(second, powers[19]) == sums[1]
    ]
    expected = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[symbol] for symbol in [*symbols, first, second])
    assert code_of(KEYS, 2, 17, 3) == expected


def test_a_printed_code_outlives_releases() -> None:
    assert written(code_of([(1, "k" * 32)], 1, 1, 0)) == "0W034-M75TV-SJSE7-E5QHT"
    assert digest_of("k" * 32, "0" * 20) == "7572723991874ae9a02afe2f1bfbe6f3157cf4198d487fd187d8e9f69ea0a304"


def test_another_card_reissue_or_key_gives_another_code() -> None:
    made = {code_of(KEYS, version, card, reissue) for version in (1, 2) for card in (1, 2, 11) for reissue in (0, 1)}
    assert len(made) == 12


def test_a_key_that_is_gone_makes_no_code() -> None:
    assert code_of(KEYS, 1, 1, 0) == code_of(list(reversed(KEYS)), 1, 1, 0)
    with pytest.raises(KeyIsGone):
        code_of(KEYS, 3, 1, 0)


def test_a_code_is_found_under_every_key_and_its_digest_tells_nothing_of_it() -> None:
    assert digests_of(KEYS, CODE) == [digest_of(SECRET, CODE), digest_of(OLD_SECRET, CODE)]
    assert len({*digests_of(KEYS, CODE), *digests_of(KEYS, CODES[1])}) == 4
    assert digest_of(SECRET, CODE) != hmac.new(SECRET.encode(), CODE.encode(), hashlib.sha256).hexdigest()


def test_every_wrong_symbol_is_caught_and_its_group_told() -> None:
    for code, position, symbol in product(CODES[:10], range(20), ALPHABET):
        if symbol != code[position]:
            assert mistake_in(replaced(code, position, symbol)).group == position // 5 + 1


def is_code(text: str) -> bool:
    try:
        return read(text) == text
    except Mistyped:
        return False


def groups_of_swaps(word: str) -> set[int]:
    """Both ends of every swap of neighbours that makes the word a code."""
    swaps = [position for position in range(19) if is_code(swapped(word, position))]
    return {end // 5 + 1 for position in swaps for end in (position, position + 1)}


def groups_of_symbols(word: str) -> set[int]:
    """The place of every symbol that is all that keeps the word from being a code."""
    ways = product(range(20), ALPHABET)
    return {position // 5 + 1 for position, symbol in ways if is_code(replaced(word, position, symbol))}


def only(groups: set[int]) -> int | None:
    return [*groups][0] if len(groups) == 1 else None


def test_every_swap_of_neighbours_is_caught_and_never_blamed_on_another_group() -> None:
    """A wrong word is told by the difference of the two symbols and their place alone: all of both are met."""
    met, located = set(), 0
    for code, position in product(CODES * 10 + [code_of(KEYS, 1, n, 0) for n in range(400)], range(19)):
        if code[position] != code[position + 1]:
            met.add((position, ALPHABET.index(code[position]) ^ ALPHABET.index(code[position + 1])))
            group = mistake_in(swapped(code, position)).group
            assert group in {None, position // 5 + 1} and (group is None or position % 5 < 4)
            located += group is not None
    assert met == set(product(range(19), range(1, 32)))
    assert located > 0.4 * 19 * 800


def test_a_swap_is_told_with_its_group_when_no_other_group_explains_it() -> None:
    for word in {swapped(code, position) for code, position in product(CODES[:10], range(19))} - {*CODES}:
        assert mistake_in(word).group == only(groups_of_swaps(word))


def test_two_wrong_symbols_are_blamed_on_what_would_explain_them() -> None:
    for place in range(19):
        word = replaced(replaced(CODE, place, CODE[place - 1]), 19, CODE[place])
        assert word == CODE or mistake_in(word).group == only(groups_of_swaps(word) | groups_of_symbols(word))


@given(codes, anywhere, anywhere, st.data())
def test_two_wrong_symbols_are_caught(code: str, one: int, other: int, data: st.DataObject) -> None:
    """Distance 3: no two mistakes lead from one code to another."""
    wrong = replaced(code, one, data.draw(st.sampled_from(ALPHABET.replace(code[one], ""))))
    if one != other:
        wrong = replaced(wrong, other, data.draw(st.sampled_from(ALPHABET.replace(code[other], ""))))
    mistake_in(wrong)


WAYS_TO_WRITE = [
    written,
    lambda code: code,
    lambda code: written(code).lower(),
    lambda code: f"  {written(code).replace('-', ' ')}\t\n",
    lambda code: written(code).replace("-", "\u2013"),
    lambda code: written(code).replace("-", " \u2014 "),
    lambda code: written(code).replace("-", "\u2011"),
    lambda code: written(code).replace("-", "\u2212"),
    lambda code: written(code).replace("-", "\u00a0"),
    lambda code: written(code).replace("-", "\u202f"),
    lambda code: written(code).replace("-", "\u200b"),
    lambda code: written(code).replace("-", "_"),
    lambda code: " ".join(code),
    lambda code: f"«\u00a0{written(code)}\u00a0».",
    lambda code: f"https://shop.example/cartes/activer#{written(code)}",
    lambda code: f"shop.example/cartes/activer?x=1#a#{code.lower()}",
    lambda code: written(code).replace("1", "I").replace("0", "O"),
    lambda code: written(code).replace("1", "l").replace("0", "o"),
    lambda code: "".join(chr(ord(symbol) + 0xFEE0) for symbol in code),
]


@pytest.mark.parametrize("way", WAYS_TO_WRITE, ids=range(len(WAYS_TO_WRITE)))
def test_a_code_is_read_however_it_is_written(way) -> None:
    with_lookalikes = next(code for code in CODES if "0" in code and "1" in code)
    for code in (CODE, with_lookalikes):
        assert read(way(code)) == code


@given(codes)
def test_what_is_written_can_be_read(code: str) -> None:
    assert read(written(code)) == code
    assert [len(group) for group in written(code).split("-")] == [5, 5, 5, 5]
    assert set(code) <= set(ALPHABET)


@pytest.mark.parametrize("symbol", ["U", "u", "É", "٣", "字"])
def test_a_symbol_that_no_code_has_is_told_with_its_group(symbol: str) -> None:
    assert mistake_in(replaced(CODE, 12, symbol)).group == 3
    both = replaced(replaced(CODE, 2, "U"), 19, symbol)
    assert mistake_in(both).group is None


@pytest.mark.parametrize("wrong", [replaced(CODE, 7, "U"), replaced(CODE, 7, "Z"), swapped(CODE, 7)])
def test_a_mistake_tells_how_many_symbols_there_were(wrong: str) -> None:
    assert mistake_in(wrong).length == 20


def test_a_missing_symbol_is_told_with_its_group_when_the_groups_are_apart() -> None:
    groups = written(CODE).split("-")
    groups[1] = groups[1][:4]
    short = mistake_in("-".join(groups))
    assert (short.group, short.length) == (2, 19)
    assert (mistake_in("".join(groups)).group, mistake_in(CODE + "7").length) == (None, 21)
    groups[3] += "7Z"
    assert (mistake_in(" ".join(groups)).group, mistake_in(" ".join(groups)).length) == (None, 21)


@pytest.mark.parametrize("text", ["", "#", "-", "\0", "https://shop.example/cartes/activer", f"{CODE}#", "0" * 5000])
def test_what_is_no_code_at_all(text: str) -> None:
    assert mistake_in(text).group is None


@given(st.text())
def test_any_text_is_a_code_or_mistyped(text: str) -> None:
    try:
        assert len(read(text)) == 20
    except Mistyped as mistake:
        assert mistake.group in {None, 1, 2, 3, 4}


def test_two_mistakes_far_apart_are_blamed_on_no_group_that_does_not_exist() -> None:
    groups = {
        mistake_in(replaced(replaced(CODE, 1, first), 18, second)).group
        for first, second in product(ALPHABET.replace(CODE[1], ""), ALPHABET.replace(CODE[18], ""))
    }
    assert groups == {None, 1, 2, 3, 4}
