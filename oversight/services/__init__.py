"""Use cases of oversight."""
