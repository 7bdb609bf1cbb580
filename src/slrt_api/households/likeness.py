"""How alike two names are: which words of them stand for each other, and how well a name answers a search.

A slip of the hand is counted by keystrokes; what habit spells otherwise is no slip (`names.sound`).
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from slrt_api.households.names import Name, sound


class Likeness(StrEnum):
    """How two words of two names agree, best first."""

    SAME = "SAME"
    SOUND = "SOUND"
    TYPO = "TYPO"
    SHORT = "SHORT"
    FAINT = "FAINT"


class Pair(NamedTuple):
    """Two words that stand for each other."""

    left: str
    right: str
    likeness: Likeness


class Pairing(NamedTuple):
    """Which words of two names agree, and which are left over on each side."""

    pairs: tuple[Pair, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]


def slips(word: str, other: str) -> int:
    """Keystrokes that part two words: letters put in, left out, replaced, or two exchanged."""
    return OSA.distance(word, other, score_cutoff=3)


def _is_typo(word: str, other: str) -> bool:
    """One slip in words of four letters and more, two from nine on."""
    longest = max(len(word), len(other))
    return longest >= 4 and slips(word, other) <= (2 if longest >= 9 else 1)


def _is_short(word: str, other: str) -> bool:
    """Whether the shorter is an initial, the beginning or the end of the longer, as names of address are (Yati, Gus)."""
    short, long = sorted((word, other), key=len)
    if len(short) == 1:
        return long.startswith(short)
    return len(long) > len(short) and (long.startswith(short) or long.endswith(short))


@lru_cache(maxsize=32_768)
def _modern(word: str) -> str:
    """The digraphs of old spelling in new letters, j left as it is: names mix both (Joemijan)."""
    return word.replace("oe", "u").replace("dj", "j").replace("tj", "c")


_Word = tuple[str, str]


def pair(a: Name, b: Name) -> Pairing:
    """The words of two names paired, each once, the surest pairs first. The order of the words does not matter."""
    if a.words == b.words:
        return Pairing(tuple(Pair(word, word, Likeness.SAME) for word in a.words), (), ())
    left, right = list(zip(a.words, a.sounds, strict=True)), list(zip(b.words, b.sounds, strict=True))
    pairs: list[Pair] = []
    _pair_equal(left, right, pairs, 0, Likeness.SAME)
    if left and right:
        _pair_equal(left, right, pairs, 1, Likeness.SOUND)
        if len(left) != len(right):
            _pair_joined(left, right, pairs)
    if left and right:
        _pair_close(left, right, pairs)
    return Pairing(tuple(pairs), tuple(word for word, _ in left), tuple(word for word, _ in right))


def _pair_equal(left: list[_Word], right: list[_Word], pairs: list[Pair], part: int, likeness: Likeness) -> None:
    """Pair the words that are equal, or whose sounds are."""
    for mine in tuple(left):
        theirs = next((word for word in right if word[part] == mine[part]), None)
        if theirs is not None:
            left.remove(mine)
            right.remove(theirs)
            pairs.append(Pair(mine[0], theirs[0], likeness))


def _pair_joined(left: list[_Word], right: list[_Word], pairs: list[Pair]) -> None:
    """Pair what one name writes as one word and the other as two (`Nuraini`, `Nur Aini`)."""
    swapped = len(left) > len(right)
    ones, many = (right, left) if swapped else (left, right)
    for one in tuple(ones):
        for first, second in zip(tuple(many), tuple(many)[1:], strict=False):
            if sound(first[0] + second[0]) == one[1]:
                ones.remove(one)
                many.remove(first)
                many.remove(second)
                both = f"{first[0]} {second[0]}"
                pairs.append(Pair(both, one[0], Likeness.SOUND) if swapped else Pair(one[0], both, Likeness.SOUND))
                break


def _pair_close(left: list[_Word], right: list[_Word], pairs: list[Pair]) -> None:
    """Pair what a slip of the hand or a short form parts, the closest first; ties by spelling, so that sides are equal."""
    found = []
    for mine in left:
        for theirs in right:
            likeness = _close(mine, theirs)
            if likeness is not None:
                rank = (_CLOSENESS[likeness], slips(mine[0], theirs[0]), *sorted((mine[0], theirs[0])))
                found.append((rank, mine, theirs, likeness))
    found.sort(key=lambda each: each[0])
    for _, mine, theirs, likeness in found:
        if mine in left and theirs in right:
            left.remove(mine)
            right.remove(theirs)
            pairs.append(Pair(mine[0], theirs[0], likeness))


def _close(mine: _Word, theirs: _Word) -> Likeness | None:
    if _is_typo(_modern(mine[0]), _modern(theirs[0])) or _is_typo(mine[1], theirs[1]):
        return Likeness.TYPO
    if _is_short(mine[0], theirs[0]) or _is_short(mine[1], theirs[1]):
        return Likeness.SHORT
    return Likeness.FAINT if _is_faint(mine[0], theirs[0]) else None


def _is_faint(word: str, other: str) -> bool:
    """Whether a slip and a short form may have come together: letters in common, or consonants of a beginning or end."""
    if min(len(word), len(other)) < 2:
        return False
    if _loose(word, other) >= _FAINTEST:
        return True
    short, long = sorted((_consonants(word), _consonants(other)), key=len)
    return 2 <= len(short) < len(long) and (long.startswith(short) or long.endswith(short))


@lru_cache(maxsize=32_768)
def _consonants(word: str) -> str:
    return "".join(letter for letter in sound(word) if letter not in "aiu")


_CLOSENESS: Final = {likeness: rank for rank, likeness in enumerate(Likeness)}
#: two words resemble each other from here on; below, they contradict
_FAINTEST: Final = 0.6
_WORTH: Final = {Likeness.SAME: 1.0, Likeness.SOUND: 0.97, Likeness.SHORT: 0.7}
#: what is left of a name's likeness when all of its words agree but the other name has further ones
_PART: Final = 0.8


def similarity(a: Name, b: Name) -> float:
    """How alike two names are, 0 to 1, on the best pairing of their words; 1 for the same words in any order. Symmetric.

    Every pair counts by its letters; a word left over on one side only costs less than one that contradicts.
    """
    pairing = pair(a, b)
    agreed = sum(_worth(each) * _weight(each.left, each.right) for each in pairing.pairs)
    paired = sum(_weight(each.left, each.right) for each in pairing.pairs)
    over = sorted((sum(map(len, pairing.left)), sum(map(len, pairing.right))))
    if not paired:
        return 0.5 * _loose(" ".join(sorted(a.words)), " ".join(sorted(b.words))) if a.words and b.words else 0.0
    # What is left over on both sides contradicts; what is left over on one side is missing on the other.
    contradicted, missing = over[0], over[1] - over[0]
    share = agreed / (paired + 2 * contradicted)
    return share * (_PART + (1 - _PART) * paired / (paired + missing))


def _weight(left: str, right: str) -> float:
    return (len(left) + len(right)) / 2


def _worth(found: Pair) -> float:
    if found.likeness in {Likeness.TYPO, Likeness.FAINT}:
        return _loose(found.left, found.right)
    return _WORTH[found.likeness]


def _loose(left: str, right: str) -> float:
    return (JaroWinkler.similarity(left, right) + OSA.normalized_similarity(left, right)) / 2


def relevance(query: Name, name: Name) -> float:
    """How well a name answers a search, 0 to 1: every word that is asked for counts, further words hardly do.

    A word that is asked for may be the beginning of a word of the name (`am` finds `Aminah`). Not symmetric.
    """
    if not query.words or not name.words:
        return 0.0
    total = sum(map(len, query.words))
    left, best = list(zip(name.words, name.sounds, strict=True)), 0.0
    # The longest word chooses first: it is the surest.
    for asked in sorted(zip(query.words, query.sounds, strict=True), key=lambda each: (-len(each[0]), each[0])):
        if not left:
            break
        answers = [(_answers(asked, word), word) for word in left]
        worth, word = max(answers, key=lambda each: (each[0], each[1]))
        if worth > 0.6:
            left.remove(word)
            best += worth * len(asked[0])
    joined = 0.97 if sound("".join(query.words)) == sound("".join(name.words)) else 0.0
    return max(best / total, joined) * (1 - 0.02 * min(len(left), 4))


def _answers(asked: _Word, word: _Word) -> float:
    if asked[0] == word[0]:
        return 1.0
    if asked[1] == word[1]:
        return _WORTH[Likeness.SOUND]
    if word[0].startswith(asked[0]):
        return 0.9 + 0.05 * len(asked[0]) / len(word[0])
    if len(asked[1]) >= 2 and word[1].startswith(asked[1]):
        return 0.85 + 0.05 * len(asked[1]) / len(word[1])
    return 0.9 * _loose(asked[0], word[0])
