"""Ciphertexts stay in their place, keys rotate, and no key shows itself."""

import base64
import copy
import json
import multiprocessing
import os
import pickle
import stat
import traceback
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from slrt_api.runtime import secretfile
from slrt_api.runtime.crypto import DecryptionFailed, Keyring, KeysRefused, aad
from slrt_api.settings import Environment, Settings

OLD, NEW, INDEX, SEALED = b"o" * 32, b"n" * 32, b"i" * 32, b"s" * 32
ROW = UUID("01890a5d-ac96-8b8c-8000-000000000001")
OTHER_ROW = UUID("01890a5d-ac96-8b8c-8000-000000000002")


def keyring(**keys: bytes) -> Keyring:
    return Keyring(keys or {"k1": OLD}, INDEX)


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def development(**values: object) -> Settings:
    return Settings.model_validate(
        {"env": Environment.DEVELOPMENT, "encryption_keys": None, "index_key": None, **values}
    )


def production_without(*missing: str) -> Settings:
    """A production configuration that got past validation, as `model_copy` does."""
    complete = {
        "env": Environment.PRODUCTION,
        "database_url": "postgresql://db/slrt",
        "encryption_keys": json.dumps({"k1": encoded(OLD)}),
        "index_key": encoded(INDEX),
        "sealed_keys": json.dumps({"s1": encoded(SEALED)}),
        "issuers": ({"issuer": "https://id.example", "discovery": True},),
    }
    return Settings.model_validate(complete).model_copy(update=dict.fromkeys(missing))


class TestCiphertext:
    def test_gives_back_what_it_was_given(self) -> None:
        ring = keyring()
        place = aad("identity", ROW, "NIK")
        assert ring.decrypt(ring.encrypt("9901014505880003", place), place) == b"9901014505880003"
        assert ring.decrypt(ring.encrypt(b"", place), place) == b""

    def test_of_another_row_or_kind_does_not_decrypt(self) -> None:
        ring = keyring()
        mine = ring.encrypt("9901014505880003", aad("identity", ROW, "NIK"))
        for elsewhere in (aad("identity", OTHER_ROW, "NIK"), aad("identity", ROW, "KK"), aad("identity", ROW), b""):
            with pytest.raises(DecryptionFailed):
                ring.decrypt(mine, elsewhere)

    def test_refuses_a_change_of_any_single_byte(self) -> None:
        ring = keyring()
        place = aad("identity", ROW, "NIK")
        blob = ring.encrypt("9901014505880003", place)
        for position in range(len(blob)):
            altered = bytearray(blob)
            altered[position] ^= 1
            with pytest.raises(DecryptionFailed):
                ring.decrypt(bytes(altered), place)

    def test_refuses_every_truncation_and_any_addition(self) -> None:
        ring = keyring()
        blob = ring.encrypt("x", b"")
        for broken in [*(blob[:length] for length in range(len(blob))), blob + b"\0"]:
            with pytest.raises(DecryptionFailed):
                ring.decrypt(broken, b"")

    def test_has_the_documented_layout(self) -> None:
        blob = keyring(k1=OLD, k22=NEW).encrypt(b"12345", b"place")
        assert blob[:5] == b"\x01\x03k22"
        assert len(blob) == 2 + 3 + 12 + 5 + 16
        assert b"12345" not in blob

    def test_of_equal_values_differ(self) -> None:
        ring = keyring()
        assert ring.encrypt("same", b"") != ring.encrypt("same", b"")

    def test_of_an_old_key_is_readable_after_a_new_one_is_added(self) -> None:
        before = keyring(k1=OLD)
        after = keyring(k1=OLD, k2=NEW)
        blob = before.encrypt("value", b"place")
        assert after.decrypt(blob, b"place") == b"value"
        assert after.encrypt("value", b"place")[2:4] == b"k2"
        with pytest.raises(DecryptionFailed):
            before.decrypt(after.encrypt("value", b"place"), b"place")

    def test_relabelled_with_the_id_of_another_key_does_not_decrypt_even_if_the_key_bytes_are_right(self) -> None:
        blob = keyring(k1=OLD).encrypt("value", b"place")
        with pytest.raises(DecryptionFailed):
            keyring(k2=OLD).decrypt(blob.replace(b"k1", b"k2", 1), b"place")


class TestPlace:
    def test_different_parts_give_different_bytes(self) -> None:
        lists: list[tuple[str | int | UUID, ...]] = [
            (), ("",), ("", ""), ("a", "bc"), ("ab", "c"), ("abc",), (1,), ("1",), (12,), (1, 2), (-1,),
            (ROW,), (str(ROW),),
        ]  # fmt: skip
        assert len({aad(*parts) for parts in lists}) == len(lists)

    @given(st.lists(st.text() | st.integers() | st.uuids()), st.lists(st.text() | st.integers() | st.uuids()))
    def test_is_unambiguous(self, one: list[str | int | UUID], other: list[str | int | UUID]) -> None:
        assert (aad(*one) == aad(*other)) is ([(type(x), x) for x in one] == [(type(x), x) for x in other])

    @pytest.mark.parametrize("part", [True, None, 1.5, b"bytes"])
    def test_refuses_parts_of_other_types(self, part: object) -> None:
        with pytest.raises(TypeError):
            aad(part)  # type: ignore[arg-type]


class TestBlindIndex:
    def test_is_equal_for_equal_values_only(self) -> None:
        ring = keyring()
        index = ring.blind_index("NIK", "9901014505880003")
        assert index == keyring(k9=NEW).blind_index("NIK", "9901014505880003")
        assert len(index) == 32
        others = [("NIK", "9901014505880004"), ("KK", "9901014505880003"), ("NIK9", "901014505880003")]
        assert index not in {ring.blind_index(kind, value) for kind, value in others}

    def test_depends_on_the_index_key(self) -> None:
        assert keyring().blind_index("NIK", "1") != Keyring({"k1": OLD}, NEW).blind_index("NIK", "1")


class TestIndexKeys:
    """Several keys of the blind index, while rows go from one to the next."""

    RING = Keyring({"k1": OLD}, INDEX, {"default": INDEX, "i2": NEW})

    def test_the_single_key_is_the_one_named_default(self) -> None:
        assert keyring().index_key_ids == ("default",)
        assert keyring().blind_index_under("default", "NIK", "1") == keyring().blind_index("NIK", "1")

    def test_the_last_one_makes_and_all_of_them_find(self) -> None:
        made = self.RING.blind_index("NIK", "1")
        assert self.RING.index_key_id == "i2"
        assert self.RING.blind_indexes("NIK", "1") == [keyring().blind_index("NIK", "1"), made]
        assert made == self.RING.blind_index_under("i2", "NIK", "1")

    def test_a_key_that_is_gone_finds_nothing(self) -> None:
        with pytest.raises(DecryptionFailed):
            self.RING.blind_index_under("i1", "NIK", "1")

    def test_digests_keep_their_root_whatever_the_index_keys_are(self) -> None:
        rotated = Keyring({"k1": OLD}, INDEX, {"i2": NEW})
        assert rotated.digest("receipt secret", b"x") == keyring().digest("receipt secret", b"x")

    @pytest.mark.parametrize("index_keys", [{}, {"i2": OLD}, {"a": NEW, "b": NEW}, {"a": b"short"}, {"a b": NEW}])
    def test_unusable_ones_are_refused(self, index_keys: dict[str, bytes]) -> None:
        with pytest.raises(KeysRefused):
            Keyring({"k1": OLD}, INDEX, index_keys)

    def test_they_come_from_the_settings_and_from_the_file_of_development(self, tmp_path: Path) -> None:
        index_keys = SecretStr(json.dumps({"default": encoded(INDEX), "i2": encoded(NEW)}))
        keys = SecretStr(json.dumps({"k1": encoded(OLD)}))
        given = development(encryption_keys=keys, index_key=encoded(INDEX), index_keys=index_keys)
        assert Keyring.from_settings(given, None).index_key_ids == ("default", "i2")
        with pytest.raises(KeysRefused):
            Keyring.from_settings(development(index_keys=index_keys), tmp_path)
        kept = {
            "encryption_keys": {"k1": encoded(OLD)},
            "index_key": encoded(INDEX),
            "index_keys": {"i2": encoded(NEW)},
        }
        (tmp_path / "keys.json").write_text(json.dumps(kept))
        assert Keyring.from_settings(development(), tmp_path).index_key_ids == ("i2",)


class TestSealed:
    """The keys of sealed reports are a ring of their own."""

    RING = Keyring({"k1": OLD}, INDEX, None, {"s1": NEW, "s2": SEALED})

    def test_neither_ring_reads_what_the_other_wrote(self) -> None:
        with pytest.raises(DecryptionFailed):
            self.RING.decrypt(self.RING.sealed.encrypt("x", b""), b"")
        with pytest.raises(DecryptionFailed):
            self.RING.sealed.decrypt(self.RING.encrypt("x", b""), b"")

    def test_the_last_one_encrypts_and_all_of_them_decrypt(self) -> None:
        before = Keyring({"k1": OLD}, INDEX, None, {"s1": NEW}).sealed.encrypt("x", b"row")
        assert (self.RING.sealed.key_id, self.RING.sealed.decrypt(before, b"row")) == ("s2", b"x")

    def test_without_any_nothing_is_sealed(self) -> None:
        assert (keyring().seals, self.RING.seals) == (False, True)
        with pytest.raises(KeysRefused):
            _ = keyring().sealed

    @pytest.mark.parametrize("sealed", [{}, {"s": OLD}, {"s": INDEX}, {"s": b"short"}, {"s 1": SEALED}])
    def test_a_key_that_others_hold_as_well_is_refused(self, sealed: dict[str, bytes]) -> None:
        with pytest.raises(KeysRefused):
            Keyring({"k1": OLD}, INDEX, None, sealed)

    def test_production_has_none_but_those_of_the_settings(self, tmp_path: Path) -> None:
        assert not Keyring.from_settings(production_without("sealed_keys"), tmp_path).seals
        assert list(tmp_path.iterdir()) == []


class TestDigest:
    def test_is_separate_for_each_purpose_and_from_the_blind_index(self) -> None:
        ring = keyring()
        values = {ring.digest("idempotency", b"x"), ring.digest("cursor", b"x"), ring.digest("idempotency", b"y")}
        assert len(values | {ring.blind_index("idempotency", "x")}) == 4
        assert ring.digest("idempotency", b"x") == ring.digest("idempotency", b"x")

    def test_outlives_the_rotation_of_encryption_keys(self) -> None:
        assert keyring(k1=OLD).digest("idempotency", b"x") == keyring(k1=OLD, k2=NEW).digest("idempotency", b"x")


class TestKeys:
    def test_equal_keys_are_refused(self) -> None:
        for encryption_keys, index_key in (
            ({"k1": OLD}, OLD),
            ({"k1": OLD, "k2": OLD}, INDEX),
            ({"a": OLD, "b": INDEX}, OLD),
        ):
            with pytest.raises(KeysRefused):
                Keyring(encryption_keys, index_key)

    @pytest.mark.parametrize(
        ("encryption_keys", "index_key"),
        [({}, INDEX), ({"k1": b"short"}, INDEX), ({"k1": OLD}, b"i" * 31), ({"": OLD}, INDEX), ({"ké": OLD}, INDEX),
         ({"k" * 33: OLD}, INDEX), ({"k1\n": OLD}, INDEX)],
    )  # fmt: skip
    def test_unusable_keys_are_refused(self, encryption_keys: dict[str, bytes], index_key: bytes) -> None:
        with pytest.raises(KeysRefused):
            Keyring(encryption_keys, index_key)

    def test_no_key_shows_in_text_copies_or_pickles(self) -> None:
        ring = keyring(k1=OLD, k2=NEW)
        for text in (repr(ring), str(ring), f"{ring!r}", repr({"ring": ring})):
            assert text.count("k1, k2") == 1
            assert "ooo" not in text
            assert "iii" not in text
        with pytest.raises(TypeError):
            pickle.dumps(ring)
        with pytest.raises(TypeError):
            copy.deepcopy(ring)


class TestFromSettings:
    def test_production_without_keys_is_refused_and_makes_no_file(self, tmp_path: Path) -> None:
        for missing in (("encryption_keys",), ("index_key",), ("encryption_keys", "index_key")):
            with pytest.raises(KeysRefused):
                Keyring.from_settings(production_without(*missing), tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_takes_the_configured_keys_in_their_order(self, tmp_path: Path) -> None:
        keys = SecretStr(json.dumps({"z": encoded(OLD), "a": encoded(NEW)}))
        sealed = SecretStr(json.dumps({"s": encoded(SEALED)}))
        given = development(encryption_keys=keys, index_key=encoded(INDEX), sealed_keys=sealed)
        ring = Keyring.from_settings(given, tmp_path)
        assert ring.encrypt("x", b"")[2:3] == b"a"
        assert ring.decrypt(Keyring({"z": OLD}, INDEX).encrypt("x", b""), b"") == b"x"
        assert list(tmp_path.iterdir()) == []

    def test_one_setting_without_the_other_is_refused(self, tmp_path: Path) -> None:
        for half in ({"index_key": encoded(INDEX)}, {"encryption_keys": json.dumps({"k1": encoded(OLD)})}):
            with pytest.raises(KeysRefused):
                Keyring.from_settings(development(**half), tmp_path)

    @pytest.mark.parametrize(
        "document",
        ["", "{", "[]", "null", '{"k1": 5}', '{"k1": "c2hvcnQ="}', '{"k1": "***hidden***"}', "[" * 5000,
         json.dumps({"k1": encoded(OLD)})[:-1] + "," + json.dumps({"k1": encoded(NEW)})[1:]],
        ids=["empty", "cut", "list", "null", "number", "short", "alphabet", "deep", "duplicate"],
    )  # fmt: skip
    def test_unreadable_settings_are_refused_without_being_quoted(self, document: str, tmp_path: Path) -> None:
        with pytest.raises(KeysRefused) as refusal:
            Keyring.from_settings(development(encryption_keys=document, index_key=encoded(INDEX)), tmp_path)
        shown = "".join(traceback.format_exception(refusal.value, chain=True))
        assert "hidden" not in shown
        assert encoded(OLD) not in shown

    def test_development_makes_its_keys_once_for_the_owner_alone(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        first = Keyring.from_settings(development(), folder)
        content = (folder / "keys.json").read_bytes()
        second = Keyring.from_settings(development(), folder)
        assert second.decrypt(first.encrypt("x", b""), b"") == b"x"
        assert second.blind_index("NIK", "1") == first.blind_index("NIK", "1")
        assert (folder / "keys.json").read_bytes() == content
        assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600
        assert second.sealed.decrypt(first.sealed.encrypt("x", b""), b"") == b"x"
        assert stat.S_IMODE((folder / "sealed-keys.json").stat().st_mode) == 0o600
        assert sorted(entry.name for entry in folder.iterdir()) == ["keys.json", "sealed-keys.json"]

    def test_two_folders_have_different_keys(self, tmp_path: Path) -> None:
        blob = Keyring.from_settings(development(), tmp_path / "a").encrypt("x", b"")
        with pytest.raises(DecryptionFailed):
            Keyring.from_settings(development(), tmp_path / "b").decrypt(blob, b"")

    def test_a_damaged_file_is_refused_and_kept(self, tmp_path: Path) -> None:
        for damaged in (b"", b"{}", b'{"encryption_keys": [], "index_key": "x"}'):
            (tmp_path / "keys.json").write_bytes(damaged)
            with pytest.raises(KeysRefused):
                Keyring.from_settings(development(), tmp_path)
            assert (tmp_path / "keys.json").read_bytes() == damaged

    def test_without_keys_and_without_a_folder_is_refused(self) -> None:
        with pytest.raises(KeysRefused):
            Keyring.from_settings(development(), None)


def _race(
    path: str, number: int, start: "multiprocessing.synchronize.Event", results: "multiprocessing.Queue[bytes]"
) -> None:
    start.wait()
    results.put(secretfile.load_or_create(Path(path), lambda: b"%d" % number * 50_000))


class TestSecretFile:
    def test_processes_that_start_together_get_one_content(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        start, results = context.Event(), context.Queue()
        path = tmp_path / "secret"
        racers = [context.Process(target=_race, args=(str(path), n, start, results)) for n in range(1, 5)]
        for racer in racers:
            racer.start()
        start.set()
        contents = {results.get(timeout=30) for _ in racers}
        for racer in racers:
            racer.join(timeout=30)
        assert contents == {path.read_bytes()}
        assert len(path.read_bytes()) == 50_000
        assert os.listdir(tmp_path) == ["secret"]

    def test_the_loser_of_a_race_takes_the_winners_content(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"

        def overtaken() -> bytes:
            path.write_bytes(b"winner")
            return b"loser"

        assert secretfile.load_or_create(path, overtaken) == b"winner"
        assert os.listdir(tmp_path) == ["secret"]

    def test_leaves_nothing_behind_when_the_content_cannot_be_made(self, tmp_path: Path) -> None:
        def broken() -> bytes:
            raise InterruptedError

        with pytest.raises(InterruptedError):
            secretfile.load_or_create(tmp_path / "secret", broken)
        assert os.listdir(tmp_path) == []
