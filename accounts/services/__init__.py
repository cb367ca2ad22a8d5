"""Use cases: one function each, run inside the caller's Unit. Passwords are hashed before it opens."""
