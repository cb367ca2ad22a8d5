"""Events of the publisher of the transparency log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class PublicationStopped(Event):
    """The publisher met evidence that does not verify and published nothing more.

    ``problem`` is the code of the evidence, ``log_size`` the number of leaves then.
    """

    TYPE: ClassVar[str] = "publication.stopped"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("problem", "log_size")

    problem: str
    log_size: int


@event_type
@dataclass(frozen=True)
class CheckpointStamped(Event):
    """An outside authority stamped the checkpoint of ``log_size`` leaves, which covers ``entry``.

    ``checkpoint``: SHA-256 of the note; ``stamped_at``: what the authority states; ``serial``: its number there.
    """

    TYPE: ClassVar[str] = "publication.checkpoint_stamped"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "entry",
        "log_size",
        "checkpoint",
        "stamped_at",
        "authority",
        "serial",
    )

    entry: str
    log_size: int
    checkpoint: str
    stamped_at: datetime
    authority: str
    serial: str


@event_type
@dataclass(frozen=True)
class PublicationResumed(Event):
    """A person examined the evidence and let the publisher go on; the entry's reason says why."""

    TYPE: ClassVar[str] = "publication.resumed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("problem", "log_size")

    problem: str
    log_size: int


@event_type
@dataclass(frozen=True)
class ClientReleased(Event):
    """From now on the platform serves this program to bidders; its last entry of a name is what is served.

    ``name``: the file; ``version``: of the product; ``sha256``: of the file's bytes; ``size_bytes``: their number.
    """

    TYPE: ClassVar[str] = "publication.client_released"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("name", "version", "sha256", "size_bytes")

    name: str
    version: str
    sha256: str
    size_bytes: int
