"""Objects in S3 (or in this process's memory, for tests) through obstore.

S3 takes a name only once (``If-None-Match``) in one request or at the end of a multipart copy. So small content goes
up in one request, and a long stream is first written under a passing name and then copied to its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import obstore
from obstore import exceptions, store

from foundation.storage.errors import BadName, ObjectDiffers, ObjectMissing, StorageFailed
from foundation.storage.names import check_name, check_prefix
from foundation.storage.port import CHUNK_BYTES, Entry, Stored, check_range, digest_of

INCOMING = ".incoming"
AT_ONCE_BYTES = 8 * 1024 * 1024
"""Up to this size a stream is gathered in memory and goes up in one request."""

_LIMITS = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}

_Backend = Any  # obstore's stores share no public base class that carries their methods


def s3_backend(bucket: str, prefix: str = "", *, endpoint: str = "", region: str = "us-east-1") -> _Backend:
    """An S3 bucket, or a server that speaks S3 at ``endpoint``. Credentials come from the environment."""
    settings: dict[str, Any] = {"region": region, "copy_if_not_exists": "multipart", "retry_config": _LIMITS}
    if endpoint:
        settings["endpoint"] = endpoint
        settings["client_options"] = {"allow_http": endpoint.startswith("http:")}
    return store.S3Store(bucket, prefix=prefix or None, **settings)


def memory_backend() -> _Backend:
    return store.MemoryStore()


class RemoteStore:
    """See ``port.ObjectStore``."""

    def __init__(self, backend: _Backend) -> None:
        self._backend = backend

    def put_once(self, name: str, content: bytes) -> Stored:
        stored = Stored(check_name(name), len(content), hashlib.sha256(content).hexdigest())
        with _translated(name):
            try:
                obstore.put(self._backend, name, content, mode="create", use_multipart=False)
            except exceptions.AlreadyExistsError:
                self._compare(stored)
        return stored

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> Stored:
        check_name(name)
        gathered, rest = bytearray(), iter(chunks)
        for chunk in rest:
            gathered += chunk
            if len(gathered) > AT_ONCE_BYTES:
                break
        else:
            return self.put_once(name, bytes(gathered))
        passing = _passing_name()
        try:
            return self._put_long(name, passing, bytes(gathered), rest)
        finally:
            self._forget(passing)

    async def put_stream_async(
        self,
        name: str,
        chunks: AsyncIterable[bytes],
        *,
        sha256: Callable[[], str] | None = None,  # noqa: ARG002 - compared with what the other end has, so made here
    ) -> Stored:
        check_name(name)
        gathered, rest = bytearray(), aiter(chunks)
        async for chunk in rest:
            gathered += chunk
            if len(gathered) > AT_ONCE_BYTES:
                break
        else:
            return await self._put_once_async(name, bytes(gathered))
        passing = _passing_name()
        try:
            return await self._put_long_async(name, passing, bytes(gathered), rest)
        finally:
            await self._forget_async(passing)

    def get(self, name: str) -> bytes:
        with _translated(name):
            return bytes(obstore.get(self._backend, check_name(name)).bytes())

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        check_range(start, length)
        # S3 answers an error to a range past the end, other stores do not: ask for what there is.
        there = min(length, self.size_bytes(name) - start)
        if there <= 0:
            return b""
        with _translated(name):
            return bytes(obstore.get_range(self._backend, name, start=start, length=there))

    def open_stream(self, name: str) -> Iterator[bytes]:
        with _translated(name):
            found = obstore.get(self._backend, check_name(name))
        return _chunks_of(name, found)

    def size_bytes(self, name: str) -> int:
        with _translated(name):
            size: int = obstore.head(self._backend, check_name(name))["size"]
            return size

    def exists(self, name: str) -> bool:
        try:
            self.size_bytes(name)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[Entry]:
        with _translated(prefix):
            pages = obstore.list(self._backend, prefix=check_prefix(prefix) or None)
            found = [Entry(meta["path"], meta["size"]) for page in pages for meta in page]
        return iter(sorted((e for e in found if not e.name.startswith(f"{INCOMING}/")), key=lambda e: e.name))

    def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise BadName(name=prefix)
        names = [entry.name for entry in self.list(prefix)]
        if self.exists(prefix):
            names.append(prefix)
        with _translated(prefix):
            for name in names:
                obstore.delete(self._backend, name)
        return len(names)

    def _put_long(self, name: str, passing: str, first: bytes, rest: Iterator[bytes]) -> Stored:
        digest, size = hashlib.sha256(first), len(first)
        with _translated(name):
            writer = obstore.open_writer(self._backend, passing, buffer_size=AT_ONCE_BYTES)
            writer.write(first)
        for chunk in rest:
            digest.update(chunk)
            size += len(chunk)
            with _translated(name):
                writer.write(chunk)
        stored = Stored(name, size, digest.hexdigest())
        with _translated(name):
            writer.close()
            try:
                obstore.copy(self._backend, passing, name, overwrite=False)
            except exceptions.AlreadyExistsError:
                self._compare(stored)
        return stored

    async def _put_long_async(self, name: str, passing: str, first: bytes, rest: AsyncIterable[bytes]) -> Stored:
        digest, size = hashlib.sha256(first), len(first)
        with _translated(name):
            writer = obstore.open_writer_async(self._backend, passing, buffer_size=AT_ONCE_BYTES)
            await writer.write(first)
        async for chunk in rest:
            digest.update(chunk)
            size += len(chunk)
            with _translated(name):
                await writer.write(chunk)
        stored = Stored(name, size, digest.hexdigest())
        with _translated(name):
            await writer.close()
            try:
                await obstore.copy_async(self._backend, passing, name, overwrite=False)
            except exceptions.AlreadyExistsError:
                await self._compare_async(stored)
        return stored

    async def _put_once_async(self, name: str, content: bytes) -> Stored:
        stored = Stored(name, len(content), hashlib.sha256(content).hexdigest())
        with _translated(name):
            try:
                await obstore.put_async(self._backend, name, content, mode="create", use_multipart=False)
            except exceptions.AlreadyExistsError:
                await self._compare_async(stored)
        return stored

    def _compare(self, stored: Stored) -> None:
        if digest_of(self.open_stream(stored.name)) != (stored.size_bytes, stored.sha256):
            raise ObjectDiffers(name=stored.name)

    async def _compare_async(self, stored: Stored) -> None:
        digest, size = hashlib.sha256(), 0
        found = await obstore.get_async(self._backend, stored.name)
        async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
        if (size, digest.hexdigest()) != (stored.size_bytes, stored.sha256):
            raise ObjectDiffers(name=stored.name)

    def _forget(self, passing: str) -> None:
        # What is left here is under a passing name that nothing refers to; a lifecycle rule on it is documented.
        with contextlib.suppress(FileNotFoundError, exceptions.BaseError):
            obstore.delete(self._backend, passing)

    async def _forget_async(self, passing: str) -> None:
        with contextlib.suppress(FileNotFoundError, exceptions.BaseError):
            await obstore.delete_async(self._backend, passing)


def _passing_name() -> str:
    # Not a secret and not a draw: only a name that no other writer has.
    return f"{INCOMING}/{uuid.uuid4()}"


def _chunks_of(name: str, found: Any) -> Iterator[bytes]:
    stream = found.stream(min_chunk_size=CHUNK_BYTES)
    while True:
        with _translated(name):
            chunk = next(stream, None)
        if chunk is None:
            return
        if chunk:
            yield bytes(chunk)


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ObjectMissing(name=name) from None
    except (exceptions.BaseError, OSError) as error:
        raise StorageFailed(name=name, reason=str(error).partition("\n")[0]) from error
