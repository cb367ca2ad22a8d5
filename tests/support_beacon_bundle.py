"""Openings with an announced beacon, and openings whose freeze took too long, as bundles; and what one may change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bid_opening.services import acts, consequences
from tests.support.beacon_relay import DEADLINE, GIVEN, running_relay
from tests.support_bundle import Files, Keys, Storyteller, bundled_opening, files_of, policy_of, with_json
from tests.support_opening import Opening

Change = Callable[[Storyteller], None]


def beacon_bundle(folder: Path) -> tuple[Files, Keys, bytes]:
    """The whole opening of a lot with a beacon, its round fetched from a relay."""
    now = DEADLINE - timedelta(hours=18)
    with (
        running_relay() as relay,
        bundled_opening(folder, now=now, deadline_at=DEADLINE, beacon="quicknet") as (o, keys),
    ):
        settings = o.world.runtime.settings.model_copy(update={"beacon_urls": relay.url})
        o.world.runtime = dataclasses.replace(o.world.runtime, settings=settings)
        o.to_window_closed()
        o.to_gate()
        o.at(GIVEN + consequences.BEACON_DELAY)
        assert o.run_jobs() == []
        o.act(o.host, acts.draw)
        _to_the_end(o)
        return files_of(o), keys, policy_of(o)


def late_bundle(folder: Path, *, seconds: int) -> tuple[Files, Keys, bytes]:
    """An opening whose log and cosigner took ``seconds`` after the deadline to take the frozen list up."""
    with bundled_opening(folder) as (opening, keys):
        opening.to_check_in()
        opening.close_bids()
        opening.publish()
        opening.look()
        opening.at(opening.lot.deadline_at + timedelta(seconds=seconds))
        opening.look()
        opening.publish()
        opening.look()
        opening.act(opening.host, acts.start_decryption)
        for index in range(len(opening.bidders)):
            assert opening.release(index).is_accepted
        opening.look()
        opening.to_gate()
        opening.act(opening.host, acts.draw)
        _to_the_end(opening)
        opening.assert_story_holds()
        return files_of(opening), keys, policy_of(opening)


def _to_the_end(opening: Opening) -> None:
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    for index in range(len(opening.bidders)):
        opening.confirm(index)
    opening.look()
    assert opening.run_jobs() == []
    opening.publish()


# What a cheating operator might change ----------------------------------------------------------------------------


def unannounced(story: Storyteller) -> None:
    story.of("tendering.lot_published").change(beacon="")


def other_on_record(story: Storyteller) -> None:
    story.of("bid_opening.beacon_received").change(value="00" * 48)


def moved(story: Storyteller) -> None:
    """The deadline of everything is another one, so that the formula gives another round."""
    later = (DEADLINE + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for kind in ("tendering.lot_published", "tendering.bids_closed"):
        story.of(kind).change(deadline_at=later)
    story.change_files(lambda now: with_json(now, "tender.json", lambda value: value.update(deadline_at=later)))


def after_the_draw(story: Storyteller) -> None:
    story.move("bid_opening.beacon_received", before="bid_opening.price_decrypted")


BEACON_LIES: tuple[tuple[Change, str], ...] = (
    (unannounced, "draw.beacon"),
    (other_on_record, "draw.beacon"),
    (moved, "draw.beacon"),
    (after_the_draw, "order.wrong"),
)


def told(story: Storyteller) -> None:
    story.late_from = "bid_opening.bids_frozen"


def hushed_up(story: Storyteller) -> None:
    told(story)
    story.of("bid_opening.freeze_delayed").tell({**story.of("bid_opening.freeze_delayed").event, "type": "x.y"})


def bids_late_too(story: Storyteller) -> None:
    story.late_from = "tendering.bid_sealed"


def longer(story: Storyteller) -> None:
    hushed_up(story)
    story.of("tendering.lot_published").change(freeze_grace_seconds=120)


LATE_STORIES: tuple[tuple[Change, bool], ...] = (
    (told, False),
    (hushed_up, True),
    (bids_late_too, True),
    (longer, False),
)
"""A late freeze told otherwise, and whether V4 has to call it late."""
