"""The contract of stores against a server that speaks S3."""

from __future__ import annotations

import pytest

from foundation.storage import ObjectStore, StorageFailed, open_store
from foundation.storage.remote import RemoteStore, s3_backend
from tests.support import services
from tests.unit.storage.contract import StoreContract


class TestS3Store(StoreContract):
    @pytest.fixture
    def objects(self, s3_url: str) -> ObjectStore:
        return open_store(s3_url)


def test_two_prefixes_of_a_bucket_do_not_see_each_other(s3_url: str) -> None:
    address, _, options = s3_url.partition("?")
    one, two = open_store(f"{address}/one?{options}"), open_store(f"{address}/two?{options}")
    one.put_once("a", b"1")
    two.put_once("a", b"2")
    assert (one.get("a"), two.get("a")) == (b"1", b"2")
    assert one.delete_prefix("a") == 1
    assert two.exists("a")


def test_a_server_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    gone = RemoteStore(s3_backend("centre-tests", endpoint=f"http://127.0.0.1:{services.free_port()}"))
    with pytest.raises(StorageFailed):
        gone.put_once("a", b"x")
