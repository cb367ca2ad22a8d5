"""Carrying a message out of the platform: e-mail, SMS, webhook, and for development a folder or the console.

Nothing here knows who is told what (``accounts.notices`` does). A line sends one message or raises ``NotSent``.
"""
