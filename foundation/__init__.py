"""Shared foundations: no procurement word lives here except in ``events`` and ``sealing``."""
