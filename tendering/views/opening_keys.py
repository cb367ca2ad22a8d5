"""A bidder's devices: registering the public part of a key for one lot, seeing one's own, and leaving one out.

Only public parts ever come here, and only the own organisation sees them: that it has any tells that it means to bid.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from accounts import facade as accounts
from foundation.errors import Objection
from foundation.ids import parse_id
from foundation.sealing import suite_named
from foundation.web.access import allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units
from tendering import bid_access
from tendering.bid_errors import OpeningKeyUnfit
from tendering.bid_forms import NewKeys, RetiredKey
from tendering.queries import opening_keys as queries
from tendering.views.words import client_words

bp = Blueprint("opening_keys", __name__)
BIDDER: Final = "bidder"


@bp.get("/lots/<lot_id>/bid/keys")
@allow(BIDDER)
def show_keys(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        shown = queries.keys_page(unit, parse_id(lot_id))
    return page("tendering/bids/keys.html", bench=shown.bench, keys=shown.keys, words=client_words())


@bp.post("/lots/<lot_id>/bid/keys")
@allow(BIDDER)
@refusable(show_keys)
def register_keys(lot_id: str) -> ResponseReturnValue:
    """Public parts of a signing key (of the organisation) and of a decryption key (of this lot)."""
    wanted = parse(NewKeys)
    with units().begin(current_actor()) as unit:
        lot, _ = bid_access.lot_to_bid(unit, parse_id(lot_id))
        org_id = bid_access.bidder_of(unit.actor)
        if wanted.signing:
            accounts.register_signing_key(unit, org_id, wanted.signing, wanted.label)
        sealing = wanted.sealing or wanted.public_key
        if sealing or not wanted.signing:
            _require_suite(lot.suite, sealing)
            accounts.register_decryption_key(unit, org_id, sealing, wanted.label, lot_id=lot.id)
        signing = accounts.signing_keys(unit, org_id, lot.suite)
        opening = queries.offered_keys(unit, lot.id)
    notice = ("公钥已登记", "Public key registered")
    return done(
        url_for(".show_keys", lot_id=lot_id), status=201, notice=notice, signing_keys=signing, opening_keys=opening
    )


@bp.post("/lots/<lot_id>/bid/keys/retire")
@allow(BIDDER)
def retire_key(lot_id: str) -> ResponseReturnValue:
    """A device is left out of bids sealed from now on. What is not registered for this lot is left as it is."""
    wanted = parse(RetiredKey)
    with units().begin(current_actor()) as unit:
        lot, _ = bid_access.lot_to_bid(unit, parse_id(lot_id))
        accounts.retire_opening_key(unit, lot.id, wanted.key_id)
    notice = ("这台设备不再用于新的投标版本", "This device is left out of versions sealed from now on")
    return done(url_for(".show_keys", lot_id=lot_id), notice=notice)


def _require_suite(suite: str, public_key_hex: str) -> None:
    """A point of the other curve would be refused at sealing, when the second device is no longer at hand."""
    try:
        is_fit = suite_named(suite).has_point(bytes.fromhex(public_key_hex))
    except ValueError:
        is_fit = False
    if not is_fit:
        objection = Objection("tendering.opening_key_unfit", "public_key", {"suite": suite})
        raise OpeningKeyUnfit(suite=suite, objections=[objection])
