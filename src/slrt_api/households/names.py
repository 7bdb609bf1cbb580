"""Names of persons as they are written in Indonesia, made comparable: words, sounds, and keys to look them up.

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
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

#: more words than this are not looked at; the longest names in civil registers have fewer
MOST_WORDS: Final = 8
_LONGEST_WORD: Final = 40
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'`´‘’ʻʼʾʿ\""))
_SEPARATORS: Final = re.compile(r"[^\w.]+|_+")
#: Balinese words of sex before the name; they are titles of the table, too
_PARTICLES: Final = frozenset({"i", "ni"})
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
    """The tables of `data/name-words.csv`.

    `after_particle` are abbreviations right after the Balinese I or Ni: Md. is Made there, and Muhammad elsewhere.
    """

    titles: frozenset[str]
    degrees: frozenset[str]
    links: frozenset[str]
    abbreviations: dict[str, str]
    after_particle: dict[str, str]
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
        after_particle=kinds["PARTICLE"],
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
    if token.isascii() and token.isalnum():
        # Nearly every word; what follows costs ten times as much.
        return token.lower()[:_LONGEST_WORD]
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
    known = tables()
    tokens: list[str] = []
    for token in written:
        whole = _letters(token)
        parts = [part for part in map(_letters, token.split(".")) if part]
        pointed = ".".join(parts)
        if whole in known.titles:
            tokens.append(whole)
        elif len(parts) > 1 and pointed in known.abbreviations:
            tokens.append(pointed)
        else:
            tokens += parts
    first = 0
    while first < len(tokens) - 1 and tokens[first] in known.titles:
        first += 1
    rest = tokens[first:]
    if first and tokens[first - 1] in _PARTICLES:
        rest[0] = known.after_particle.get(rest[0], rest[0])
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
            words.extend(known.abbreviations[token].split())
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
        # Njoman, Njai: within a word, nj may as well be two letters (Anjani).
        ("^nj", "ny"),
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

    Equal word, equal sound, words that begin with it, sounds that begin with its sound (from three letters on). Take the word
    with the fewest rows, add what `joined_lookups` find, rank by `likeness.relevance`.
    """
    return tuple(_ways(word, said) for word, said in zip(query.words, query.sounds, strict=True))


def joined_lookups(query: Name) -> tuple[Lookup, ...]:
    """Neighboring words of the query as one word (`Nur Aini` finds `Nuraini`): found rows are added to the others."""
    return tuple(Lookup(f"~{said}", None) for said in _joined_sounds(query))


def _ways(word: str, said: str) -> tuple[Lookup, ...]:
    ways = [Lookup(f"={word}", None), Lookup(f"~{said}", None)]
    if len(word) >= _SHORTEST_PREFIX:
        ways.append(Lookup(f"={word}", f"={word}{_LAST}"))
    if len(said) >= _SHORTEST_PREFIX:
        ways.append(Lookup(f"~{said}", f"~{said}{_LAST}"))
    return tuple(ways)
