"""Bundles by an operator who cheats: it holds the log's key and, where said, the cosigner's too."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from foundation.canonical import dumps
from foundation.draws import build, rank
from foundation.entropy import SystemEntropy
from foundation.sealing.text import h
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.merkle import leaf_hash, root_of
from foundation.transparency.notes import Note, SignatureLine, cosign, signed_note
from tests.support_bundle import Files, Keys, Step, Storyteller, lines, with_json, with_lines

POOL = tuple(sorted(h("expert", str(number)) for number in range(12)))
CONTRIBUTORS = ("centre", "supervisor", "tenderee")


@dataclass(frozen=True)
class Attack:
    """What was made, the policy its reader trusts, the check that must name it, and the code it must give."""

    name: str
    files: Files
    policy: bytes
    check: str
    code: str


def honest(files: Files, keys: Keys) -> Files:
    """The same story in a log made anew: what the attacks differ from."""
    return Storyteller(files, keys).told()


def retold(files: Files, keys: Keys, change: Callable[[Storyteller], None]) -> Files:
    story = Storyteller(files, keys)
    story.told()
    change(story)
    return story.told()


def attacks(files: Files, keys: Keys, policy: bytes) -> Iterator[Attack]:
    """Every attack on a bundle of the public tier."""
    for name, check, code, change in _STORIES:
        yield Attack(name, retold(files, keys, change), policy, check, code)
    yield from _logs(files, keys, policy)
    yield from _draws(files, keys, policy)


# Another story in a log that is well signed -----------------------------------------------------------------------


def _insert_late(story: Storyteller) -> None:
    story.move("bid_opening.bids_frozen", before="tendering.bid_sealed")


def _drop_bid(story: Storyteller) -> None:
    frozen, listed = story.of("bid_opening.bids_frozen"), story.of("bid_opening.list_published")
    frozen.change(bids=frozen.event["data"]["bids"][:-1])
    listed.change(bidders=listed.event["data"]["bidders"][:-1])
    story.change_files(lambda files: with_json(files, "tender.json", lambda value: value["bids"].pop()))


def _keys_before_freeze(story: Storyteller) -> None:
    story.move("keyholding.gate_key_released", before="bid_opening.bids_frozen")


def _price_before_draw(story: Storyteller) -> None:
    story.move("bid_opening.price_decrypted", before="bid_opening.coefficient_drawn")


def _keys_before_window_closed(story: Storyteller) -> None:
    story.move("keyholding.gate_key_released", before="bid_opening.window_closed")


def _received_after_deadline(story: Storyteller) -> None:
    deadline = story.of("tendering.lot_published").event["data"]["deadline_at"]
    story.of("tendering.bid_sealed").change(received_at=deadline)


def _other_deadline(story: Storyteller) -> None:
    story.of("tendering.bids_closed").change(deadline_at="2026-11-24T02:30:00Z")


def _other_price(story: Storyteller) -> None:
    story.of("bid_opening.price_decrypted").change(total="1.00")
    seat = story.of("bid_opening.price_decrypted").event["data"]["seat"]
    next(s for s in story.steps if s.type == "bid_opening.line_read" and s.event["data"]["seat"] == seat).change(
        total="1.00"
    )
    rows = lines(story.files, "opening.jsonl")
    next(row for row in rows if row["seat"] == seat)["total"] = "1.00"
    story.change_files(lambda files: with_lines(files, "opening.jsonl", rows))


def _other_result(story: Storyteller) -> None:
    drawn = story.of("bid_opening.coefficient_drawn").event["data"]
    story.of("bid_opening.coefficient_drawn").change(value=next(one for one in drawn["pool"] if one != drawn["value"]))


def _drawn_twice(story: Storyteller) -> None:
    step = story.of("bid_opening.coefficient_drawn")
    event = {**step.event, "entry": "0" * 64}
    story.steps.insert(story.steps.index(step) + 1, Step({"entry": f"etender/v1 p {dumps(event)}"}))


def _better_entropy(story: Storyteller) -> None:
    """A draw over a contribution that no bid committed to, with transcript, seed and value that fit each other."""
    step = story.of("bid_opening.coefficient_drawn")
    rows = step.event["data"]["transcript"].split("\n")
    rows[-2] = rows[-2][:-64] + "0" * 64
    text, pool = "\n".join(rows), step.event["data"]["pool"]
    from foundation.draws import replay

    ranking = replay(text, pool)
    step.change(transcript=text, seed=ranking.transcript.seed, value=ranking.drawn[0])
    story.change_files(lambda files: {**files, "draws/K.txt": text.encode()})


def _stranger_opens_gate(story: Storyteller) -> None:
    """A gate key that is in no key set, logged and bundled alike."""
    step = story.of("keyholding.gate_key_released")
    story.change_files(lambda files: {**files, f"gate/{step.event['data']['index']}.key": b"1".zfill(64) + b"\n"})
    step.change(private_key="1".zfill(64))


def _other_keyset(story: Storyteller) -> None:
    story.of("keyholding.keyset_completed").change(hash="0" * 64)


def _released_nothing(story: Storyteller) -> None:
    closed = story.of("bid_opening.window_closed")
    data = closed.event["data"]
    closed.change(released=data["released"][1:], missing=data["released"][:1])


def _fault_invented(story: Storyteller) -> None:
    step = story.of("bid_opening.gate_released")
    bid = story.of("bid_opening.bids_frozen").event["data"]["bids"][0]["bid"]
    data = {
        "lot": step.event["data"]["lot"],
        "seat": 1,
        "bid": bid,
        "role": "gate/0",
        "culprit": "bidder",
        "reason": "wrap",
    }
    event = {**step.event, "type": "bid_opening.gate_fault_found", "data": data}
    story.steps.insert(story.steps.index(step), Step({"entry": f"etender/v1 p {dumps(event)}"}))


def _fewer_than_the_law_asks_for(story: Storyteller) -> None:
    story.of("tendering.lot_published").change(min_bidders=9)


def _minimum_lowered(story: Storyteller) -> None:
    """The window is closed under a lower minimum than was published, so that agents give up their keys."""
    story.of("bid_opening.window_closed").change(minimum=1)


def _failed_but_opened(story: Storyteller) -> None:
    """A lot that needs more bids than were released is opened all the same, and says so itself."""
    story.of("tendering.lot_published").change(min_decrypted=9)
    story.of("bid_opening.window_closed").change(minimum=9)


def _announced_beacon_left_out(story: Storyteller) -> None:
    story.of("tendering.lot_published").change(beacon="quicknet")


def _grace_without_end(story: Storyteller) -> None:
    story.of("tendering.lot_published").change(freeze_grace_seconds=86_400)


_STORIES: tuple[tuple[str, str, str, Callable[[Storyteller], None]], ...] = (
    ("a bid put in after the list was frozen", "V4", "freeze.late_bid", _insert_late),
    ("a live bid left out of the list", "V5", "freeze.dropped", _drop_bid),
    ("gate keys before the freeze", "V11", "order.wrong", _keys_before_freeze),
    ("gate keys before the window was closed", "V11", "order.wrong", _keys_before_window_closed),
    ("a price decrypted before the draw", "V11", "order.wrong", _price_before_draw),
    ("a bid received at the deadline", "V4", "bid.late", _received_after_deadline),
    ("two deadlines", "V4", "deadline.differs", _other_deadline),
    ("another price read out and recorded", "V9", "price.differs", _other_price),
    ("another coefficient announced", "V10", "draw.result", _other_result),
    ("a coefficient drawn twice", "V10", "draw.twice", _drawn_twice),
    ("a coefficient drawn from chosen entropy", "V10", "draw.contributions", _better_entropy),
    ("a gate key of nobody in the key set", "V8", "gate.key", _stranger_opens_gate),
    ("a key set that was never logged", "V8", "keyset.not_logged", _other_keyset),
    ("a released bid called missing", "V9", "window.released", _released_nothing),
    ("fewer bids than the notice asks for", "V11", "order.too_few", _fewer_than_the_law_asks_for),
    ("a lower minimum at the closing than published", "V11", "order.minimum", _minimum_lowered),
    ("a failed opening that was opened", "V11", "order.too_few", _failed_but_opened),
    ("a draw without the announced beacon", "V10", "draw.beacon", _announced_beacon_left_out),
    ("a grace of a day for the freeze", "V4", "freeze.grace", _grace_without_end),
    ("an invented fault of a bidder", "V8", "gate.false_fault", _fault_invented),
)


# Forged and forked logs -------------------------------------------------------------------------------------------


def _logs(files: Files, keys: Keys, policy: bytes) -> Iterator[Attack]:
    entropy = SystemEntropy()
    forger = SigningKey.generate(keys.log.name, Algorithm.ED25519, entropy)
    stranger = SigningKey.generate(keys.cosigner.name, Algorithm.COSIGNATURE, entropy)
    yield Attack("a log signed by a forger", honest(files, Keys(forger, keys.cosigner)), policy, "V1", "log.signature")
    yield Attack("a log cosigned by a forger", honest(files, Keys(keys.log, stranger)), policy, "V1", "log.quorum")
    alone = Storyteller(files, keys, cosigned=False).told()
    yield Attack("a log that nobody cosigned", alone, policy, "V1", "log.quorum")
    second = SigningKey.generate("cosigner.test/two", Algorithm.COSIGNATURE, entropy)
    two = policy.decode().replace(
        "quorum cosigner\n", f"witness other {second.verifier}\ngroup both 2 cosigner other\nquorum both\n"
    )
    twice = _each_note({**files, "policy.txt": two.encode()}, lambda note: _signed_again(note, keys))
    yield Attack("one cosigner counted twice", twice, two.encode(), "V1", "log.quorum")
    yield Attack("a forked log", _forked(honest(files, keys), keys), policy, "V2", "log.consistency")
    yield Attack("growth from nothing", _from_nothing(honest(files, keys), keys), policy, "V1", "log.empty")
    weak = policy.decode().replace("quorum cosigner", "quorum none").encode()
    yield Attack("a weaker policy", {**files, "policy.txt": weak}, policy, "V1", "policy.differs")


def _each_note(files: Files, change: Callable[[str], str]) -> Files:
    rows = lines(files, "log/checkpoints.jsonl")
    for row in rows:
        row["note"] = change(row["note"])
    newest = change(files["log/checkpoint"].decode()).encode()
    return {**with_lines(files, "log/checkpoints.jsonl", rows), "log/checkpoint": newest}


def _signed_again(note: str, keys: Keys) -> str:
    """The same cosigner's line once more, a second later."""
    parsed = Note.parse(note)
    line = next(one for one in parsed.signatures if one.is_by(keys.cosigner.verifier))
    seconds = int.from_bytes(line.signature[:8], "big") + 1
    message = f"cosignature/v1\ntime {seconds}\n{parsed.text}".encode()
    again = SignatureLine(line.name, line.key_id, seconds.to_bytes(8, "big") + keys.cosigner.sign(message))
    return str(parsed.with_signatures([again]))


def _note(keys: Keys, size: int, root: bytes, like: str) -> str:
    text = str(Checkpoint(keys.log.name, size, root))
    line = next(one for one in Note.parse(like).signatures if one.is_by(keys.cosigner.verifier))
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(int.from_bytes(line.signature[:8], "big"), UTC)
    return str(Note.parse(signed_note(text, keys.log)).with_signatures([cosign(text, keys.cosigner, at)]))


def _forked(files: Files, keys: Keys) -> Files:
    """An earlier checkpoint of another tree, signed by everybody: both were shown to somebody."""
    rows = lines(files, "log/checkpoints.jsonl")
    row = rows[len(rows) // 2]
    row["note"] = _note(keys, row["size"], leaf_hash(b"another tree"), row["note"])
    return with_lines(files, "log/checkpoints.jsonl", rows)


def _from_nothing(files: Files, keys: Keys) -> Files:
    """A first checkpoint of size 0, from which every tree seems to follow."""
    rows = lines(files, "log/checkpoints.jsonl")
    rows.insert(0, {"size": 0, "note": _note(keys, 0, root_of([]), rows[0]["note"]), "consistency": []})
    return with_lines(files, "log/checkpoints.jsonl", rows)


# The panel --------------------------------------------------------------------------------------------------------


def with_panel(files: Files, keys: Keys, change: Callable[[Storyteller, dict[str, Any]], None] | None = None) -> Files:
    """The story goes on with a draw of experts; ``change`` alters what is told of it, once everything is known."""
    story = Storyteller(files, keys)
    story.told()
    tender = json.loads(story.files["tender.json"])
    lot, draw_id = tender["lot"], f"{tender['tender']}/{tender['lot_code']}/committee/1"
    values = {name: h("value", name) for name in CONTRIBUTORS}

    def tell(kind: str, **data: Any) -> Step:
        event = {**story.of("bid_opening.closed").event, "type": f"evaluation.{kind}", "stream": f"lot:{lot}"}
        event |= {"data": {"lot": lot, **data}, "entry": h(kind, dumps(data))}
        return Step({"entry": f"etender/v1 p {dumps(event)}"})

    def committed(name: str) -> str:
        return h("etender-contribution-commitment/v1", values[name])

    pool = {"draw": draw_id, "seats": 3, "pool": list(POOL), "pool_hash": h(*POOL), "commitment": committed("centre")}
    story.steps.append(tell("expert_pool_fixed", **pool))
    for name in CONTRIBUTORS[1:]:
        story.steps.append(tell("contribution_committed", draw=draw_id, contributor=name, commitment=committed(name)))
    told = story.told()
    size = len(story.steps)
    root = base64.b64encode(root_of([leaf_hash(step.entry()) for step in story.steps])).decode()
    transcript = build(
        draw_id=draw_id,
        first=3,
        pool=POOL,
        contributions=values,
        beacon=None,
        is_beacon_waived_by_notice=True,
        checkpoint=f"{size} {root}",
    )
    order = rank(transcript, POOL).order
    salt = h("salt")
    story.steps.append(tell("committee_drawn", draw=draw_id, transcript=transcript.text, seed=transcript.seed))
    story.steps += [tell("seat_offered", draw=draw_id, blinded=one) for one in order[:3]]
    story.steps.append(tell("seat_vacated", blinded=order[0], ground="declined"))
    story.steps.append(tell("seat_offered", draw=draw_id, blinded=order[3]))
    story.change_files(
        lambda files: {
            **files,
            "draws/committee-1.txt": transcript.text.encode(),
            "draws/committee-1.pool": "".join(f"{one}\n" for one in POOL).encode(),
        }
    )
    assert told
    if change is not None:
        change(story, {"tell": tell, "draw": draw_id, "order": order, "salt": salt, "pool": pool})
    return story.told()


def _last(story: Storyteller, kind: str) -> Step:
    return [step for step in story.steps if step.type == f"evaluation.{kind}"][-1]


def _panel_drawn_again(story: Storyteller, known: dict[str, Any]) -> None:
    """A second pool and draw although tickets are left."""
    again = {**known["pool"], "draw": known["draw"][:-1] + "2"}
    story.steps.append(known["tell"]("expert_pool_fixed", **again))
    drawn = _last(story, "committee_drawn").event["data"]
    story.steps.append(known["tell"]("committee_drawn", **{**drawn, "draw": again["draw"]}))


def _panel_twice(story: Storyteller, known: dict[str, Any]) -> None:
    drawn = _last(story, "committee_drawn").event["data"]
    story.steps.append(
        known["tell"]("committee_drawn", **{name: drawn[name] for name in ("draw", "transcript", "seed")})
    )


def _ticket_skipped(story: Storyteller, known: dict[str, Any]) -> None:
    _last(story, "seat_offered").change(blinded=known["order"][5])


def _other_contribution(story: Storyteller, known: dict[str, Any]) -> None:
    step = next(one for one in story.steps if one.type == "evaluation.contribution_committed")
    step.change(commitment=h("something else"))


def _stranger_sits(story: Storyteller, known: dict[str, Any]) -> None:
    blinded = h("etender-expert/v1", known["salt"], "expert-1")
    member = {"blinded": blinded, "expert": "expert-1", "name": "某某"}
    story.steps.append(known["tell"]("award_decided", salt=known["salt"], members=[member]))


def _draws(files: Files, keys: Keys, policy: bytes) -> Iterator[Attack]:
    for name, code, change in (
        ("a panel drawn again before its tickets were spent", "draw.redrawn", _panel_drawn_again),
        ("a panel drawn twice", "draw.twice", _panel_twice),
        ("a ticket that was skipped", "draw.result", _ticket_skipped),
        ("a contribution nobody committed to", "draw.contributions", _other_contribution),
        ("a member who was never drawn", "draw.member", _stranger_sits),
    ):
        yield Attack(name, with_panel(files, keys, change), policy, "V10", code)
