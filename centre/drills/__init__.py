"""演练: one click rehearses a lot's opening, and says ready or not ready, and why (R3.44, R3.45).

A drill is two things: an opening of throw-away bids in virtual time (``bid_opening.drill``), and probes of the very
installation that will run the real one. It has rows, a journal stream, objects and a socket channel of its own; the
lot, its room, its key set and its numbers are only read.
"""
