"""Organisations, people, roles, identity and sessions: who is who, and how a claim to a code is proved."""
