"""Bid deposits: sub-accounts, arrivals, the double-entry ledger, refunds with interest, and the proof of all of it."""
