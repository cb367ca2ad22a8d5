"""Use cases of seats, key sets, rehearsals and releases. Each runs in the caller's Unit."""
