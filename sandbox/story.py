"""One tender from publication to the record, played by clients from outside. Every stage is a named function.

A stage may be stopped and repeated at its boundary: whatever is killed between two stages, the story goes on from what
the centre remembers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundation.clock import monotonic
from sandbox import cast
from sandbox.clients.bidder import BidderClient, Envelope, SealedBid
from sandbox.clients.clerk import ApproverClient, CentreStaffClient, ClerkClient
from sandbox.clients.http import CentreClient, wait_for
from sandbox.clients.room import RoomWatch
from sandbox.errors import CentreRefused, StoryBroken
from sandbox.samples import Offer

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class StoryOptions:
    """``server``: address of a demonstration centre. ``certificate``: PEM of a self-signed one."""

    server: str
    bidders: int = 8
    certificate: Path | None = None


@dataclass(slots=True)
class Bidder:
    """One company in the story with what it keeps on its own machine."""

    part: cast.Bidder
    client: BidderClient
    offer: Offer | None = None
    sealed: SealedBid | None = None
    watch: RoomWatch | None = None
    seat: int = 0
    has_lost_key: bool = False

    @property
    def kept(self) -> SealedBid:
        """Its live bid; a story that comes here without one is broken."""
        if self.sealed is None:
            raise StoryBroken(stage="bid", what=self.part.company.zh)
        return self.sealed


@dataclass(slots=True)
class Story:
    """Everything the stages hand on to each other."""

    options: StoryOptions
    home: Path
    say: Say
    clerk: ClerkClient
    approver: ApproverClient
    officer: CentreStaffClient
    public: CentreClient
    bidders: list[Bidder]
    project_id: str = ""
    lot_id: str = ""
    lot: dict[str, Any] = field(default_factory=dict)
    late: Envelope | None = None
    gallery: RoomWatch | None = None
    host: RoomWatch | None = None
    refusals: list[dict[str, str]] = field(default_factory=list)
    freeze: str = ""
    coefficient: str = ""
    prices: dict[str, str] = field(default_factory=dict)
    record: str = ""
    journal_ok: bool = False
    log_ok: bool = False

    def must_refuse(self, tried: str, act: Callable[[], object], *codes: str) -> None:
        """``act`` must be declined for (one of) these reasons; what was tried and why it failed is kept."""
        try:
            act()
        except CentreRefused as refused:
            hit = next((code for code in codes if code in refused.codes), "")
            if not hit:
                raise StoryBroken(stage=tried, what=f"{refused.codes} instead of {codes}") from refused
            self.refusals.append({"tried": tried, "code": hit})
            self.say(f"    拒绝 · refused: {tried} → {hit}")
            return
        raise StoryBroken(stage=tried, what="was not refused")

    def advance(self, until: str) -> None:
        """Press "next moment" until the lot's moment ``until`` is reached."""
        for _ in range(20):
            moment = self._next_moment()
            self.say(f"    时钟 · clock → {moment['at']} {moment['key']} ({moment['rule_id']})")
            if moment["key"] == until:
                return
        raise StoryBroken(stage="clock", what=until)

    def _next_moment(self) -> dict[str, Any]:
        def press() -> Any:
            try:
                return self.clerk.post("/demo/clock/next", {"lot_id": self.lot_id})["moment"]
            except CentreRefused as refused:
                if refused.problem == "centre.something_runs":
                    return None
                raise

        moment: dict[str, Any] = wait_for("a calm centre", press, seconds=90, every=1.0)
        return moment

    def expect(self, stage: str, what: str, is_so: object) -> None:
        """Raises StoryBroken unless it is so."""
        if not is_so:
            raise StoryBroken(stage=stage, what=what)


Stage = Callable[[Story], None]


def stages() -> Sequence[tuple[str, Stage]]:
    """The stages in order."""
    from sandbox import story_opening, story_prepare, story_sealing

    return (
        ("sign_in", story_prepare.sign_in),
        ("draft", story_prepare.draft),
        ("keys", story_prepare.make_keys),
        ("publish", story_prepare.publish),
        ("clarify", story_prepare.clarify),
        ("verify", story_sealing.verify_newcomer),
        ("seal", story_sealing.seal_all),
        ("revise", story_sealing.revise),
        ("prove", story_sealing.prove),
        ("check_in", story_opening.check_in),
        ("freeze", story_opening.freeze),
        ("release", story_opening.release),
        ("gate", story_opening.open_gate),
        ("draw", story_opening.draw),
        ("read", story_opening.read_out),
        ("query", story_opening.query),
        ("confirm", story_opening.confirm),
        ("record", story_opening.fetch_record),
        ("check", story_opening.check),
    )


def play(options: StoryOptions, *, say: Say, before: Callable[[str], None] | None = None) -> dict[str, Any]:
    """The whole story; returns the summary. ``before`` is called with each stage's name before it begins.

    Raises StoryBroken, ProofFailed and whatever a client raises: the first thing that is off ends the story.
    """
    timed: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="centre-story-") as folder:
        story = begin(options, Path(folder), say)
        try:
            for name, stage in stages():
                if before is not None:
                    before(name)
                say(f"▸ {name}")
                started = monotonic()
                stage(story)
                timed.append({"name": name, "seconds": round(monotonic() - started, 2)})
                say(f"    {timed[-1]['seconds']:.2f} s")
        finally:
            leave(story)
    return {
        "stages": timed,
        "bids": len(story.prices),
        "refusals": story.refusals,
        "freeze": story.freeze,
        "K": story.coefficient,
        "prices": story.prices,
        "record": story.record,
        "journal_ok": story.journal_ok,
        "log_ok": story.log_ok,
    }


def begin(options: StoryOptions, home: Path, say: Say) -> Story:
    """Everybody at their own machine, not signed in yet."""
    server, certificate = options.server, options.certificate
    return Story(
        options=options,
        home=home,
        say=say,
        clerk=ClerkClient(server, certificate=certificate),
        approver=ApproverClient(server, certificate=certificate),
        officer=CentreStaffClient(server, certificate=certificate),
        public=CentreClient(server, certificate=certificate),
        bidders=[
            Bidder(part, BidderClient(server, home / part.login, certificate=certificate))
            for part in cast.BIDDERS[: options.bidders]
        ],
    )


def leave(story: Story) -> None:
    """Close every connection."""
    for watch in (story.gallery, story.host, *(bidder.watch for bidder in story.bidders)):
        if watch is not None:
            watch.stop()
    for client in (story.clerk, story.approver, story.officer, story.public, *(one.client for one in story.bidders)):
        client.close()
