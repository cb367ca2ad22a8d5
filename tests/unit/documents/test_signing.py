"""Papers signed in the centre's name: who signed, and that not one byte may change afterwards."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foundation.documents import forms
from foundation.documents.errors import SignatureFalse
from foundation.documents.reading import read_pdf
from foundation.documents.signing import DocumentSigner, check_pdf, ensure_signer, sign_pdf
from tests.unit.documents import examples

CENTRE = "武进区公共资源交易中心"


@pytest.fixture(scope="module")
def paper() -> bytes:
    return forms.render_failed_opening(examples.failed_opening(), at=datetime(2026, 11, 24, 1, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> DocumentSigner:
    return ensure_signer(tmp_path_factory.mktemp("secrets"), CENTRE)


def test_a_signed_paper_says_who_signed_and_keeps_every_byte(paper: bytes, signer: DocumentSigner) -> None:
    signed = sign_pdf(paper, signer, reason="开标记录", place=CENTRE)
    assert signed.startswith(paper)
    found = check_pdf(signed, signer.certificate)
    assert CENTRE in found.subject
    assert len(found.fingerprint) == 64
    assert read_pdf(signed).page_texts == read_pdf(paper).page_texts


def test_a_thread_with_an_event_loop_signs_too(paper: bytes, signer: DocumentSigner) -> None:
    async def inside() -> str:
        return check_pdf(sign_pdf(paper, signer, reason="开标记录", place=CENTRE), signer.certificate).subject

    assert CENTRE in asyncio.run(inside())


def test_a_changed_byte_is_found(paper: bytes, signer: DocumentSigner) -> None:
    signed = sign_pdf(paper, signer, reason="开标记录", place=CENTRE)
    place = len(paper) // 2
    changed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
    with pytest.raises(SignatureFalse) as refused:
        check_pdf(changed, signer.certificate)
    assert refused.value.fields["reason"] == "changed"


def test_what_was_never_signed_or_by_another_is_named(paper: bytes, signer: DocumentSigner, tmp_path: Path) -> None:
    with pytest.raises(SignatureFalse) as refused:
        check_pdf(paper, signer.certificate)
    assert refused.value.fields["reason"] == "form"
    other = ensure_signer(tmp_path, CENTRE)
    forged = sign_pdf(paper, other, reason="开标记录", place=CENTRE)
    with pytest.raises(SignatureFalse) as refused:
        check_pdf(forged, signer.certificate)
    assert refused.value.fields["reason"] == "certificate"


def test_processes_that_start_together_sign_with_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        signers = list(pool.map(lambda _: ensure_signer(tmp_path, CENTRE), range(8)))
    assert len({one.certificate.read_bytes() for one in signers}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["documents.certificate.pem", "documents.key.pem"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
