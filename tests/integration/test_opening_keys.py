"""A bidder's devices on one lot, and signing keys that come with a certificate."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from accounts import facade, queries
from accounts.certificates import Roots
from accounts.errors import (
    CertificateKeyUnfit,
    CertificateNotTrusted,
    CertificateOfAnother,
    CertificateOfAnotherKey,
    CertificatesNotConfigured,
    CertificateUsage,
    KeyTaken,
    TooManyKeys,
)
from accounts.rules import KEYS_MAX, LOT_KEYS_MAX
from accounts.services import keys
from foundation.codes import synthetic_uscc
from foundation.errors import Refusal
from foundation.sealing import generate_key, public_hex
from foundation.sealing.suite import public_bytes
from tests.integration.support_claims import Authority, Holder, Town, issue, make_authority, make_town, revocation_list

LOT, OTHER_LOT = "0198f2c0-0000-7000-8000-000000000001", "0198f2c0-0000-7000-8000-000000000002"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return make_town(tmp_path)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


def a_key() -> str:
    return public_hex(generate_key())


# --- devices ----------------------------------------------------------------------------------------------------------


def test_a_device_is_of_one_lot_and_seen_by_its_own_organisation_alone(town: Town) -> None:
    actor, other = town.organisation(), town.organisation("另一家公司", synthetic_uscc(2))
    mine, key = str(actor.org_id), a_key()
    with town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, mine, key, "笔记本", LOT)
        facade.register_decryption_key(unit, mine, key, "笔记本", LOT)  # twice is the same as once
        (card,) = facade.opening_keys(unit, mine, LOT)
        assert (card.public_key, card.label, bool(card.registered_by)) == (key, "笔记本", True)
        assert facade.opening_keys(unit, mine, OTHER_LOT) == ()
        assert facade.opening_keys(unit, str(other.org_id), LOT) == ()
    for org_id, lot_id in ((mine, OTHER_LOT), (str(other.org_id), LOT)):
        with pytest.raises(KeyTaken), town.units.begin(actor) as unit:
            facade.register_decryption_key(unit, org_id, key, "笔记本", lot_id)


def test_a_key_registered_for_no_lot_gets_its_lot_once(town: Town) -> None:
    actor = town.organisation()
    mine, key = str(actor.org_id), a_key()
    with town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, mine, key, "旧的")
        assert facade.opening_keys(unit, mine, LOT) == ()
        facade.register_decryption_key(unit, mine, key, "旧的", LOT)
        assert [card.public_key for card in facade.opening_keys(unit, mine, LOT)] == [key]
    with pytest.raises(KeyTaken), town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, mine, key, "旧的", OTHER_LOT)


def test_a_device_left_out_is_offered_no_more_and_never_comes_back(town: Town) -> None:
    actor, other = town.organisation(), town.organisation("另一家公司", synthetic_uscc(2))
    mine, key = str(actor.org_id), a_key()
    with town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, mine, key, "丢了", LOT)
        (card,) = facade.opening_keys(unit, mine, LOT)
    with town.units.begin(other) as unit:
        facade.retire_opening_key(unit, LOT, card.id)  # not its own: nothing happens
    with town.units.begin(actor) as unit:
        facade.retire_opening_key(unit, OTHER_LOT, card.id)  # not of that lot: nothing happens
        assert len(facade.opening_keys(unit, mine, LOT)) == 1
        facade.retire_opening_key(unit, LOT, card.id)
        facade.retire_opening_key(unit, LOT, card.id)
        assert facade.opening_keys(unit, mine, LOT) == ()
    assert town.told(actor).count("accounts.organisation_key_retired") == 1
    with pytest.raises(KeyTaken), town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, mine, key, "又来", LOT)


def test_a_firm_that_bids_often_does_not_run_out_of_keys(town: Town) -> None:
    actor = town.organisation()
    mine = str(actor.org_id)
    with town.units.begin(actor) as unit:
        for number in range(KEYS_MAX + 1):
            lot_id = f"0198f2c0-0000-7000-8000-{number:012d}"
            facade.register_decryption_key(unit, mine, a_key(), "电脑", lot_id)
        for _ in range(LOT_KEYS_MAX - 1):
            facade.register_decryption_key(unit, mine, a_key(), "电脑", lot_id)
    with pytest.raises(TooManyKeys) as refused, town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, mine, a_key(), "电脑", lot_id)
    assert refused.value.fields["limit"] == LOT_KEYS_MAX


# --- certificates -----------------------------------------------------------------------------------------------------


def certify(town: Town, actor: object, roots: Roots, holder: Holder, key: str = "") -> str:
    with town.units.begin(actor) as unit:  # type: ignore[arg-type]
        return keys.register_certified_key(unit, roots, certificate=holder.pem, label="U盾", public_key_hex=key)


def test_a_certificate_of_a_known_ca_brings_its_signing_key(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(authority)
    mine, key = str(actor.org_id), public_bytes(holder.key.public_key()).hex()
    certify(town, actor, authority.roots, holder, key)
    certify(town, actor, authority.roots, holder)  # the key need not be typed, and twice is the same as once
    with town.units.read(actor) as unit:
        assert facade.signing_keys(unit, mine) == (key,)
        (line,) = queries.account_page(unit).keys
        assert line.certificate is not None
        assert line.certificate["sha256"]
        assert (line.is_for_lot, line.purpose) == (False, "signing")


def test_a_key_registered_before_may_get_its_certificate_later(town: Town, authority: Authority) -> None:
    actor, holder = town.organisation(), issue(authority)
    key = public_bytes(holder.key.public_key()).hex()
    with town.units.begin(actor) as unit:
        facade.register_signing_key(unit, str(actor.org_id), key, "电脑")
    certify(town, actor, authority.roots, holder)
    with town.units.read(actor) as unit:
        (line,) = queries.account_page(unit).keys
        assert line.certificate is not None


def test_a_certificate_that_will_not_do_registers_nothing(town: Town, authority: Authority) -> None:
    actor = town.organisation()
    good = issue(authority)
    revoked = Roots((authority.root,), (revocation_list(authority, good.certificate),))
    cases: list[tuple[Roots, Holder, str, type[Refusal]]] = [
        (Roots(()), good, "", CertificatesNotConfigured),
        (make_authority("Stranger").roots, good, "", CertificateNotTrusted),
        (revoked, good, "", CertificateNotTrusted),
        (authority.roots, issue(authority, valid_for=timedelta(days=-1)), "", CertificateNotTrusted),
        (authority.roots, issue(authority, uscc=synthetic_uscc(5)), "", CertificateOfAnother),
        (authority.roots, issue(authority, signs=False), "", CertificateUsage),  # the other half of a pair
        (authority.roots, issue(authority, has_usage=False), "", CertificateUsage),
        (authority.roots, good, a_key(), CertificateOfAnotherKey),
        (authority.roots, issue(authority, curve=ec.SECP384R1()), "", CertificateKeyUnfit),
    ]
    for roots, holder, key, refusal in cases:
        with pytest.raises(refusal):
            certify(town, actor, roots, holder, key)
    with town.units.read(actor) as unit:
        assert facade.signing_keys(unit, str(actor.org_id)) == ()


def test_nobody_else_can_take_the_key_of_a_certificate(town: Town, authority: Authority) -> None:
    actor, other = town.organisation(), town.organisation("另一家公司", synthetic_uscc(2))
    holder = issue(authority)
    with pytest.raises(CertificateOfAnother):
        certify(town, other, authority.roots, holder)
    certify(town, actor, authority.roots, holder)
    key = public_bytes(holder.key.public_key()).hex()
    with pytest.raises(KeyTaken), town.units.begin(other) as unit:
        facade.register_signing_key(unit, str(other.org_id), key, "偷来的")
