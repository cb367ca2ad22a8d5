"""Refusals about addresses and deliveries."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, TooMany


class AddressUnfit(InvalidInput):
    """Not a plain e-mail address, or not a mainland mobile."""

    code = "accounts.address_unfit"


class AddressKnown(Conflict):
    """It is one's verified address already."""

    code = "accounts.address_known"


class ChannelOff(Conflict):
    """The centre does not send this way."""

    code = "accounts.channel_off"


class CodeWrong(InvalidInput):
    """Not the code that was sent. Fields: ``left``, the tries that are left."""

    code = "accounts.code_wrong"


class CodeOver(Conflict):
    """The code has run out, was used up, or none was sent yet: have a new one sent."""

    code = "accounts.code_over"


class TooManyCodes(TooMany):
    """Fields: ``limit`` an hour."""

    code = "accounts.too_many_codes"


class HookUnfit(InvalidInput):
    """Not an https address of the open Internet."""

    code = "accounts.hook_unfit"


class NoHook(Conflict):
    """The organisation has set no webhook."""

    code = "accounts.no_hook"


class QuietHoursHalf(InvalidInput):
    """One end of the quiet hours without the other."""

    code = "accounts.quiet_hours_half"


class QuietHourUnfit(InvalidInput):
    """Not a time of the day."""

    code = "accounts.quiet_hour_unfit"


class NothingToSendAgain(Conflict):
    """The message was sent, or is still being tried."""

    code = "accounts.nothing_to_send_again"
