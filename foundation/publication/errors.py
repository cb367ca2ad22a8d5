"""How publication fails. A log that does not fit its journal is tampering: publishing stops until a person decides."""

from __future__ import annotations

from foundation.errors import NotFound, Tampering, Unavailable


class NoCheckpoint(NotFound):
    """The log has no published checkpoint yet."""

    code = "publication.no_checkpoint"


class NotYetProved(Unavailable):
    """The public entry is known and no published checkpoint covers it yet. Field: ``retry_after`` in seconds."""

    code = "publication.not_yet_proved"


class LogDiffers(Tampering):
    """A leaf, its hash or a checkpoint is not what the journal says. Fields: ``index`` (first bad leaf), ``reason``."""

    code = "publication.log_differs"


class TilesDiffer(Tampering):
    """The store holds other tiles than the leaves give: the database or the store was put back. Field: ``path``."""

    code = "publication.tiles_differ"


class PublishingStopped(Tampering):
    """The publisher met evidence of tampering and stopped. Fields: ``problem`` (a code), ``at``."""

    code = "publication.stopped"
