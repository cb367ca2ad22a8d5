"""Clients of the centre, one for each kind of person. They know addresses and byte forms, nothing of its insides."""
