"""The object store as a folder and as a bucket of a server that speaks S3, by the same words."""

import logging
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr, ValidationError

from slrt_api.attachments.adapters.store import Store, configured
from slrt_api.kernel.errors import Unavailable
from slrt_api.settings import Settings

SECRET = "a-secret-of-the-bucket-7741"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that speaks S3, with the bucket `slrt`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="slrt",
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="slrt")
    yield url
    server.stop()


def bucket(endpoint: str, url: str = "s3://slrt/files-of/3326") -> Settings:
    return Settings(
        attachments_url=url,
        attachments_endpoint=endpoint,
        attachments_access_key="slrt",
        attachments_secret_key=SecretStr(SECRET),
    )


@pytest.fixture(params=["folder", "file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        settings = Settings(data_dir=tmp_path)
    elif request.param == "file":
        settings = Settings(attachments_url=f"file://{tmp_path}/elsewhere")
    else:
        settings = bucket(request.getfixturevalue("endpoint"))
    found = configured(settings)
    assert found is not None
    return found


class TestStore:
    async def test_what_was_put_is_there_whole_and_in_part_until_it_is_deleted(self, store: Store) -> None:
        content = bytes(range(256)) * 5_000
        await store.put("parts/one/a", content)
        await store.put("parts/one/b", b"b")
        await store.put("parts/another/c", b"c")
        assert await store.get("parts/one/a") == content
        assert await store.get("parts/one/a", 1_000, 1_010) == content[1_000:1_010]
        assert await store.names("parts/one/") == ["parts/one/a", "parts/one/b"]
        await store.put("parts/one/b", b"again")
        assert await store.get("parts/one/b") == b"again"
        await store.delete(*await store.names("parts/one/"), "parts/one/a", "files/never")
        assert await store.names("parts/one/") == []
        assert await store.names("parts/") == ["parts/another/c"]
        for name in ("parts/one/a", "files/never"):
            with pytest.raises(FileNotFoundError):
                await store.get(name)
        await store.delete("parts/another/c")


class TestAway:
    async def test_a_store_that_does_not_answer_is_told_without_its_secrets(
        self, endpoint: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for settings in (bucket("http://127.0.0.1:9"), bucket(endpoint, "s3://no-such-bucket-of-ours")):
            store = configured(settings)
            assert store is not None
            with pytest.raises(Unavailable) as refused:
                await store.put("parts/x", b"x")
            assert refused.value.code == "attachments_unavailable"
            assert SECRET not in repr(store.__dict__) + str(refused.value) + caplog.text + capsys.readouterr().out


class TestSettings:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"attachments_url": "ftp://elsewhere/files"},
            {"attachments_url": "/var/files"},
            {"attachments_url": "s3://"},
            {"attachments_url": "s3://key:secret@bucket"},
            {"attachments_url": "s3://b", "attachments_access_key": "half"},
            {"attachments_url": "s3://b", "attachments_endpoint": "http://store.example"},
            {"attachment_max_bytes": 0},
            {"attachment_link_seconds": 3_600},
        ],
    )
    def test_what_is_no_place_for_files(self, wrong: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            Settings(**wrong)  # type: ignore[arg-type]

    def test_a_secret_is_not_shown(self) -> None:
        assert SECRET not in repr(bucket("http://127.0.0.1:9"))

    def test_a_folder_is_closed_to_others(self, tmp_path: Path) -> None:
        assert configured(Settings(data_dir=tmp_path)) is not None
        assert (tmp_path / "attachments").stat().st_mode & 0o777 == 0o700
