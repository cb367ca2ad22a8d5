"""One tender from publication to the last refund, played by clients from outside. Every stage is a named function.

A stage may be stopped and repeated at its boundary: whatever is killed between two stages, the story goes on from what
the centre remembers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from foundation.clock import monotonic
from sandbox import cast
from sandbox.clients.bidder import BidderClient, Envelope, SealedBid
from sandbox.clients.clerk import CentreStaffClient, ClerkClient
from sandbox.clients.evaluation import ExpertClient, SupervisorClient, TendereeClient
from sandbox.clients.http import CentreClient, wait_for
from sandbox.clients.room import RoomWatch
from sandbox.errors import CentreRefused, StoryBroken
from sandbox.samples import Offer

Say = Callable[[str], object]
AT_ONCE: Final = 4


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
    approver: TendereeClient
    officer: CentreStaffClient
    supervisor: SupervisorClient
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
    ledger_ok: bool = False
    balances: dict[str, int] = field(default_factory=dict)
    """By company, fen in its account before the first payment."""
    moved: dict[str, int] = field(default_factory=dict)
    """By payer, fen that deposits had moved until then."""
    experts: list[ExpertClient] = field(default_factory=list)
    ranking: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, str]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

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
Somebody = TypeVar("Somebody")


def each(people: Iterable[Somebody], act: Callable[[Somebody], object]) -> None:
    """Several people at once; the first failure is raised."""
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="people") as pool:
        for done in [pool.submit(act, one) for one in people]:
            done.result()


def stages() -> Sequence[tuple[str, Stage]]:
    """The stages in order."""
    from sandbox import (
        story_award,
        story_money,
        story_opening,
        story_oversight,
        story_prepare,
        story_review,
        story_sealing,
    )

    return (
        ("sign_in", story_prepare.sign_in),
        ("draft", story_prepare.draft),
        ("keys", story_prepare.make_keys),
        ("publish", story_prepare.publish),
        ("clarify", story_prepare.clarify),
        ("verify", story_sealing.verify_newcomer),
        ("deposit", story_money.deposit),
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
        ("alerts", story_oversight.alerts),
        ("committee", story_review.committee),
        ("sheets", story_review.sheets),
        ("review", story_review.review),
        ("rank", story_award.rank),
        ("publicity", story_award.publicity),
        ("award", story_award.award),
        ("contract", story_award.contract),
        ("refund", story_money.refund),
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
        "ledger_ok": story.ledger_ok,
        "ranking": story.ranking,
        "refunds": story.refunds,
        "alerts": story.alerts,
    }


def begin(options: StoryOptions, home: Path, say: Say) -> Story:
    """Everybody at their own machine, not signed in yet."""
    server, certificate = options.server, options.certificate
    return Story(
        options=options,
        home=home,
        say=say,
        clerk=ClerkClient(server, certificate=certificate),
        approver=TendereeClient(server, certificate=certificate),
        officer=CentreStaffClient(server, certificate=certificate),
        supervisor=SupervisorClient(server, certificate=certificate),
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
    people = (story.clerk, story.approver, story.officer, story.supervisor, story.public, *story.experts)
    for client in (*people, *(one.client for one in story.bidders)):
        client.close()
