from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from foundation.clock import SteppingClock
from foundation.transparency import cosigning
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigner import MAX_BODY_BYTES, CosignerClient, CosignerServer, running
from foundation.transparency.cosigning import AddCheckpoint, Cosigner, CosignerRecord, Reply, origin_hash
from foundation.transparency.errors import (
    BadSignature,
    CosignerBusy,
    CosignerRefused,
    CosignerUnavailable,
    LogRolledBack,
    MalformedText,
)
from foundation.transparency.keys import SigningKey
from foundation.transparency.merkle import EMPTY_ROOT
from foundation.transparency.notes import Note, SignatureLine, cosign, verified
from tests.unit.transparency.logbook import NOON, ORIGIN, Logbook, cosigner_key, log_key

KEY = cosigner_key()


@pytest.fixture
def cosigner(tmp_path: Path) -> Iterator[Cosigner]:
    with CosignerRecord(tmp_path / "state") as record:
        yield Cosigner(KEY, [log_key().verifier], record)


def ask(cosigner: Cosigner, book: Logbook, old: int, proof: list[bytes] | None = None) -> Reply:
    proof = book.reader().consistency_proof(old) if proof is None else proof
    return cosigner.add_checkpoint(str(AddCheckpoint(old, tuple(proof), book.checkpoint())).encode(), NOON)


def raw(cosigner: Cosigner, old: int, checkpoint: str, proof: tuple[bytes, ...] = ()) -> Reply:
    return cosigner.add_checkpoint(str(AddCheckpoint(old, proof, checkpoint)).encode(), NOON)


def line_of(reply: Reply, book: Logbook) -> SignatureLine:
    note = Note.parse(f"{Note.parse(book.checkpoint()).text}\n{reply.body}")
    (signer,) = verified(note, [KEY.verifier])
    assert signer.at == NOON
    (line,) = note.signatures
    return line


def test_a_growing_log_is_cosigned_step_by_step(cosigner: Cosigner) -> None:
    book = Logbook()
    assert line_of(ask(cosigner, book, 0), book)
    for size, before in ((1, 0), (3, 1), (300, 3)):
        book.append([b"e"] * (size - before))
        reply = ask(cosigner, book, before)
        assert reply.status == HTTPStatus.OK
        assert line_of(reply, book)


def test_the_same_checkpoint_may_be_cosigned_again(cosigner: Cosigner) -> None:
    book = Logbook([b"a"])
    ask(cosigner, book, 0)
    assert ask(cosigner, book, 1).status == HTTPStatus.OK


def test_a_wrong_old_size_is_answered_with_the_right_one(cosigner: Cosigner) -> None:
    book = Logbook([b"a", b"b"])
    ask(cosigner, book, 0)
    book.append([b"c"])
    for old in (0, 1, 3):
        reply = ask(cosigner, book, old)
        assert (reply.status, reply.body, reply.content_type) == (HTTPStatus.CONFLICT, "2\n", "text/x.tlog.size")
    assert ask(cosigner, book, 2).status == HTTPStatus.OK


def test_a_log_that_goes_back_is_refused(cosigner: Cosigner) -> None:
    long, short = Logbook([b"a", b"b", b"c"]), Logbook([b"a", b"b"])
    ask(cosigner, long, 0)
    for old in (0, 1, 2):
        assert ask(cosigner, short, old).status == HTTPStatus.CONFLICT
    assert raw(cosigner, 3, short.checkpoint()).status == HTTPStatus.BAD_REQUEST


def test_a_fork_is_refused_and_the_old_word_stands(cosigner: Cosigner) -> None:
    book = Logbook([b"a", b"b"])
    ask(cosigner, book, 0)
    same_size, longer = Logbook([b"a", b"x"]), Logbook([b"a", b"x", b"y"])
    assert ask(cosigner, same_size, 2).status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert ask(cosigner, longer, 2).status == HTTPStatus.UNPROCESSABLE_ENTITY
    book.append([b"c"])
    assert ask(cosigner, book, 2).status == HTTPStatus.OK


def test_a_wrong_proof_is_refused(cosigner: Cosigner) -> None:
    book = Logbook([b"a", b"b"])
    assert ask(cosigner, book, 0, [bytes(32)]).status == HTTPStatus.UNPROCESSABLE_ENTITY
    ask(cosigner, book, 0)
    assert ask(cosigner, book, 2, [bytes(32)]).status == HTTPStatus.UNPROCESSABLE_ENTITY
    book.append([b"c"])
    good = book.reader().consistency_proof(2)
    for proof in ([], good[:-1], [*good, bytes(32)], [bytes(32)] * len(good)):
        assert ask(cosigner, book, 2, proof).status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert ask(cosigner, book, 2, good).status == HTTPStatus.OK


def test_an_empty_tree_has_one_root_only(cosigner: Cosigner) -> None:
    assert (
        raw(cosigner, 0, Checkpoint(ORIGIN, 0, bytes(32)).signed(log_key())).status == HTTPStatus.UNPROCESSABLE_ENTITY
    )
    assert raw(cosigner, 0, Checkpoint(ORIGIN, 0, EMPTY_ROOT).signed(log_key())).status == HTTPStatus.OK


def test_an_unknown_log_and_a_forged_checkpoint_are_told_apart(cosigner: Cosigner) -> None:
    stranger = log_key("stranger", "stranger.example")
    assert (
        raw(cosigner, 0, Checkpoint("stranger.example", 1, bytes(32)).signed(stranger)).status == HTTPStatus.NOT_FOUND
    )
    forger = log_key("forger")
    assert raw(cosigner, 0, Checkpoint(ORIGIN, 1, bytes(32)).signed(forger)).status == HTTPStatus.FORBIDDEN
    good = Note.parse(Logbook([b"a"]).checkpoint())
    broken = SignatureLine(ORIGIN, log_key().verifier.key_id, bytes(64))
    assert raw(cosigner, 0, str(good.with_signatures([broken]))).status == HTTPStatus.FORBIDDEN
    assert cosigner.published(origin_hash(ORIGIN)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 01\n\nlog\n0\n\n",
        b"old -1\n\nlog\n0\n\n",
        b"size 0\n\nlog\n",
        b"\xff\n\n",
        b"old 0\nAAAA\n\n" + Logbook([b"a"]).checkpoint().encode(),
        b"old 0\n"
        + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64
        + b"\n"
        + Logbook([b"a"]).checkpoint().encode(),
        b"old 0\n\n" + Logbook([b"a"]).checkpoint().encode()[:-1],
        b"old 2\n\n" + Logbook([b"a"]).checkpoint().encode(),
    ],
)
def test_a_malformed_request_is_refused(cosigner: Cosigner, body: bytes) -> None:
    assert cosigner.add_checkpoint(body, NOON).status == HTTPStatus.BAD_REQUEST


def test_a_monitor_can_read_what_was_cosigned(cosigner: Cosigner) -> None:
    book = Logbook([b"a"])
    line = line_of(ask(cosigner, book, 0), book)
    assert cosigner.published(origin_hash(ORIGIN)) == book.checkpoint() + str(line)
    assert cosigner.published("../" + origin_hash(ORIGIN)) is None


def test_strangers_lines_are_not_kept(cosigner: Cosigner) -> None:
    note = Note.parse(Logbook([b"a"]).checkpoint())
    strangers = [SignatureLine(f"s{i}.example", bytes(4), b"x" * 64) for i in range(99)]
    assert raw(cosigner, 0, str(note.with_signatures(strangers))).status == HTTPStatus.OK
    kept = cosigner.published(origin_hash(ORIGIN))
    assert kept is not None
    assert len(Note.parse(kept).signatures) == 2


def test_memory_outlives_the_process(tmp_path: Path) -> None:
    book = Logbook([b"a", b"b"])
    with CosignerRecord(tmp_path) as record:
        ask(Cosigner(KEY, [log_key().verifier], record), book, 0)
    with CosignerRecord(tmp_path) as record:
        assert ask(Cosigner(KEY, [log_key().verifier], record), Logbook([b"x"]), 0).body == "2\n"


def test_a_cosigner_with_a_new_key_still_remembers(tmp_path: Path) -> None:
    with CosignerRecord(tmp_path) as record:
        ask(Cosigner(KEY, [log_key().verifier], record), Logbook([b"a", b"b"]), 0)
        renewed = Cosigner(cosigner_key("renewed"), [log_key().verifier], record)
        assert ask(renewed, Logbook([b"x"]), 0).body == "2\n"


def test_a_damaged_memory_stops_the_start_instead_of_being_forgotten(tmp_path: Path) -> None:
    file = tmp_path / f"{origin_hash(ORIGIN)}.checkpoint"
    with CosignerRecord(tmp_path) as record:
        ask(Cosigner(KEY, [log_key().verifier], record), Logbook([b"a", b"b"]), 0)
        whole = file.read_text(encoding="utf-8")
        for damaged, failure in (
            ("", MalformedText),
            (whole[:-9], MalformedText),
            (whole.replace("\n2\n", "\n1\n"), BadSignature),
        ):
            file.write_text(damaged, encoding="utf-8")
            with pytest.raises(failure):
                Cosigner(KEY, [log_key().verifier], record)


def test_another_logs_record_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    other = "other.example"
    with CosignerRecord(tmp_path) as record:
        ask(Cosigner(KEY, [log_key().verifier], record), Logbook([b"a"]), 0)
        (tmp_path / f"{origin_hash(ORIGIN)}.checkpoint").rename(tmp_path / f"{origin_hash(other)}.checkpoint")
        with pytest.raises(MalformedText):
            Cosigner(KEY, [log_key("other", other).verifier], record)


def test_one_state_folder_has_one_cosigner(tmp_path: Path) -> None:
    with CosignerRecord(tmp_path), pytest.raises(CosignerBusy), CosignerRecord(tmp_path):
        pass
    with CosignerRecord(tmp_path):
        pass
    with pytest.raises(ValueError, match="held"):
        CosignerRecord(tmp_path).put(ORIGIN, "note")


def test_left_overs_of_a_killed_writer_are_cleared(tmp_path: Path) -> None:
    (tmp_path / f".{origin_hash(ORIGIN)}.checkpoint.abc.part").write_bytes(b"half")
    with CosignerRecord(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_nothing_is_signed_that_could_not_be_remembered(cosigner: Cosigner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cosigning, "replace_file", full_disk)
    with pytest.raises(OSError, match="space"):
        ask(cosigner, Logbook([b"a"]), 0)
    monkeypatch.undo()
    assert ask(cosigner, Logbook([b"x"]), 0).status == HTTPStatus.OK


def test_a_note_key_cannot_be_a_cosigners(tmp_path: Path) -> None:
    with CosignerRecord(tmp_path) as record, pytest.raises(ValueError, match="cosignature"):
        Cosigner(log_key(), [], record)


# --- over HTTP --------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CosignerServer]:
    clock = SteppingClock(NOON)
    with running("127.0.0.1", 0, tmp_path / "state", KEY, [str(log_key().verifier)], now=clock.now) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def client(server: CosignerServer) -> Iterator[CosignerClient]:
    one = CosignerClient(server.url, str(KEY.verifier))
    yield one
    one.close()


def test_client_and_server_follow_a_log(client: CosignerClient) -> None:
    book = Logbook([b"a"])
    for _ in range(3):
        line = client.add_checkpoint(book.checkpoint(), book.reader().consistency_proof, now=NOON)
        assert line.is_by(KEY.verifier)
        book.append([b"b"] * 40)


def test_a_client_that_forgot_learns_the_size_from_the_cosigner(server: CosignerServer, client: CosignerClient) -> None:
    book = Logbook([b"a"])
    client.add_checkpoint(book.checkpoint(), book.reader().consistency_proof)
    book.append([b"b", b"c"])
    fresh = CosignerClient(server.url, str(KEY.verifier))
    assert fresh.add_checkpoint(book.checkpoint(), book.reader().consistency_proof).is_by(KEY.verifier)
    fresh.close()


def test_a_rolled_back_or_forked_log_is_told_so(client: CosignerClient) -> None:
    book = Logbook([b"a", b"b"])
    client.add_checkpoint(book.checkpoint(), book.reader().consistency_proof)
    short, fork = Logbook([b"a"]), Logbook([b"x", b"y", b"z"])
    with pytest.raises(LogRolledBack) as caught:
        client.add_checkpoint(short.checkpoint(), short.reader().consistency_proof)
    assert caught.value.fields == {"cosigner": KEY.name, "cosigned": 2, "size": 1}
    with pytest.raises(CosignerRefused) as refused:
        client.add_checkpoint(fork.checkpoint(), fork.reader().consistency_proof)
    assert refused.value.fields["status"] == 422


def test_an_unknown_log_may_be_enrolled_later_so_it_is_worth_another_try(client: CosignerClient) -> None:
    stranger = Checkpoint("stranger.example", 1, bytes(32)).signed(log_key("s", "stranger.example"))
    with pytest.raises(CosignerUnavailable) as caught:
        client.add_checkpoint(stranger, lambda _: [])
    assert caught.value.fields["reason"] == "404"


def test_many_requests_at_once_never_roll_back(server: CosignerServer) -> None:
    books = [Logbook([b"e"] * size) for size in range(1, 9)]

    def submit(book: Logbook) -> bool:
        client = CosignerClient(server.url, str(KEY.verifier))
        try:
            client.add_checkpoint(book.checkpoint(), book.reader().consistency_proof)
        except (LogRolledBack, CosignerUnavailable):
            return False
        finally:
            client.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(submit, books))
    final = CosignerClient(server.url, str(KEY.verifier))
    assert final.add_checkpoint(books[-1].checkpoint(), books[-1].reader().consistency_proof)
    final.close()


def test_the_server_answers_health_and_monitors_and_nothing_else(
    server: CosignerServer, client: CosignerClient
) -> None:
    book = Logbook([b"a"])
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get("/healthz").text == f"{KEY.verifier}\n"
        assert http.get(f"/{origin_hash(ORIGIN)}/checkpoint").status_code == 404
        line = client.add_checkpoint(book.checkpoint(), book.reader().consistency_proof)
        assert http.get(f"/{origin_hash(ORIGIN)}/checkpoint").text == book.checkpoint() + str(line)
        for path in ("/", "/../lock/checkpoint", "/add-checkpoint", "/lock"):
            assert http.get(path).status_code == 404
        assert http.post("/healthz", content=b"x").status_code == 404
        assert http.post("/add-checkpoint", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
        assert http.post("/add-checkpoint", content=iter([b"x"])).status_code == 411
        conflict = http.post("/add-checkpoint", content=str(AddCheckpoint(0, (), book.checkpoint())))
        assert (conflict.status_code, conflict.headers["content-type"]) == (409, "text/x.tlog.size")


def _client(answer: httpx.Response | type[httpx.HTTPError]) -> CosignerClient:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("no")

    return CosignerClient("http://cosigner.example", str(KEY.verifier), transport=httpx.MockTransport(handle))


def _answer(line: SignatureLine | str) -> httpx.Response:
    return httpx.Response(200, content=str(line).encode())


BOOK = Logbook([b"a"])
TEXT = Note.parse(BOOK.checkpoint()).text
ALIAS = SigningKey(KEY.name, KEY.algorithm, cosigner_key("mallory").seed)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.ConnectError, CosignerUnavailable),
        (httpx.ReadTimeout, CosignerUnavailable),
        (httpx.RemoteProtocolError, CosignerUnavailable),
        (httpx.Response(503), CosignerUnavailable),
        (httpx.Response(429), CosignerUnavailable),
        (httpx.Response(409, text="0\n"), CosignerUnavailable),
        (httpx.Response(409, text="many\n"), CosignerRefused),
        (httpx.Response(400), CosignerRefused),
        (httpx.Response(403), CosignerRefused),
        (httpx.Response(301, headers={"Location": "http://elsewhere.example"}), CosignerRefused),
        (_answer(""), BadSignature),
        (_answer("thanks\n"), BadSignature),
        (httpx.Response(200, content=b"\xff"), BadSignature),
        (_answer(cosign(TEXT, ALIAS, NOON)), BadSignature),
        (_answer(cosign("another\n", KEY, NOON)), BadSignature),
        (_answer(cosign(TEXT, KEY, NOON + timedelta(hours=1))), BadSignature),
    ],
)
def test_an_answer_that_is_no_cosignature_is_not_taken_for_one(answer, failure) -> None:
    client = _client(answer)
    with pytest.raises(failure):
        client.add_checkpoint(BOOK.checkpoint(), BOOK.reader().consistency_proof, now=NOON)
    client.close()


def test_the_line_of_the_pinned_key_is_picked_among_others() -> None:
    mine = cosign(TEXT, KEY, NOON)
    client = _client(_answer(f"{cosign(TEXT, cosigner_key('other'), NOON)}{mine}"))
    assert client.add_checkpoint(BOOK.checkpoint(), BOOK.reader().consistency_proof, now=NOON) == mine
    client.close()
