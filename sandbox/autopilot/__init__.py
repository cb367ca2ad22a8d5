"""Clients for every role of the demonstration, so that a newcomer who plays one meets all others at work."""
