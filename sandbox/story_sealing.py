"""The story while bids are received: verification, sealing, replacing, withdrawing, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

from foundation.clock import machine_now
from sandbox import cast, samples
from sandbox.clients.bidder import BidderClient
from sandbox.clients.upload import CipherPart
from sandbox.story import Bidder, Story, each
from sandbox.story_money import held_of, pay_again


def files_of(bidder: Bidder) -> dict[str, bytes]:
    """The bid's parts: a price schedule and two PDFs of several pages."""
    if bidder.offer is None:
        raise LookupError(bidder.part.login)
    at = machine_now()
    return {
        "price_schedule": samples.price_schedule(bidder.offer),
        "technical": samples.technical_bid(bidder.offer, at),
        "commercial": samples.priced_bill(bidder.offer, at),
    }


def verify_newcomer(story: Story) -> None:
    """A company nobody verified may not seal; after a transfer from its own account it may."""
    company = story.officer.post("/demo/sample-company")
    newcomer = BidderClient(story.options.server, story.home / "newcomer", certificate=story.options.certificate)
    with newcomer:
        newcomer.sign_in(str(company["company"]["login"]), cast.PASSWORD)
        newcomer.register_keys("story")
        envelope = newcomer.seal(newcomer.lot(story.lot_id), {**files_of(story.bidders[0])})

        def seal_unverified() -> Any:
            newcomer.upload(story.lot_id, envelope)
            return newcomer.submit(story.lot_id, envelope)

        story.must_refuse(
            "an organisation that is not verified seals",
            seal_unverified,
            "tendering.upload_unverified",
            "tendering.seal_unverified",
        )
        newcomer.post("/account/verification", {"way": "transfer"})
        newcomer.post("/demo/bank/verification-transfer")
        newcomer.wait_for(
            "the bank's notice",
            lambda: newcomer.get("/account/verification")["claim"]["state"] == "verified",
            seconds=60,
        )


def seal_all(story: Story) -> None:
    """Every bidder seals on its own machine, uploads, and verifies its acknowledgement."""

    def bid(bidder: Bidder) -> None:
        if bidder.sealed is None:
            bidder.sealed = bidder.client.bid(story.lot_id, files_of(bidder))

    each(story.bidders, bid)
    story.say(f"    {len(story.bidders)} 份密封 · sealed")
    _refuse_bad_bids(story)


def _refuse_bad_bids(story: Story) -> None:
    """What is not encrypted as required, or is malformed, is refused with its reason and replaces nothing."""
    lot_id, bidder = story.lot_id, story.bidders[0]
    client = bidder.client
    plain = story.home / "plain.pdf"
    plain.write_bytes(files_of(bidder)["technical"])
    parts = [CipherPart(name, plain) for name in ("price_schedule", "technical", "commercial")]
    story.must_refuse(
        "files that are not encrypted",
        lambda: client.start_upload(lot_id, parts),
        "tendering.upload_part_length",
    )
    envelope = client.seal(client.lot(lot_id), files_of(bidder))
    client.upload(lot_id, envelope)
    header = bytearray(envelope.sealed.header.raw)
    header[len(header) // 2] ^= 1
    body = {
        "upload_id": envelope.upload.upload_id if envelope.upload else "",
        "header": base64.b64encode(bytes(header)).decode(),
        "manifest": envelope.sealed.manifest.raw.decode(),
        "signature": base64.b64encode(envelope.sealed.signature).decode(),
    }
    story.must_refuse(
        "a bid whose header was changed",
        lambda: client.post(f"/lots/{lot_id}/seals", body),
        "sealing.header_hash_mismatch",
        "sealing.header_malformed",
        "sealing.binding_malformed",
        "tendering.seal_refused",
    )
    # The same ciphertext, now with the header that belongs to it, is a lawful replacement.
    bidder.sealed = client.submit(lot_id, envelope)


def revise(story: Story) -> None:
    """One replaces its bid, one withdraws and seals again, one prepares a replacement that it will hand in too late."""
    replacing, leaving, slow = story.bidders[0], story.bidders[1], story.bidders[2]
    if replacing.kept.rev < 3:  # noqa: PLR2004 - sealed once, corrected once, replaced once
        replacing.sealed = replacing.client.bid(story.lot_id, files_of(replacing))
    held = held_of(story, leaving)
    leaving.client.withdraw(story.lot_id)
    pay_again(story, leaving, held)
    leaving.sealed = leaving.client.bid(story.lot_id, files_of(leaving))
    story.expect("revise", "a bid sealed again is a later revision", leaving.kept.rev > 1)
    story.late = slow.client.seal(slow.client.lot(story.lot_id), files_of(slow))
    slow.client.upload(story.lot_id, story.late)


def prove(story: Story) -> None:
    """Every bidder fetches the inclusion proof of its live bid and verifies it against the keys it pinned."""
    each(story.bidders, lambda bidder: bidder.client.prove_inclusion(story.lot_id, bidder.kept))
