"""Watching and acting in an opening room: frames in order without a gap, taken up after every break; acts over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from foundation.clock import monotonic
from foundation.roomwire import FINAL, SILENT_SECONDS, VERSION, Code, FrameLost, Position
from sandbox.clients.http import CentreClient, wait_for
from sandbox.errors import CentreRefused, ProofFailed

OPEN_SECONDS: Final = 3.0
REFUSED_CODES: Final = FINAL | {Code.TOO_MANY}
PUBLIC: Final = "public"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the room. ``seq`` is dense within its ``audience``."""

    seq: int
    audience: str
    type: str
    at: str
    data: Mapping[str, Any]
    state: str
    phase_until: str | None


class RoomWatch:
    """Keeps every frame of the audiences its client may see. Start it, wait for things, stop it."""

    def __init__(self, client: CentreClient, lot_id: str, room_origin: str) -> None:
        self._client = client
        self._lot_id = lot_id
        self._origin = room_origin.rstrip("/")
        self._position = Position()
        self._frames: list[Frame] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"room-{client.login}", daemon=True)
        self.connections = 0
        self.polls = 0
        self.fault: Exception | None = None

    def start(self) -> RoomWatch:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(SILENT_SECONDS)

    @property
    def frames(self) -> tuple[Frame, ...]:
        with self._changed:
            return tuple(self._frames)

    def all_of(self, type_name: str) -> list[Frame]:
        return [frame for frame in self.frames if frame.type == type_name]

    def wait(self, what: str, is_reached: Callable[[tuple[Frame, ...]], Any], *, seconds: float = 120.0) -> Any:
        """Wait until the frames so far fulfil ``is_reached``, and give what it gave. Raises NotInTime."""

        def look() -> Any:
            if self.fault is not None:
                raise self.fault
            with self._changed:
                found = is_reached(tuple(self._frames))
                if not found:
                    self._changed.wait(0.3)
                    found = is_reached(tuple(self._frames))
                return found

        return wait_for(what, look, seconds=seconds, every=0.0)

    def wait_for_type(self, type_name: str, *, count: int = 1, seconds: float = 120.0) -> Frame:
        """The ``count``-th frame of this type. Raises NotInTime."""

        def reached(frames: tuple[Frame, ...]) -> Frame | None:
            found = [frame for frame in frames if frame.type == type_name]
            return found[count - 1] if len(found) >= count else None

        frame: Frame = self.wait(type_name, reached, seconds=seconds)
        return frame

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._listen():
                    self._poll()
            except (CentreRefused, ProofFailed) as error:
                self.fault = error
                return
            self._stop.wait(0.2)

    def _listen(self) -> bool:
        """Follow the socket until it breaks; whether it had been open."""
        if not self._origin:
            return False
        query = "&".join(f"{name}={value}" for name, value in self._query().items())
        url = f"{self._origin}/rooms/{self._lot_id}?{query}"
        headers = {"Authorization": f"Bearer {self._client.token}"} if self._client.token else {}
        is_open = False
        try:
            with connect(
                url,
                additional_headers=headers,
                open_timeout=OPEN_SECONDS,
                compression=None,
                proxy=None,
                ssl=self._client.tls if urlsplit(url).scheme == "wss" else None,
            ) as socket:
                is_open = True
                self.connections += 1
                heard_at = monotonic()
                while not self._stop.is_set() and monotonic() - heard_at < SILENT_SECONDS:
                    try:
                        message = socket.recv(timeout=0.5)
                    except TimeoutError:
                        continue
                    heard_at = monotonic()
                    self._take_message(json.loads(message))
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in REFUSED_CODES:
                raise CentreRefused(status=closed.rcvd.code, problem=f"room.{closed.rcvd.code}") from closed
        except (WebSocketException, OSError, TimeoutError):
            return is_open
        return is_open

    def _poll(self) -> None:
        answer = self._client.get(f"/rooms/{self._lot_id}/events", **self._query())
        self.polls += 1
        self._know(answer["heads"])
        self._take(answer["frames"])

    def _query(self) -> dict[str, str]:
        after = self._position.text()
        return {"v": str(VERSION), **({"after": after} if after else {})}

    def _take_message(self, message: Mapping[str, Any]) -> None:
        if "hello" in message:
            self._know(message["hello"]["heads"])
        elif "seq" in message:
            self._take([message])

    def _know(self, audiences: Mapping[str, int]) -> None:
        """Remember every audience, also one that has told nothing yet, so that a resumed line asks for it again."""
        for audience in audiences:
            self._position.heads.setdefault(audience, 0)

    def _take(self, raw: list[Mapping[str, Any]]) -> None:
        """Frames in the order they came. A hole would be a lost message: Tampering, not a hiccup."""
        with self._changed:
            for one in raw:
                frame = Frame(
                    seq=int(one["seq"]),
                    audience=str(one["audience"]),
                    type=str(one["type"]),
                    at=str(one["at"]),
                    data=one["data"],
                    state=str(one["state"]),
                    phase_until=one.get("phase_until"),
                )
                try:
                    is_new = self._position.take(one)
                except FrameLost as lost:
                    raise ProofFailed(what=str(lost)) from lost
                if is_new:
                    self._frames.append(frame)
            self._changed.notify_all()


class RoomActs:
    """What a person does in a room, by ``POST /rooms/<lot>/<action>``."""

    def __init__(self, client: CentreClient, lot_id: str) -> None:
        self.client = client
        self.lot_id = lot_id

    def act(self, action: str, **body: Any) -> Any:
        return self.client.post(f"/rooms/{self.lot_id}/{action}", body)

    def check_in(self) -> Any:
        return self.act("check-in")

    def seal_check(self, *, ok: bool) -> Any:
        return self.act("seal-check", ok=ok)

    def release(self, r_bid: bytes) -> Any:
        """The bidder's 32 bytes; never its private key."""
        return self.act("release", r_bid=r_bid.hex())

    def no_objection(self) -> Any:
        return self.act("no-objection")

    def object(self, text: str) -> Any:
        return self.act("object", text=text)

    def confirm(self, signature: str = "") -> Any:
        return self.act("confirm", **({"signature": signature} if signature else {}))
