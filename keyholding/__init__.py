"""Gate holders and custodians of a lot's keys: seats, key sets, rehearsal, and the release of keys at the opening.

A holder's private key is made and kept by its own agent (``agent.py``) and leaves it once, after the agent itself has
verified the cosigned entry that says the window is closed. The platform never asks to be believed (``evidence.py``).
"""
