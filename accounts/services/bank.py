"""The second way to prove a claim: the bank tells that money came from an account of that name.

A notice is idempotent by the bank's own number. It never fails the bank's delivery because of what it says: what cannot
be matched is kept with its outcome, so that the bank need not send it again.
"""

from __future__ import annotations

import hashlib
import hmac
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select

from accounts.errors import NoticeDiffers, NoticeNotSigned
from accounts.inbox import add_to_inbox
from accounts.models import BankNotice, Claim, Organisation
from accounts.rules import same_name, tail_of
from accounts.services.claims import PAGE, settle
from accounts.states import ClaimState, ClaimWay
from foundation.actor import Actor
from foundation.errors import Unavailable
from foundation.events.accounts import BankNoticeReceived
from foundation.store.unit import Unit

SHARED_KEY_FILE: Final = "bank-notices.key"
"""In the folder of secrets: 32 characters or more that centre and bank share. Blanks at the ends are cut."""
SIGNATURE_HEADER: Final = "X-Bank-Signature"
SECRET_MIN: Final = 32
UNMATCHED_STREAM: Final = "bank:unmatched"


class BankSecretMissing(Unavailable):
    """No shared secret is installed, or it is too short or open to others: no notice can be believed."""

    code = "accounts.bank_secret_missing"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the bank says. ``notice_id`` is the bank's own serial number."""

    notice_id: str
    payer_name: str
    payer_account: str
    reference: str


def bank_actor(source: str) -> Actor:
    """The bank as it stands in the journal: no person, no role of one."""
    return Actor(role="bank", roles=frozenset({"bank"}), display_name="bank", source=source)


def signature_of(secret: bytes, body: bytes) -> str:
    """Hex HMAC-SHA256 over the body exactly as sent."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def read_secret(folder: Path) -> bytes:
    """The shared secret. Raises BankSecretMissing."""
    path = folder / SHARED_KEY_FILE
    try:
        mode, text = path.stat().st_mode, path.read_bytes().strip()
    except OSError:
        raise BankSecretMissing from None
    if len(text) < SECRET_MIN or mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BankSecretMissing
    return text


def require_signature(secret: bytes, body: bytes, signature: str) -> None:
    """Raises NoticeNotSigned unless ``signature`` is right for ``body``."""
    if not hmac.compare_digest(signature_of(secret, body).encode(), signature.strip().lower().encode()):
        raise NoticeNotSigned


def receive_notice(unit: Unit, notice: Notice, body: bytes) -> str:
    """Keep the notice and do what follows from it; returns the outcome. The same notice again returns the same outcome.

    Raises NoticeDiffers where the number is known with another body.
    """
    body_hash = hashlib.sha256(body).hexdigest()
    known = unit.session.get(BankNotice, notice.notice_id)
    if known is not None:
        if known.body_hash != body_hash:
            raise NoticeDiffers(notice_id=notice.notice_id)
        return known.outcome
    reference = notice.reference.strip().upper()
    claim = unit.session.scalar(select(Claim).where(Claim.reference == reference)) if reference else None
    outcome = _outcome(unit, claim, notice)
    unit.session.add(
        BankNotice(
            notice_id=notice.notice_id,
            body_hash=body_hash,
            claim_id=claim.id if claim is not None else None,
            payer_name=notice.payer_name,
            payer_account=notice.payer_account,
            reference=reference,
            outcome=outcome,
            received_at=unit.at,
        )
    )
    unit.session.flush()
    org_id = claim.org_id if claim is not None else ""
    event = BankNoticeReceived(
        org=org_id,
        notice=notice.notice_id,
        payer_name=notice.payer_name,
        account_tail=tail_of(notice.payer_account),
        outcome=outcome,
    )
    unit.append(f"org:{org_id}" if org_id else UNMATCHED_STREAM, event)
    return outcome


def _outcome(unit: Unit, claim: Claim | None, notice: Notice) -> str:
    if claim is None:
        return "unmatched"
    if claim.state is not ClaimState.PENDING or claim.way is not ClaimWay.TRANSFER:
        return "late"
    organisation = unit.session.get(Organisation, claim.org_id)
    if organisation is None or not organisation.is_code_admitted:
        return "held"
    tell = {"payer": notice.payer_name, "name": organisation.name, "tail": tail_of(notice.payer_account)}
    if not same_name(notice.payer_name, organisation.name):
        add_to_inbox(unit, claim.org_id, "inbox.payer_differs", tell, PAGE)
        return "name_differs"
    if claim.account_number and claim.account_number != notice.payer_account.strip():
        add_to_inbox(unit, claim.org_id, "inbox.account_differs", tell, PAGE)
        return "account_differs"
    state = settle(unit, claim, evidence=f"bank notice {notice.notice_id}, account …{tell['tail']}")
    return "verified" if state is ClaimState.VERIFIED else "disputed"
