"""The first way to prove a claim, with a CA generated here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from accounts import queries
from accounts.certificates import Roots, read_roots
from accounts.errors import (
    CertificateAlgorithm,
    CertificateNotTrusted,
    CertificateOfAnother,
    CertificatesNotConfigured,
    CertificateUnreadable,
    CertificateUsage,
    PossessionNotProved,
    WrongWay,
)
from accounts.facade import claim_is_verified
from accounts.rules import NONCE_LIFE
from accounts.services import claims
from accounts.states import ClaimState, ClaimWay
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.codes import synthetic_uscc
from foundation.errors import Refusal
from foundation.journal import JournalEntry
from tests.integration.support_claims import (
    NOW,
    Authority,
    Holder,
    Town,
    issue,
    make_authority,
    make_town,
    revocation_list,
)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return make_town(tmp_path)


def begin(town: Town, actor: Actor) -> bytes:
    with town.units.begin(actor) as unit:
        claims.start(unit, ClaimWay.CERTIFICATE)
        return queries.claim_card(unit).to_sign.encode()


def prove(town: Town, actor: Actor, roots: Roots, pem: bytes, signature: bytes) -> ClaimState:
    with town.units.begin(actor) as unit:
        return claims.prove_by_certificate(unit, roots, certificate=pem, signature=signature)


def test_a_certificate_with_the_key_behind_it_verifies_the_claim(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(authority)
    text = begin(town, actor)
    assert prove(town, actor, authority.roots, holder.pem, holder.sign(text)) is ClaimState.VERIFIED
    with town.units.read() as unit:
        assert claim_is_verified(unit, str(actor.org_id))
        public = [row.audience for row in unit.session.query(JournalEntry) if row.audience == "public"]
    assert len(public) == 1
    assert town.told(actor)[-1] == "accounts.organisation_verified"
    assert town.inbox(actor) == ["inbox.claim_verified_bidder"]
    assert town.claim(actor).certificate is not None


CASES: list[tuple[str, Callable[[Authority], Holder], type[Refusal]]] = [
    ("another code", lambda ca: issue(ca, uscc=synthetic_uscc(2)), CertificateOfAnother),
    ("another name", lambda ca: issue(ca, name="常州另一家有限公司"), CertificateOfAnother),
    ("for encryption", lambda ca: issue(ca, signs=False), CertificateUsage),
    ("no key usage", lambda ca: issue(ca, has_usage=False), CertificateUsage),
    ("run out", lambda ca: issue(ca, valid_for=timedelta(days=-1)), CertificateNotTrusted),
    ("another CA", lambda _: issue(make_authority()), CertificateNotTrusted),
]


@pytest.mark.parametrize(("case", "make", "refusal"), CASES, ids=[case[0] for case in CASES])
def test_a_certificate_that_does_not_fit_is_refused(
    town: Town, authority: Authority, case: str, make: Callable[[Authority], Holder], refusal: type[Refusal]
) -> None:
    actor, holder = town.organisation(), make(authority)
    text = begin(town, actor)
    with pytest.raises(refusal):
        prove(town, actor, authority.roots, holder.pem, holder.sign(text))
    assert town.claim(actor).state is ClaimState.PENDING
    good = issue(authority)
    assert prove(town, actor, authority.roots, good.pem, good.sign(text)) is ClaimState.VERIFIED


def test_a_self_signed_certificate_with_the_right_names_is_refused(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(make_authority("Own"))
    text = begin(town, actor)
    with pytest.raises(CertificateNotTrusted):
        prove(town, actor, Roots((authority.root,)), holder.pem, holder.sign(text))


def test_a_revoked_certificate_is_refused(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(authority)
    text = begin(town, actor)
    revoked = Roots((authority.root,), (revocation_list(authority, holder.certificate),))
    with pytest.raises(CertificateNotTrusted):
        prove(town, actor, revoked, holder.pem, holder.sign(text))
    other = Roots((authority.root,), (revocation_list(authority, issue(authority).certificate),))
    assert prove(town, actor, other, holder.pem, holder.sign(text)) is ClaimState.VERIFIED


def test_possession_must_be_proved_over_this_rounds_text(town: Town, authority: Authority) -> None:
    actor, holder, thief = town.organisation(), issue(authority), issue(authority)
    old = begin(town, actor)
    with pytest.raises(PossessionNotProved):
        prove(town, actor, authority.roots, holder.pem, thief.sign(old))
    fresh = begin(town, actor)
    assert fresh != old
    with pytest.raises(PossessionNotProved):
        prove(town, actor, authority.roots, holder.pem, holder.sign(old))
    assert prove(town, actor, authority.roots, holder.pem, holder.sign(fresh)) is ClaimState.VERIFIED


def test_the_text_to_sign_runs_out(town: Town, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    actor, holder = town.organisation(), issue(authority)
    text = begin(town, actor)
    monkeypatch.setattr(claims, "machine_now", lambda: machine_now() + NONCE_LIFE)
    with pytest.raises(PossessionNotProved):
        prove(town, actor, authority.roots, holder.pem, holder.sign(text))


def test_what_is_no_certificate_and_an_empty_trust_are_told_apart(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(authority)
    text = begin(town, actor)
    with pytest.raises(CertificateUnreadable):
        prove(town, actor, authority.roots, b"not a certificate", b"")
    with pytest.raises(CertificatesNotConfigured):
        prove(town, actor, Roots(()), holder.pem, holder.sign(text))


def test_a_certificate_proves_nothing_while_another_way_is_chosen(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(authority)
    text = begin(town, actor)
    with town.units.begin(actor) as unit:
        claims.start(unit, ClaimWay.TRANSFER)
    with pytest.raises(WrongWay):
        prove(town, actor, authority.roots, holder.pem, holder.sign(text))


def test_roots_are_read_from_the_folder(tmp_path: Path, authority: Authority) -> None:
    from cryptography.hazmat.primitives import serialization

    assert read_roots(tmp_path / "none").certificates == ()
    pem = authority.root.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "two.pem").write_bytes(pem + make_authority().root.public_bytes(serialization.Encoding.PEM))
    crl = revocation_list(authority, authority.issuer).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "list.crl").write_bytes(crl)
    roots = read_roots(tmp_path)
    assert len(roots.certificates) == 2
    assert len(roots.revocations) == 1


def test_a_key_of_an_unsupported_kind_is_refused_by_name(town: Town, authority: Authority) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    holder = issue(authority)
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(holder.certificate.subject)
        .issuer_name(authority.issuer.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(authority.issuer_key, hashes.SHA256())
    )
    actor = town.organisation()
    begin(town, actor)
    with pytest.raises(CertificateAlgorithm):
        prove(town, actor, authority.roots, certificate.public_bytes(serialization.Encoding.PEM), b"")
