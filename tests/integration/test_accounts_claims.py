"""Two officers, bank notices, second claims, disputes, keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select

from accounts import facade, queries
from accounts.errors import (
    DocumentsMissing,
    FileRefused,
    KeyMalformed,
    KeyTaken,
    NoticeDiffers,
    NoticeNotSigned,
    OwnClaim,
    OwnRoles,
    RolesConflict,
    SameOfficer,
    TooManyDocuments,
    UsccNotReviewed,
    WrongWay,
)
from accounts.models import BankNotice, Claim
from accounts.rules import DOCUMENT_MAX_BYTES, DOCUMENTS_MAX
from accounts.services import bank, claims, keys, people
from accounts.services.bank import Notice
from accounts.states import ClaimState, ClaimWay
from foundation.actor import Actor, system
from foundation.codes import synthetic_uscc
from foundation.errors import NotFound
from foundation.ids import parse_id
from foundation.journal import JournalEntry, verify_stream
from foundation.machine import WrongState
from foundation.storage import open_store
from tests.integration.support_claims import NAME, USCC, Town, make_town

PDF = b"%PDF-1.7\n" + b"x" * 100


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return make_town(tmp_path)


def file_pdf(town: Town, actor: Actor, content: bytes = PDF) -> str:
    store = open_store("memory://")
    with town.units.read() as unit:
        document_id = parse_id(unit.new_id())
    upload = claims.Upload("营业执照", content)
    name, sha256, kind = claims.store_document(store, str(actor.org_id), document_id, upload)
    assert store.get(name) == content
    with town.units.begin(actor) as unit:
        claims.file_document(unit, document_id, upload, object_name=name, sha256=sha256, kind=kind)
    return document_id


def start(town: Town, actor: Actor, way: ClaimWay, account: str = "") -> Claim:
    with town.units.begin(actor) as unit:
        return claims.start(unit, way, account_number=account)


def approve(town: Town, officer: Actor, claim: Claim) -> ClaimState:
    with town.units.begin(officer) as unit:
        return claims.approve(unit, claim.id, "看过营业执照原件")


def notice(town: Town, reference: str, payer: str = NAME, account: str = "320500001234567", number: str = "N1") -> str:
    said = Notice(number, payer, account, reference)
    body = json.dumps([said.notice_id, said.payer_name, said.payer_account, said.reference]).encode()
    with town.units.begin(bank.bank_actor("10.1.1.1")) as unit:
        return bank.receive_notice(unit, said, body)


# --- two officers ------------------------------------------------------------


def test_two_different_officers_verify_a_claim(town: Town) -> None:
    actor, (first, second) = town.organisation(), town.officers()
    claim = start(town, actor, ClaimWay.DOCUMENTS)
    with pytest.raises(DocumentsMissing):
        approve(town, first, claim)
    file_pdf(town, actor)
    assert approve(town, first, claim) is ClaimState.PENDING
    with pytest.raises(SameOfficer):
        approve(town, first, claim)
    assert town.claim(actor).state is ClaimState.PENDING
    assert approve(town, second, claim) is ClaimState.VERIFIED


def test_an_officer_does_not_decide_on_its_own_organisation(town: Town) -> None:
    first, second = town.officers()
    with town.units.begin(first) as unit:
        claim = claims.start(unit, ClaimWay.DOCUMENTS)
    file_pdf(town, first)
    with pytest.raises(OwnClaim):
        approve(town, second, claim)


def test_only_centre_staff_sees_a_claim_to_decide(town: Town) -> None:
    actor, (first, _) = town.organisation(), town.officers()
    claim = start(town, actor, ClaimWay.DOCUMENTS)
    file_pdf(town, actor)
    with pytest.raises(NotFound):
        approve(town, actor, claim)
    assert approve(town, first, claim) is ClaimState.PENDING


def test_a_refusal_is_told_with_its_reason_and_a_new_round_forgets_the_old_agreement(town: Town) -> None:
    actor, (first, second) = town.organisation(), town.officers()
    claim = start(town, actor, ClaimWay.DOCUMENTS)
    file_pdf(town, actor)
    approve(town, first, claim)
    with town.units.begin(second) as unit:
        claims.reject(unit, claim.id, "照片看不清")
    assert town.claim(actor).state is ClaimState.REJECTED
    assert town.claim(actor).reason == "照片看不清"
    assert "inbox.claim_rejected" in town.inbox(actor)
    again = start(town, actor, ClaimWay.DOCUMENTS)
    with pytest.raises(DocumentsMissing):
        approve(town, second, again)
    file_pdf(town, actor)
    assert approve(town, second, again) is ClaimState.PENDING
    assert approve(town, first, again) is ClaimState.VERIFIED


@pytest.mark.parametrize("content", [b"", b"<html>", b"MZ\x90", b"%PDF-1.7" + b"x" * DOCUMENT_MAX_BYTES])
def test_a_file_of_another_kind_or_size_is_refused(town: Town, content: bytes) -> None:
    actor = town.organisation()
    start(town, actor, ClaimWay.DOCUMENTS)
    with pytest.raises(FileRefused):
        file_pdf(town, actor, content)
    assert file_pdf(town, actor)


def test_documents_are_counted_and_belong_to_their_way(town: Town) -> None:
    actor = town.organisation()
    start(town, actor, ClaimWay.TRANSFER)
    with pytest.raises(WrongWay):
        file_pdf(town, actor)
    start(town, actor, ClaimWay.DOCUMENTS)
    for _ in range(DOCUMENTS_MAX):
        file_pdf(town, actor)
    with pytest.raises(TooManyDocuments):
        file_pdf(town, actor)


# --- transfers ---------------------------------------------------------------


def test_a_transfer_from_an_account_of_that_name_verifies(town: Town) -> None:
    actor = town.organisation()
    claim = start(town, actor, ClaimWay.TRANSFER)
    assert notice(town, f" {str(claim.reference).lower()} ", payer="常州澄岳建设有限公司 ") == "verified"
    assert town.claim(actor).state is ClaimState.VERIFIED


def test_a_notice_sent_again_changes_nothing(town: Town) -> None:
    actor = town.organisation()
    claim = start(town, actor, ClaimWay.TRANSFER)
    outcomes = [notice(town, str(claim.reference)) for _ in range(3)]
    assert outcomes == ["verified"] * 3
    assert town.told(actor).count("accounts.bank_notice_received") == 1
    assert town.told(actor).count("accounts.organisation_verified") == 1
    with town.units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(BankNotice)) == 1
    with pytest.raises(NoticeDiffers):
        notice(town, str(claim.reference), payer="另一家公司")


@pytest.mark.parametrize(
    ("payer", "account", "outcome"),
    [
        ("常州另一家有限公司", "320500001234567", "name_differs"),
        (NAME, "999900001234567", "account_differs"),
        (NAME, "320500001234567", "verified"),
    ],
)
def test_name_and_account_of_the_payer_must_be_those_registered(
    town: Town, payer: str, account: str, outcome: str
) -> None:
    actor = town.organisation()
    claim = start(town, actor, ClaimWay.TRANSFER, account="320500001234567")
    assert notice(town, str(claim.reference), payer=payer, account=account) == outcome
    assert (town.claim(actor).state is ClaimState.VERIFIED) == (outcome == "verified")


def test_a_notice_with_an_unknown_or_an_old_reference_is_kept_and_changes_nothing(town: Town) -> None:
    actor = town.organisation()
    old = str(start(town, actor, ClaimWay.TRANSFER).reference)
    fresh = str(start(town, actor, ClaimWay.TRANSFER).reference)
    assert notice(town, old, number="N1") == "unmatched"
    assert notice(town, "", number="N2") == "unmatched"
    assert town.claim(actor).state is ClaimState.PENDING
    assert notice(town, fresh, number="N3") == "verified"


def test_the_bank_must_sign_the_body_as_sent(tmp_path: Path) -> None:
    path = tmp_path / bank.SHARED_KEY_FILE
    path.write_text("k" * 40 + "\n")
    path.chmod(0o600)
    secret, body = bank.read_secret(tmp_path), b'{"notice_id": "N1"}'
    bank.require_signature(secret, body, bank.signature_of(secret, body))
    for wrong in ("", "00", bank.signature_of(secret, body + b" "), bank.signature_of(b"x" * 40, body), "零"):
        with pytest.raises(NoticeNotSigned):
            bank.require_signature(secret, body, wrong)


@pytest.mark.parametrize(("text", "mode"), [("short", 0o600), ("k" * 40, 0o644), ("k" * 40, 0o660)])
def test_a_secret_too_short_or_open_to_others_is_no_secret(tmp_path: Path, text: str, mode: int) -> None:
    path = tmp_path / bank.SHARED_KEY_FILE
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(bank.BankSecretMissing):
        bank.read_secret(tmp_path)
    with pytest.raises(bank.BankSecretMissing):
        bank.read_secret(tmp_path / "nowhere")


# --- the same code twice -----------------------------------------------------


def verified(town: Town, name: str = NAME) -> Actor:
    actor = town.organisation(name)
    with town.units.begin(system("seed")) as unit:
        facade.vouch_for(unit, str(actor.org_id), "imported register")
    return actor


def test_a_second_claim_alarms_the_first_and_the_code_stays_with_it(town: Town) -> None:
    first = verified(town)
    second = town.organisation("冒名公司")
    assert town.told(first)[-1] == "accounts.claim_alarmed"
    assert "inbox.second_claim" in town.inbox(first)
    with town.units.read() as unit:
        card = facade.organisation_by_uscc(unit, USCC)
        assert card is not None
        assert card.id == first.org_id
        assert not facade.claim_is_verified(unit, str(second.org_id))


def test_a_claim_to_another_code_alarms_nobody(town: Town) -> None:
    first = verified(town)
    town.organisation("另一家公司", synthetic_uscc(2))
    assert "accounts.claim_alarmed" not in town.told(first)


def test_proof_for_a_code_that_is_held_makes_a_dispute_and_takes_nothing(town: Town) -> None:
    first = verified(town)
    second = town.organisation("冒名公司")
    claim = start(town, second, ClaimWay.TRANSFER)
    assert notice(town, str(claim.reference), payer="冒名公司") == "disputed"
    assert town.claim(second).state is ClaimState.DISPUTED
    assert town.claim(first).state is ClaimState.VERIFIED
    assert "inbox.claim_contested" in town.inbox(first)


def test_two_officers_decide_a_dispute_for_the_challenger(town: Town) -> None:
    first, officers = verified(town, "冒名公司"), town.officers()
    second = town.organisation(NAME)
    claim = start(town, second, ClaimWay.TRANSFER)
    notice(town, str(claim.reference))
    assert approve(town, officers[0], claim) is ClaimState.DISPUTED
    assert town.claim(first).state is ClaimState.VERIFIED
    assert approve(town, officers[1], claim) is ClaimState.VERIFIED
    assert town.claim(first).state is ClaimState.REJECTED
    assert "inbox.claim_revoked" in town.inbox(first)


def test_an_officer_decides_a_dispute_for_the_holder(town: Town) -> None:
    first, officers = verified(town), town.officers()
    second = town.organisation("冒名公司")
    claim = start(town, second, ClaimWay.TRANSFER)
    notice(town, str(claim.reference), payer="冒名公司")
    with town.units.begin(officers[0]) as unit:
        claims.reject(unit, claim.id, "持有人材料属实")
    assert town.claim(second).state is ClaimState.REJECTED
    assert town.claim(first).state is ClaimState.VERIFIED


def test_agreement_to_papers_is_not_the_decision_of_a_dispute(town: Town) -> None:
    first, officers = verified(town, "冒名公司"), town.officers()
    second = town.organisation(NAME)
    claim = start(town, second, ClaimWay.DOCUMENTS)
    file_pdf(town, second)
    approve(town, officers[0], claim)
    assert approve(town, officers[1], claim) is ClaimState.DISPUTED
    assert town.claim(first).state is ClaimState.VERIFIED
    approve(town, officers[0], claim)
    assert approve(town, officers[1], claim) is ClaimState.VERIFIED
    assert town.claim(first).state is ClaimState.REJECTED


def test_a_verified_claim_is_not_started_again(town: Town) -> None:
    actor = verified(town)
    with pytest.raises(WrongState):
        start(town, actor, ClaimWay.TRANSFER)


def test_only_a_process_of_the_centre_vouches(town: Town) -> None:
    actor, (officer, _) = town.organisation(), town.officers()
    with pytest.raises(OwnClaim), town.units.begin(officer) as unit:
        facade.vouch_for(unit, str(actor.org_id), "friend")
    with town.units.begin(system("seed")) as unit:
        facade.vouch_for(unit, str(actor.org_id), "register")
        facade.vouch_for(unit, str(actor.org_id), "register")
    assert town.told(actor).count("accounts.organisation_verified") == 1


def test_a_code_admitted_on_evidence_needs_a_look_before_the_quick_ways(town: Town) -> None:
    actor = town.organisation("特别公司", "91350203M0001QAY9B", "公示系统可查")
    officer, _ = town.officers()
    with pytest.raises(UsccNotReviewed):
        start(town, actor, ClaimWay.TRANSFER)
    with town.units.begin(officer) as unit:
        claims.review_override(unit, str(actor.org_id), is_accepted=False, note="查不到")
    with pytest.raises(UsccNotReviewed):
        start(town, actor, ClaimWay.TRANSFER)
    with town.units.begin(officer) as unit:
        claims.review_override(unit, str(actor.org_id), is_accepted=True, note="已查到")
    assert start(town, actor, ClaimWay.TRANSFER).state is ClaimState.PENDING


def test_the_journal_of_a_claim_is_whole_and_only_the_verification_is_public(town: Town) -> None:
    actor, officers = town.organisation(), town.officers()
    claim = start(town, actor, ClaimWay.DOCUMENTS)
    file_pdf(town, actor)
    for officer in officers:
        approve(town, officer, claim)
    with town.units.read() as unit:
        assert verify_stream(unit.session, f"org:{actor.org_id}") == len(town.told(actor))
        public = unit.session.scalars(select(JournalEntry.type).where(JournalEntry.audience == "public")).all()
    assert public == ["accounts.organisation_verified"]


# --- keys and roles ----------------------------------------------------------


def a_key() -> str:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


def test_a_key_serves_one_organisation_and_one_purpose_for_ever(town: Town) -> None:
    actor, other = town.organisation(), town.organisation("另一家公司", synthetic_uscc(2))
    mine, key = str(actor.org_id), a_key()
    with town.units.begin(actor) as unit:
        facade.register_signing_key(unit, mine, key.upper(), "电脑")
        facade.register_signing_key(unit, mine, key, "电脑")
        assert facade.signing_keys(unit, mine) == (key,)
        assert facade.decryption_keys(unit, mine) == ()
    for org_id, register in (
        (str(other.org_id), facade.register_signing_key),
        (mine, facade.register_decryption_key),
    ):
        with pytest.raises(KeyTaken), town.units.begin(actor) as unit:
            register(unit, org_id, key, "偷来的")
    with town.units.begin(actor) as unit:
        key_id = queries.account_page(unit).keys[0].id
        keys.retire_key(unit, key_id)
        assert facade.signing_keys(unit, mine) == ()
    with pytest.raises(KeyTaken), town.units.begin(actor) as unit:
        facade.register_signing_key(unit, mine, key, "又来")
    with pytest.raises(NotFound), town.units.begin(other) as unit:
        keys.retire_key(unit, key_id)


@pytest.mark.parametrize("text", ["", "04", "zz" * 65, "04" + "00" * 64, "02" + "11" * 32])
def test_what_is_no_point_of_the_curve_is_no_key(town: Town, text: str) -> None:
    actor = town.organisation()
    with pytest.raises(KeyMalformed), town.units.begin(actor) as unit:
        facade.register_signing_key(unit, str(actor.org_id), text, "坏的")
    with town.units.begin(actor) as unit:
        facade.register_decryption_key(unit, str(actor.org_id), a_key(), "好的")


def test_roles_are_given_by_another_and_must_go_together(town: Town) -> None:
    actor = town.organisation()
    boss = town.person(str(town.organisation("行政审批局", synthetic_uscc(3)).org_id), "administrator")
    with town.units.begin(boss) as unit:
        people.assign_roles(unit, str(actor.user_id), ["supervisor", "gate_holder"], reason="住建局来函")
        assert facade.person(unit, str(actor.user_id)).roles == {"supervisor", "gate_holder"}
        assert [card.id for card in facade.organisations_in_role(unit, "supervisor")] == [actor.org_id]
    with pytest.raises(RolesConflict), town.units.begin(boss) as unit:
        people.assign_roles(unit, str(actor.user_id), ["supervisor", "bidder"])
    with pytest.raises(OwnRoles), town.units.begin(boss) as unit:
        people.assign_roles(unit, str(boss.user_id), ["administrator", "witness"])
    with town.units.read() as unit:
        reasons = unit.session.scalars(select(JournalEntry.reason).where(JournalEntry.type == "accounts.roles_changed"))
        assert list(reasons) == ["住建局来函"]
