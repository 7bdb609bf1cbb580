"""Names of persons as they are written in Indonesia, made comparable: words, sounds, keys to look them up, likeness.

One person is `Hj. Sitti Aminah, S.Pd`, `ST AMINAH` and `Siti Aminnah` in three lists; `Moehammad`, `Moh.` and `Muhammad` are
one name. Here a written name becomes words (titles and degrees dropped, abbreviations written out) and one sound for each
word, which stays the same under the usual spelling habits. The tables behind it are `data/name-words.csv`; every row tells
how sure it is. Reads package data only.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

#: more words than this are not looked at; the longest names in civil registers have fewer
MOST_WORDS: Final = 8
_LONGEST_WORD: Final = 40
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'`´‘’ʻʼʾʿ\""))
_SEPARATORS: Final = re.compile(r"[^\w.]+|_+")
_ANYWHERE: Final = frozenset({"alm", "almh", "almarhum", "almarhumah", "h", "hj", "hjh"})
#: sorts behind every word, so that [prefix, prefix + this) is all that begins with the prefix under COLLATE "C"
_LAST: Final = "\U0010ffff"
_SHORTEST_PREFIX: Final = 3


@dataclass(frozen=True, slots=True)
class Name:
    """A name made comparable. `sounds[i]` is the sound of `words[i]`; the order is that of writing and means nothing."""

    words: tuple[str, ...]
    sounds: tuple[str, ...]


class Words(NamedTuple):
    """The tables of `data/name-words.csv`."""

    titles: frozenset[str]
    degrees: frozenset[str]
    links: frozenset[str]
    abbreviations: dict[str, str]
    spellings: dict[str, str]


@cache
def tables() -> Words:
    """Titles, degrees, connectors, abbreviations and variant spellings, by the normalized form."""
    kinds: dict[str, dict[str, str]] = {}
    with (files("slrt_api.households") / "data" / "name-words.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            kinds.setdefault(row["kind"], {})[row["form"]] = row["canonical"]
    return Words(
        titles=frozenset(kinds["TITLE"]),
        degrees=frozenset(kinds["DEGREE"]),
        links=frozenset(kinds["LINK"]),
        abbreviations=kinds["ABBREVIATION"],
        spellings=kinds["SPELLING"],
    )


def parse(text: str) -> Name:
    """Words and sounds of a name as written. Empty when it holds no letter or digit; never raises."""
    head, _, tail = text.translate(_APOSTROPHES).partition(",")
    written = [token for token in _SEPARATORS.split(head) if token.strip(".")]
    behind = [token for token in _SEPARATORS.split(tail) if token.strip(".")]
    # What follows a comma is a degree; what is none there belongs to the name ("Santoso, Budi").
    written = _without_degrees(written) + _without_degrees(behind, after_comma=True) if written else behind
    words = _words(_without_titles(written))[:MOST_WORDS]
    return Name(words, tuple(sound(word) for word in words))


def _letters(token: str) -> str:
    plain = unicodedata.normalize("NFKD", token).casefold()
    return "".join(character for character in plain if character.isalnum())[:_LONGEST_WORD]


def _without_degrees(written: list[str], *, after_comma: bool = False) -> list[str]:
    """The tokens without the degrees at their end. The first token stays, unless all of it follows a comma."""
    degrees, kept = tables().degrees, list(written)
    least = 0 if after_comma else 1
    while len(kept) > least:
        last = kept[-1]
        # "S. Pd" is one degree in two tokens.
        if len(kept) > least + 1 and len(_letters(kept[-2])) == 1 and _letters(kept[-2] + last) in degrees:
            del kept[-2:]
            continue
        # Without a point or a comma, only capitals or a lack of vowels tell a degree from a short word.
        plain = _letters(last)
        if plain in degrees and (after_comma or "." in last or last.isupper() or not set(plain) & set("aeiou")):
            kept.pop()
            continue
        break
    return kept


def _without_titles(written: list[str]) -> list[str]:
    """Normalized tokens without the titles before the name; points part what is written without spaces."""
    titles = tables().titles
    tokens: list[str] = []
    for token in written:
        whole = _letters(token)
        parts = [whole] if whole in titles else [_letters(part) for part in token.split(".")]
        tokens += [part for part in parts if part]
    first = 0
    while first < len(tokens) - 1 and tokens[first] in titles:
        first += 1
    rest = tokens[first:]
    named = [token for token in rest if token not in _ANYWHERE]
    return named or rest


def _words(tokens: list[str]) -> tuple[str, ...]:
    """Words as they are compared: abbreviations written out, one spelling, connectors dropped, Abdul parted."""
    known, words = tables(), list[str]()
    end = len(tokens) - 1
    for index, token in enumerate(tokens):
        if token in known.links and 0 < index < end:
            continue
        # A short abbreviation stands before the name it belongs to; at the end it is an initial.
        if token in known.abbreviations and (index < end or len(token) > 2):
            words.append(known.abbreviations[token])
            continue
        words.extend(known.spellings.get(part, part) for part in _abdul(known.spellings.get(token, token)))
    return tuple(words)


_ABDUL: Final = re.compile(r"abd(?:ul|oel|u|o)([a-z]{4,})")


def _abdul(word: str) -> tuple[str, ...]:
    """`abdurrahman`, `abdulrahman` and `abdurahman` as the two words they are; Abdullah is one."""
    found = _ABDUL.fullmatch(word)
    if found is None or word.startswith(("abdull", "abdoell")):
        return (word,)
    rest = found[1]
    return ("abdul", rest[1:] if rest[0] == rest[1] else rest)


# ---- sounds --------------------------------------------------------------------------------------------------------

_OLD: Final = re.compile("oe|dj|tj|sj")
_DOUBLE: Final = re.compile(r"(.)\1+")
_VOWELS: Final = "aeiou"
_HABITS: Final = tuple(
    (re.compile(pattern), sounds)
    for pattern, sounds in (
        ("^chr", "kr"),
        ("ch|kh", "h"),
        ("ph|[fv]", "p"),
        ("q|ck", "k"),
        ("x", "ks"),
        ("sy|sh|ts", "s"),
        ("th", "t"),
        ("dh|dl", "d"),
        ("dz", "z"),
        ("gh", "g"),
        ("bh", "b"),
        ("jh", "j"),
        # y is a vowel unless it begins a syllable: Edy, Rizky, Setyo = Setio, Badriyah = Badriah; ny is a letter.
        (f"y(?![{_VOWELS}])", "i"),
        (f"(?<=[^n{_VOWELS}])y", "i"),
        (f"iy(?=[{_VOWELS}])", "i"),
        (f"uw(?=[{_VOWELS}])", "u"),
        ("ie|ai|ae|ei|oi", "i"),
        ("au|ao", "u"),
        # z is said as j at the beginning (Jaenal) and as s elsewhere (Asis).
        ("^z", "j"),
        ("z", "s"),
        ("e", "i"),
        ("o", "u"),
        (f"(?<=[{_VOWELS}])h$", ""),
        ("d$", "t"),
        ("b$", "p"),
        ("(?<!n)g$", "k"),
    )
)


@lru_cache(maxsize=32_768)
def sound(word: str) -> str:
    """The sound of a normalized word: equal for spellings that habit does not tell apart.

    Old spelling (oe, dj, tj, sj, and then j for y), doubled letters, kh/ch/h, f/v/p, q/k, sy/sh/s, z/j/s, dh/d, th/t, y/i,
    e/i, o/u, h after a last vowel, hard ends (d/t, b/p, g/k). It is coarse on purpose: it finds, likeness judges.
    """
    said = _DOUBLE.sub(r"\1", word)
    if _OLD.search(said):
        said = said.replace("oe", "u").replace("dj", "\0").replace("tj", "c").replace("j", "y").replace("\0", "j")
    for pattern, replacement in _HABITS:
        said = pattern.sub(replacement, said)
    return _DOUBLE.sub(r"\1", said) or word


# ---- keys ----------------------------------------------------------------------------------------------------------


def keys(name: Name) -> frozenset[str]:
    """What is stored of a name to find it again: `=word` and `~sound` of every word, `~sound` of neighbors written as one.

    The last kind finds `Nuraini` by `Nur Aini` and the other way around. At most 3 x `MOST_WORDS` keys.
    """
    found = {f"={word}" for word in name.words}
    found.update(f"~{said}" for said in name.sounds)
    found.update(f"~{said}" for said in _joined_sounds(name))
    return frozenset(found)


def _joined_sounds(name: Name) -> Iterator[str]:
    for left, right in zip(name.words, name.words[1:], strict=False):
        yield sound(left + right)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way to find a word that was asked for: keys from `low` up to and without `high`; `high` None is equality."""

    low: str
    high: str | None


def lookups(query: Name) -> tuple[tuple[Lookup, ...], ...]:
    """For every word that is asked for, the ways to find it in the stored keys, narrowest first.

    Equal word, equal sound, words that begin with it, sounds that begin with its sound (from three letters on); a query of
    several words ends with their sounds as one word. Take the word with the fewest rows, rank what it finds by `relevance`.
    """
    asked = [_ways(word, said) for word, said in zip(query.words, query.sounds, strict=True)]
    asked += [(Lookup(f"~{said}", None),) for said in _joined_sounds(query)]
    return tuple(asked)


def _ways(word: str, said: str) -> tuple[Lookup, ...]:
    ways = [Lookup(f"={word}", None), Lookup(f"~{said}", None)]
    if len(word) >= _SHORTEST_PREFIX:
        ways.append(Lookup(f"={word}", f"={word}{_LAST}"))
    if len(said) >= _SHORTEST_PREFIX:
        ways.append(Lookup(f"~{said}", f"~{said}{_LAST}"))
    return tuple(ways)


# ---- likeness ------------------------------------------------------------------------------------------------------


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
    return Likeness.FAINT if min(len(mine[0]), len(theirs[0])) > 1 and _loose(mine[0], theirs[0]) >= _FAINTEST else None


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
