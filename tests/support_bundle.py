"""Bundles of a real opening, and bundles whose maker cheats: rebuilt logs, changed files, all with honest digests."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from centre.bundles.archive import prepare
from centre.bundles.gather import Tier
from foundation.canonical import dumps
from foundation.draws import FrozenBid, freeze_text, replay
from foundation.entropy import SystemEntropy
from foundation.events.keyholding import KeysetCompleted
from foundation.events.tendering import LotPublished
from foundation.publication.policy import log_policy
from foundation.publication.publisher import Publisher
from foundation.settings import Settings
from foundation.transparency.blinding import Placement, blinded_digest, tick_entry
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigner import running
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.merkle import consistency_proof, inclusion_proof, leaf_hash, node_hash, tree_root
from foundation.transparency.notes import Note, cosign, signed_note
from foundation.verifier import Report, verify_files
from foundation.verifier.container import Member
from keyholding import facade as keyholding
from tendering import facade as tendering
from tests.support.services import free_port
from tests.support.tender_world import TESTS, TenderWorld
from tests.support_opening import Opening, make_opening

Files = dict[str, bytes]
METHOD = "jiangsu-1"


class StoryClock:
    """The publisher's machine clock: goes with the story and a tick further whenever asked to."""

    def __init__(self, world: TenderWorld) -> None:
        self._world = world
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._world.clock.now() + self._ahead

    def step(self) -> None:
        self._ahead += timedelta(seconds=11)


@dataclass
class Keys:
    """The private keys of the story's log and cosigner: for tests in which their holders cheat."""

    log: SigningKey
    cosigner: SigningKey


@contextmanager
def bundled_opening(folder: Path, **kwargs: Any) -> Iterator[tuple[Opening, Keys]]:
    """An opening whose log has a cosigner, with the events of a real publication; nothing else has happened yet."""
    opening = make_opening(folder, **kwargs)
    world = opening.world
    entropy = SystemEntropy()
    key = SigningKey.generate("cosigner.test/one", Algorithm.COSIGNATURE, entropy)
    port = free_port()
    settings = Settings(
        data_dir=folder, cosigner_url=f"http://127.0.0.1:{port}", cosigner_vkey=str(key.verifier), demo=False
    )
    world.runtime = dataclasses.replace(world.runtime, settings=settings)
    opening.machine = StoryClock(world)  # type: ignore[assignment]
    opening.publisher = Publisher(world.runtime, machine=opening.machine)
    _publish_lot(opening)
    state = folder / "cosigner"
    state.mkdir()
    with running("127.0.0.1", port, state, key, [str(world.runtime.log_key.verifier)], now=world.clock.now) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield opening, Keys(world.runtime.log_key, key)
        finally:
            opening.publisher.close()
            server.shutdown()
            thread.join()
            world.engine.dispose()


def complete_keyset(world: TenderWorld, lot_id: str) -> None:
    """Tell of the lot's key set as its last holder's key does."""
    with world.units.begin(TESTS) as unit:
        keyset = keyholding.keyset_of(unit, lot_id)
        assert keyset is not None
        completed = KeysetCompleted(lot_id, keyset.id, keyset.version, keyset.hash, keyset.json_text)
        unit.append(f"keyset:{keyset.id}", completed)


def _publish_lot(opening: Opening) -> None:
    complete_keyset(opening.world, opening.lot.id)
    with opening.world.units.begin(TESTS) as unit:
        card = tendering.lot_card(unit, opening.lot.id)
        keyset = keyholding.keyset_of(unit, opening.lot.id)
        assert keyset is not None
        assert card.deadline_at is not None
        published = LotPublished(
            lot=card.id,
            tender=card.tender_code,
            lot_code=card.lot_code,
            unified_deal_code=card.unified_deal_code,
            name=card.name,
            deadline_at=card.deadline_at,
            ceiling="12860000.00",
            deposit="250000.00",
            rulebook=card.rulebook_id,
            method=card.method_id,
            escrow_rule=card.escrow_rule,
            keyset=keyset.hash,
            documents=(),
            min_bidders=3,
            min_decrypted=card.min_decrypted,
            freeze_grace_seconds=card.freeze_grace_seconds,
            beacon=card.beacon,
        )
        unit.append(f"lot:{card.id}", published)


def files_of(opening: Opening, tier: Tier = Tier.PUBLIC) -> Files:
    """The bundle as names and bytes, without the list of digests."""
    bundle = prepare(opening.world.runtime, opening.lot.id, tier)
    try:
        return {one.name: b"".join(one.read()) for one in bundle.members}
    finally:
        bundle.close()


def policy_of(opening: Opening) -> bytes:
    return log_policy(opening.world.runtime).encode()


class MemoryFiles:
    """Files in memory as the verifier reads them; the digests are made here unless they are given."""

    def __init__(self, files: Files) -> None:
        self._files = dict(files)
        if "SHA256SUMS" not in files:
            self._files["SHA256SUMS"] = sums_of(files)
        self.names = tuple(sorted(self._files))

    def member(self, name: str) -> Member:
        return Member(name, 0, len(self._files[name]))

    def blocks(self, name: str) -> Iterator[bytes]:
        content = self._files[name]
        for at in range(0, len(content), 1 << 20):
            yield content[at : at + (1 << 20)]


def sums_of(files: Files) -> bytes:
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def verified(files: Files, policy: bytes | None) -> Report:
    return verify_files(MemoryFiles(files), policy=policy)


def codes_of(report: Report) -> set[str]:
    return {one.code for check in report.checks for one in check.problems}


def statuses(report: Report) -> dict[str, str]:
    return {check.name: check.status for check in report.checks}


def findings(report: Report) -> list[str]:
    return [f"{check.name} {one}" for check in report.checks for one in check.problems]


# Lines ------------------------------------------------------------------------------------------------------------


def lines(files: Files, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[name].decode().splitlines()]


def with_lines(files: Files, name: str, values: Sequence[dict[str, Any]]) -> Files:
    return {**files, name: "".join(f"{dumps(value)}\n" for value in values).encode()}


def with_json(files: Files, name: str, change: Callable[[dict[str, Any]], Any]) -> Files:
    """One JSON file with a change made to its value."""
    value = json.loads(files[name])
    change(value)
    return {**files, name: dumps(value).encode()}


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]


# A log made anew --------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """One leaf of a story told anew: a public event, or a blinded line with what it opens to."""

    value: dict[str, Any]

    @property
    def is_public(self) -> bool:
        return "entry" in self.value

    @property
    def event(self) -> dict[str, Any]:
        text = self.value["entry"].removeprefix("etender/v1 p ") if self.is_public else self.value["record"]
        loaded: dict[str, Any] = json.loads(text)
        return loaded

    @property
    def type(self) -> str:
        return "" if "digest" in self.value else str(self.event["type"])

    def tell(self, event: dict[str, Any]) -> None:
        """Say something else."""
        if self.is_public:
            self.value["entry"] = f"etender/v1 p {dumps(event)}"
        else:
            self.value["record"] = dumps(event)

    def change(self, **data: Any) -> None:
        event = self.event
        event["data"] |= data
        self.tell(event)

    def entry(self) -> bytes:
        if self.is_public:
            return str(self.value["entry"]).encode()
        if "digest" in self.value:
            digest = bytes.fromhex(self.value["digest"])
        else:
            digest = blinded_digest(bytes.fromhex(self.value["nonce"]), self.value["record"].encode())
        placement = Placement(self.value["slot"], tuple(base64.b64decode(one) for one in self.value["slot_proof"]))
        return tick_entry(digest, placement)


class Storyteller:
    """An operator who writes the whole log anew, with its own key and, where it can, with the cosigner's.

    Leaves come one to a place, with a checkpoint after each: the fullest evidence a log can give.
    """

    def __init__(self, files: Files, keys: Keys, *, cosigned: bool = True) -> None:
        self.files = files
        self._keys = keys
        self._cosigned = cosigned
        self.steps = [Step(value) for value in lines(files, "leaves.jsonl")]
        self.at = datetime.fromisoformat(json.loads(files["tender.json"])["deadline_at"]) + timedelta(seconds=5)
        self.late_from = ""
        """From the checkpoint over this event on, cosignatures are 90 seconds after the deadline."""

    def of(self, type_name: str) -> Step:
        return next(step for step in self.steps if step.type == type_name)

    def move(self, type_name: str, *, before: str) -> None:
        """Put an event before another one, as if it had happened earlier."""
        step = self.of(type_name)
        self.steps.remove(step)
        self.steps.insert(self.steps.index(self.of(before)), step)

    def change_files(self, change: Callable[[Files], Files]) -> None:
        """Say something else outside the log."""
        self.files = change(self.files)

    def told(self, *, every: int = 1) -> Files:
        """The bundle over the new log; places named by the freeze and by draws are kept true where they can be.

        ``every``: beyond the first 200 leaves a checkpoint comes with each so many.
        """
        self._renumber()
        hashes = [leaf_hash(step.entry()) for step in self.steps]
        size = len(hashes)

        @cache
        def read(level: int, index: int) -> bytes:
            return (
                hashes[index] if level == 0 else node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
            )

        for index, step in enumerate(self.steps):
            step.value["index"] = index
            step.value["proof"] = _base64(inclusion_proof(read, index, size))
        sizes = [count for count in range(1, size + 1) if count <= 200 or count % every == 0 or count == size]
        earlier = [
            {
                "size": count,
                "note": self._note(count, tree_root(read, count)),
                "consistency": _base64(consistency_proof(read, count, following)),
            }
            for count, following in pairwise(sizes)
        ]
        files = with_lines(self.files, "leaves.jsonl", [step.value for step in self.steps])
        newest = self._note(size, tree_root(read, size)).encode()
        return {**with_lines(files, "log/checkpoints.jsonl", earlier), "log/checkpoint": newest}

    def _note(self, size: int, root: bytes) -> str:
        text = str(Checkpoint(self._keys.log.name, size, root))
        note = Note.parse(signed_note(text, self._keys.log))
        is_late = self.late_from and size > self.steps.index(self.of(self.late_from))
        at = self.at + timedelta(seconds=85) if is_late else self.at
        return str(note.with_signatures([cosign(text, self._keys.cosigner, at)])) if self._cosigned else str(note)

    def _renumber(self) -> None:
        """Make streams dense again, and the freeze name the places its bids now have."""
        seqs: dict[str, int] = {}
        places: dict[tuple[str, int], int] = {}
        for index, step in enumerate(self.steps):
            if "digest" in step.value:
                stream = step.value["stream"]
                step.value["seq"] = seqs[stream] = seqs.get(stream, 0) + 1
                continue
            event = step.event
            if step.is_public:
                event["seq"] = seqs[event["stream"]] = seqs.get(event["stream"], 0) + 1
                step.tell(event)
            elif step.type == "tendering.bid_sealed":
                places[event["data"]["bid"], event["data"]["rev"]] = index
        for step in self.steps:
            if step.type == "bid_opening.bids_frozen":
                frozen = step.event["data"]["bids"]
                bids = [{**one, "leaf_index": places.get((one["bid"], one["rev"]), 0)} for one in frozen]
                step.change(bids=bids, tree_size=self.steps.index(step))
        self._redraw()
        tender = json.loads(self.files["tender.json"])
        tender["streams"] = {stream: seqs.get(stream, 0) for stream in tender["streams"]}
        self.files = {**self.files, "tender.json": dumps(tender).encode()}

    def _redraw(self) -> None:
        """Coefficients follow from the frozen list, whose places are others now."""
        frozen = [step for step in self.steps if step.type == "bid_opening.bids_frozen"]
        if not frozen:
            return
        listed = [FrozenBid(**one) for one in frozen[0].event["data"]["bids"]]
        for step in self.steps:
            if step.type != "bid_opening.coefficient_drawn":
                continue
            data = step.event["data"]
            rows = data["transcript"].split("\n")
            wanted = f"freeze {freeze_text(listed)}"
            if wanted in rows:
                continue
            text = "\n".join(wanted if row.startswith("freeze ") else row for row in rows)
            ranking = replay(text, data["pool"])
            step.change(transcript=text, seed=ranking.transcript.seed, value=ranking.drawn[0])
            self.files = {**self.files, f"draws/{data['name']}.txt": text.encode()}
