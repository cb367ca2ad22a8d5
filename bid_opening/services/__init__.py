"""The use cases of the opening, by kind: rooms (the one way in), acts (people), clock (time), holders (keys)."""
