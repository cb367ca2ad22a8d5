"""Whom a message reaches outside the platform: addresses, choices, the log of deliveries, and the sending itself."""
