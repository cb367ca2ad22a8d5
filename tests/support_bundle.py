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
from pathlib import Path
from typing import Any

from centre.bundles.archive import prepare
from centre.bundles.gather import Tier
from foundation.canonical import dumps
from foundation.entropy import SystemEntropy
from foundation.events.keyholding import KeysetCompleted
from foundation.events.tendering import LotPublished
from foundation.journal.models import JournalEntry
from foundation.publication.policy import log_policy
from foundation.publication.publisher import Publisher
from foundation.settings import Settings
from foundation.transparency.blinding import Placement, blinded_digest, tick_entry
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigner import running
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.merkle import consistency_proof, inclusion_proof, leaf_hash, node_hash, root_of
from foundation.transparency.notes import Note, cosign, signed_note
from foundation.verifier import Report, verify_files
from foundation.verifier.container import Member
from foundation.verifier.problems import Problem
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
    """An opening whose log has a cosigner, with the events a real publication leaves. Nothing of it has happened yet."""
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


def _publish_lot(opening: Opening) -> None:
    with opening.world.units.begin(TESTS) as unit:
        card = tendering.lot_card(unit, opening.lot.id)
        keyset = keyholding.keyset_of(unit, opening.lot.id)
        assert keyset is not None
        completed = KeysetCompleted(card.id, keyset.id, keyset.version, keyset.hash, keyset.json_text)
        unit.append(f"keyset:{keyset.id}", completed)
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
        self._files = files
        self._keys = keys
        self._cosigned = cosigned
        self.steps = [Step(value) for value in lines(files, "leaves.jsonl")]
        self.at = datetime.fromisoformat(json.loads(files["tender.json"])["deadline_at"]) + timedelta(seconds=5)

    def of(self, type_name: str) -> Step:
        return next(step for step in self.steps if step.type == type_name)

    def move(self, type_name: str, *, before: str) -> None:
        """Put an event before another one, as if it had happened earlier."""
        step = self.of(type_name)
        self.steps.remove(step)
        self.steps.insert(self.steps.index(self.of(before)), step)

    def told(self) -> Files:
        """The bundle over the new log; places named by the freeze and by draws are kept true where they can be."""
        self._renumber()
        entries = [step.entry() for step in self.steps]
        hashes = [leaf_hash(entry) for entry in entries]
        size = len(hashes)

        def read(level: int, index: int) -> bytes:
            row = hashes[index << level : (index + 1) << level]
            while len(row) > 1:
                row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
            return row[0]

        for index, step in enumerate(self.steps):
            step.value["index"] = index
            step.value["proof"] = [base64.b64encode(one).decode() for one in inclusion_proof(read, index, size)]
        notes = [self._note(count, root_of(hashes[:count])) for count in range(1, size + 1)]
        earlier = [
            {
                "size": count,
                "note": notes[count - 1],
                "consistency": [base64.b64encode(one).decode() for one in consistency_proof(read, count, count + 1)],
            }
            for count in range(1, size)
        ]
        files = with_lines(self._files, "leaves.jsonl", [step.value for step in self.steps])
        return {**with_lines(files, "log/checkpoints.jsonl", earlier), "log/checkpoint": notes[-1].encode()}

    def _note(self, size: int, root: bytes) -> str:
        text = str(Checkpoint(self._keys.log.name, size, root))
        note = Note.parse(signed_note(text, self._keys.log))
        return str(note.with_signatures([cosign(text, self._keys.cosigner, self.at)])) if self._cosigned else str(note)

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
                bids = [{**one, "leaf_index": places.get((one["bid"], one["rev"]), 0)} for one in step.event["data"]["bids"]]
                step.change(bids=bids, tree_size=self.steps.index(step))
        tender = json.loads(self._files["tender.json"])
        tender["streams"] = {stream: seqs.get(stream, 0) for stream in tender["streams"]}
        self._files = {**self._files, "tender.json": dumps(tender).encode()}


def entry_ids(opening: Opening) -> list[str]:
    with opening.world.units.read() as unit:
        return [row.id for row in unit.session.query(JournalEntry.id)]


def problem_codes(problems: Sequence[Problem]) -> list[str]:
    return [one.code for one in problems]
