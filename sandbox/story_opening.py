"""The story in the opening room, from signing in to the record."""

from __future__ import annotations

import hashlib

import pypdfium2

from foundation.draws import FrozenBid, freeze_text, replay
from foundation.sealing import WrongKey
from foundation.sealing.confirmation import confirmation_note, shown_in
from foundation.sealing.suite import sign
from sandbox.clients.bidder import socket_origin
from sandbox.clients.clerk import HostActs
from sandbox.clients.keys import BidderKeys
from sandbox.clients.room import RoomActs, RoomWatch
from sandbox.errors import CentreRefused
from sandbox.story import Bidder, Story, each

OBJECTION = "请主持人再读一次 1 号标的工期。"
REPLY = "已复读，与投标文件一致，记入开标记录。"


def check_in(story: Story) -> None:
    """The clock goes to the opening of check-in; bidders sign in, the gallery and the host take their places."""
    early = story.clerk.room(story.lot_id)
    story.must_refuse("the host starts decryption before the deadline", early.start_decryption, "bid_opening.not_now")
    story.advance("checkin_from")
    origin = story.bidders[0].client.lot(story.lot_id).room_origin
    story.gallery = RoomWatch(story.public, story.lot_id, socket_origin(origin)).start()
    story.host = RoomWatch(story.clerk, story.lot_id, socket_origin(origin)).start()
    story.gallery.wait_for_type("check_in_opened")

    def take_seat(bidder: Bidder) -> None:
        bidder.watch = RoomWatch(bidder.client, story.lot_id, socket_origin(origin)).start()
        RoomActs(bidder.client, story.lot_id).check_in()
        bidder.watch.wait_for_type("checked_in")

    each(story.bidders, take_seat)


def freeze(story: Story) -> None:
    """At the deadline receiving ends; a later bid is refused; the list is frozen, and everybody finds its own bid."""
    story.advance("bid_deadline")
    slow, late = story.bidders[2], story.late
    if late is not None:
        story.must_refuse(
            "a bid handed in after the deadline",
            lambda: slow.client.submit(story.lot_id, late),
            "tendering.seal_late",
        )
    gallery = _watch(story.gallery)
    frozen = gallery.wait_for_type("bids_frozen").data
    listed = gallery.wait_for_type("list_published").data["bidders"]
    lines = {one["bid"]: one for one in frozen["bids"]}
    for bidder in story.bidders:
        kept = bidder.kept
        line = lines.get(kept.bid, {})
        same = (line.get("rev"), line.get("envelope_hash")) == (kept.rev, kept.envelope_hash)
        story.expect("freeze", f"{bidder.part.company.zh} is frozen as it was sealed", same)
        bidder.seat = next(int(one["seat"]) for one in listed if one["bid"] == kept.bid)
    story.expect("freeze", "nobody else is frozen", len(lines) == len(story.bidders))
    story.freeze = freeze_text(
        FrozenBid(one["bid"], one["rev"], one["leaf_index"], one["envelope_hash"]) for one in frozen["bids"]
    )


def release(story: Story) -> None:
    """Each bidder opens its own wrap and releases 32 bytes; one has lost its key, and custodians open for it."""
    host = story.clerk.room(story.lot_id)
    story.clerk.wait_for("the frozen list in the log", lambda: start_once_logged(host), seconds=90)
    gallery = _watch(story.gallery)
    gallery.wait_for_type("window_opened")
    loser = story.bidders[-1]
    BidderKeys.lose_opening(loser.client.home / "keys")

    def open_own(bidder: Bidder) -> None:
        acts = RoomActs(bidder.client, story.lot_id)
        acts.seal_check(ok=True)
        try:
            secret = bidder.client.secret_of(bidder.client.own_header(story.lot_id))
        except WrongKey:
            bidder.has_lost_key = True
            return
        if bidder is story.bidders[0]:
            story.must_refuse(
                "32 bytes that are not the committed ones",
                lambda: acts.release(bytes(32)),
                "bid_opening.share_does_not_match",
            )
        acts.release(secret)

    each(story.bidders, open_own)
    story.expect("release", "one bidder has lost its key", loser.has_lost_key)
    gallery.wait_for_type("share_released", count=len(story.bidders) - 1)
    story.advance("decryption_window_end")
    escrowed = gallery.wait_for_type("escrow_opened")
    story.expect("release", "custodians opened the right seat", escrowed.data["seat"] == loser.seat)
    closed = gallery.wait_for_type("window_closed").data
    story.expect("release", "nothing is missing", not closed["missing"])


def start_once_logged(host: HostActs) -> bool:
    """Decryption starts once the frozen list is cosigned; until then the room says that it waits."""
    try:
        host.start_decryption()
    except CentreRefused as refused:
        if refused.problem == "bid_opening.still_waiting":
            return False
        raise
    return True


def open_gate(story: Story) -> None:
    """The gate holders' agents verify the closed window in the log and publish their keys."""
    released = _watch(story.gallery).wait_for_type("gate_released", seconds=180)
    story.expect("gate", "two of three holders at least", len(released.data["holders"]) >= 2)  # noqa: PLR2004


def draw(story: Story) -> None:
    """K is drawn once; everybody can replay it from the published transcript."""
    host = story.clerk.room(story.lot_id)
    host.draw()
    drawn = _watch(story.gallery).wait_for_type("coefficient_drawn").data
    ranking = replay(drawn["transcript"], drawn["pool"])
    story.expect("draw", "the replay gives the published value", ranking.drawn == (drawn["value"],))
    story.expect("draw", "the draw rests on the frozen list", ranking.transcript.freeze == story.freeze)
    story.expect("draw", "every bid contributed", len(ranking.transcript.contributions) == len(story.bidders))
    story.coefficient = str(drawn["value"])
    story.must_refuse("a second draw", host.draw, "bid_opening.already_done", "bid_opening.not_now")


def read_out(story: Story) -> None:
    """Prices are decrypted and read out line by line, and are what was sealed."""
    gallery = _watch(story.gallery)
    host = story.clerk.room(story.lot_id)
    gallery.wait_for_type("price_decrypted", count=len(story.bidders))
    story.clerk.wait_for("every price", lambda: _reading(host), seconds=60)
    gallery.wait_for_type("line_read", count=len(story.bidders))
    read = {int(frame.data["seat"]): frame.data for frame in gallery.all_of("line_read")}
    for bidder in story.bidders:
        line = read[bidder.seat]
        story.expect("read", f"{line['name']} reads as sealed", line["total"] == f"{bidder.part.price:.2f}")
        story.expect("read", "the period reads as sealed", line["duration_days"] == bidder.part.duration_days)
        story.prices[str(line["name"])] = str(line["total"])


def _reading(host: HostActs) -> bool:
    try:
        host.start_reading()
    except CentreRefused as refused:
        if refused.problem == "bid_opening.still_waiting":
            return False
        raise
    return True


def query(story: Story) -> None:
    """One bidder objects and is answered on the spot; the others have no objection."""
    gallery = _watch(story.gallery)
    host = story.clerk.room(story.lot_id)
    host.start_query()
    gallery.wait_for_type("query_opened")
    RoomActs(story.bidders[0].client, story.lot_id).object(OBJECTION)
    raised = gallery.wait_for_type("objection_raised").data
    for bidder in story.bidders[1:]:
        RoomActs(bidder.client, story.lot_id).no_objection()
    host.answer(str(raised["objection"]), REPLY)
    gallery.wait_for_type("objection_answered")


def confirm(story: Story) -> None:
    """All but one confirm their line with a signature; the silent one counts as agreeing when the time is over."""
    gallery = _watch(story.gallery)
    if not gallery.all_of("confirmation_opened"):
        story.clerk.room(story.lot_id).start_confirming()
    gallery.wait_for_type("confirmation_opened")
    shown = shown_in(story.lot["lot_code"], [{"type": one.type, "data": one.data} for one in gallery.frames])

    def sign_line(bidder: Bidder) -> None:
        text = confirmation_note(shown, bidder.kept.bid)
        RoomActs(bidder.client, story.lot_id).confirm(sign(bidder.client.keys.signing, text).hex())

    each(story.bidders[:-1], sign_line)
    gallery.wait_for_type("result_confirmed", count=len(story.bidders) - 1)
    story.advance("confirmation_end")
    closed = gallery.wait_for_type("closed").data
    story.expect("confirm", "the silent one is on record", closed["silent"] == [story.bidders[-1].seat])


def fetch_record(story: Story) -> None:
    """The record is downloaded by the public, matches its published hash, and says what was read out."""
    issued = _watch(story.gallery).wait_for_type("record_issued", seconds=180).data
    pdf = story.public.get_bytes(f"/rooms/{story.lot_id}/record.pdf")
    story.record = hashlib.sha256(pdf).hexdigest()
    story.expect("record", "the file is the recorded one", story.record == issued["sha256"])
    text = pdf_text(pdf)
    for name, total in story.prices.items():
        whole, _, fen = total.partition(".")
        story.expect("record", f"{name} stands in it", name in text and f"{int(whole):,}.{fen}" in text)
    _same_for_all(story)


def pdf_text(pdf: bytes) -> str:
    """Every page's text without white space: a name may be broken into two lines."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


def _same_for_all(story: Story) -> None:
    """Everybody saw the same public frames in the same order."""
    gallery = [(frame.seq, frame.type) for frame in _watch(story.gallery).frames if frame.audience == "public"]
    last = gallery[-1][0]
    for watch in (story.host, *(bidder.watch for bidder in story.bidders)):
        seen = _watch(watch).wait(
            "the last frame",
            lambda frames: (
                [(f.seq, f.type) for f in frames if f.audience == "public" and f.seq <= last]
                if any(f.audience == "public" and f.seq >= last for f in frames)
                else None
            ),
        )
        story.expect("record", "everybody saw the same", seen == gallery)


def check(story: Story) -> None:
    """Journal, log, rooms and deposit ledger are recomputed; the story's keys are retired."""
    found = story.officer.post("/demo/check")
    story.journal_ok = bool(found["journal_ok"] and found["rooms_ok"])
    story.log_ok, story.ledger_ok = bool(found["log_ok"]), bool(found["ledger_ok"])
    is_whole = story.journal_ok and story.log_ok and story.ledger_ok
    story.expect("check", f"nothing differs: {found['faults']}", is_whole)
    for bidder in story.bidders:
        bidder.client.retire_keys("story")


def _watch(watch: RoomWatch | None) -> RoomWatch:
    if watch is None:
        raise LookupError("nobody watches")
    return watch
