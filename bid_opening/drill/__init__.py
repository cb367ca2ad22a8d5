"""演练: an opening of throw-away bids in virtual time, by the room's own rules and with real cryptography (R3.44).

``cast`` says who takes part and what goes wrong, ``sealed`` makes keys and bids, ``play`` lets it happen, ``paper``
draws the record up. Nothing here reads or writes a row, a stream, a key or an object of the centre.
"""

from bid_opening.drill.cast import Bidder, Habit, Terms, cast
from bid_opening.drill.paper import MARK, record_of
from bid_opening.drill.play import Moment, Outcome, play
from bid_opening.drill.report import Check, CheckState, is_ready

__all__ = [
    "MARK",
    "Bidder",
    "Check",
    "CheckState",
    "Habit",
    "Moment",
    "Outcome",
    "Terms",
    "cast",
    "is_ready",
    "play",
    "record_of",
]
