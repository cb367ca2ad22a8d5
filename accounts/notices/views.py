"""The page of messages to oneself, and the centre's desk of messages that did not go."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from accounts.notices import addressing, choices, forms, queries, staff
from accounts.notices.errors import ChannelOff
from accounts.roles import Role
from foundation.notices.configured import is_configured
from foundation.web.access import SIGNED_IN, allow, current_actor
from foundation.web.limits import SIGN_IN, rate_limit
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("notices", __name__)


@bp.get("/account/notices/hook")
@bp.get("/account/notices/code")
@bp.get("/account/notices/addresses")
@bp.get("/account/notices")  # the lowest is the address url_for gives
@allow(SIGNED_IN)
def show_notices() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = queries.notices_page(unit, runtime().settings)
    return page("accounts/notices.html", notices=found, hook_key="")


@bp.post("/account/notices")
@allow(SIGNED_IN)
@refusable(show_notices)
def choose() -> ResponseReturnValue:
    wanted = parse(forms.Choices)
    manner = choices.Manner(wanted.lang, wanted.quiet_from, wanted.quiet_to)
    with units().begin(current_actor()) as unit:
        choices.choose(unit, set(wanted.on), manner)
    return done(url_for(".show_notices"), notice=("已保存", "Saved"))


@bp.post("/account/notices/addresses")
@allow(SIGNED_IN)
@rate_limit(SIGN_IN)
@refusable(show_notices)
def add_address() -> ResponseReturnValue:
    wanted = parse(forms.NewAddress)
    if not is_configured(runtime().settings, wanted.channel):
        raise ChannelOff
    with units().begin(current_actor()) as unit:
        address_id = addressing.add_address(unit, wanted.channel, wanted.address)
    notice = ("验证码已发出，请填回本页", "A code is on its way; enter it here")
    return done(url_for(".show_notices"), status=201, notice=notice, address_id=address_id)


@bp.post("/account/notices/code")
@allow(SIGNED_IN)
@rate_limit(SIGN_IN)
@refusable(show_notices)
def verify_address() -> ResponseReturnValue:
    wanted = parse(forms.Code)
    with units().begin(current_actor()) as unit:
        left = addressing.verify(unit, wanted.address_id, wanted.code)
    if left is not None:  # after the commit: the wrong try counts
        raise addressing.wrong_code(left, wanted.field)
    return done(
        url_for(".show_notices"), notice=("已验证，今后的消息也会发到这里", "Verified: messages go here too now")
    )


@bp.post("/account/notices/code/again")
@allow(SIGNED_IN)
@rate_limit(SIGN_IN)
def send_code() -> ResponseReturnValue:
    wanted = parse(forms.OwnAddress)
    with units().begin(current_actor()) as unit:
        addressing.send_code(unit, wanted.address_id)
    return done(
        url_for(".show_notices"), notice=("新验证码已发出，旧的作废", "A new code is on its way; the old one is void")
    )


@bp.post("/account/notices/addresses/remove")
@allow(SIGNED_IN)
def remove_address() -> ResponseReturnValue:
    wanted = parse(forms.OwnAddress)
    with units().begin(current_actor()) as unit:
        addressing.remove_address(unit, wanted.address_id)
    return done(url_for(".show_notices"), notice=("已删除，不再发往那里", "Removed: nothing goes there any more"))


@bp.post("/account/notices/hook")
@allow(SIGNED_IN)
@rate_limit(SIGN_IN)
@refusable(show_notices)
def set_hook() -> ResponseReturnValue:
    """Answers with the page itself: the key is shown once, and is in no address and no cookie."""
    wanted = parse(forms.Hook)
    with units().begin(current_actor()) as unit:
        key = addressing.set_hook(unit, runtime().settings, wanted.url)
        found = queries.notices_page(unit, runtime().settings)
    return page("accounts/notices.html", status=201, notices=found, hook_key=key)


@bp.post("/account/notices/hook/try")
@allow(SIGNED_IN)
@rate_limit(SIGN_IN)
def try_hook() -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        addressing.try_hook(unit)
    return done(
        url_for(".show_notices"), notice=("试发已排队，结果见发送记录", "A trial is queued; the log tells its outcome")
    )


@bp.post("/account/notices/hook/remove")
@allow(SIGNED_IN)
def remove_hook() -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        addressing.remove_hook(unit)
    return done(url_for(".show_notices"), notice=("推送地址已删除", "The webhook is removed"))


@bp.get("/staff/notices")
@allow(Role.CENTRE_STAFF)
def desk() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("accounts/notices_desk.html", desk=queries.desk(unit, runtime().settings))


@bp.post("/staff/notices/again")
@allow(Role.CENTRE_STAFF)
def send_again() -> ResponseReturnValue:
    wanted = parse(forms.Again)
    with units().begin(current_actor()) as unit:
        staff.send_again(unit, wanted.delivery_id)
    return done(url_for(".desk"), notice=("已重新排队", "Queued again"))


@bp.post("/staff/notices/all-again")
@allow(Role.CENTRE_STAFF)
def send_all_again() -> ResponseReturnValue:
    wanted = parse(forms.AllAgain)
    with units().begin(current_actor()) as unit:
        staff.send_all_again(unit, wanted.channel)
    return done(
        url_for(".desk"), notice=("这一渠道上没有送达的都已重新排队", "Everything given up on this way is queued again")
    )
