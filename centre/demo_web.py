"""Pages that exist in a demonstration only: what this is, who can be played, the clock, agents and sample companies.

Without ``CENTRE_DEMO`` nothing is registered, so every address below is simply not found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from accounts import passwords, sessions
from centre import demo_desk, demo_facts, demo_guide, demo_guide_web, demo_run, democlock
from centre.bootstrap import is_demo_folder
from centre.check import CheckResult, check_everything
from centre.seed_people import DemoAccount, demo_accounts
from deposits.views import DEMO_PAY
from foundation.actor import PUBLIC as NOBODY
from foundation.clock import machine_now
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, SIGNED_IN, allow, current_actor, safe_next
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.nav import Nav
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, json_response, page, parse
from foundation.web.runtime import runtime, units
from sandbox import cast
from sandbox.clients.bank import BankClient

bp = Blueprint("demo", __name__)
LOCAL: Final = "localhost"


def register(app: Flask) -> None:
    """Add the demonstration's pages, its strip and its list of accounts; in a real centre do nothing."""
    settings = app.extensions["runtime"].settings
    if not (settings.demo and is_demo_folder(settings.data_dir)):
        return
    app.register_blueprint(bp)
    demo_guide_web.register(app)
    app.extensions["demo_accounts"] = demo_accounts()
    app.extensions["civil_paused"] = _is_paused
    app.extensions[DEMO_PAY] = BankClient(settings.bank_url).pay_deposit
    app.extensions["nav"].add("public", "演示说明", "Demo guide", "demo.show_demo", order=90)
    app.extensions["nav"].add("footer", "演示说明", "Demo guide", "demo.show_demo", order=90)
    app.jinja_env.globals["demo_clock"] = _strip


def _is_paused() -> bool:
    with units().read() as unit:
        return not demo_desk.clock_now(unit).is_running


def _strip() -> dict[str, object]:
    """What the strip above every page needs: the clock and the next moment of the guided lot."""
    with units().read() as unit:
        lot = demo_desk.guided_lot(unit)
        guided = demo_desk.describe(unit, lot) if lot is not None else None
        return {"clock": demo_desk.clock_now(unit), "guided": guided}


@bp.get("/demo")
@allow(PUBLIC)
def show_demo() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        lot = demo_desk.guided_lot(unit)
        guided = demo_desk.describe(unit, lot) if lot is not None else None
        at = demo_guide.BY_HAND[demo_guide.stage_of(demo_facts.facts_of(unit, lot))] if lot is not None else 0
        agents = demo_desk.agent_lines(unit, _agents_folder(), machine_now())
        clock = demo_desk.clock_now(unit)
    return page(
        "demo/demo.html",
        run=demo_run.read(runtime().settings.data_dir),
        at=at,
        guided=guided,
        clock=clock,
        agents=agents,
        accounts=demo_accounts(),
        places={one.login: place_of(one) for one in demo_accounts()},
        chosen=request.args.get("as", "")[:64],
        password=cast.PASSWORD,
        bank=runtime().settings.bank_url,
    )


def place_of(account: DemoAccount) -> str:
    """Where this role opens beside the others: its own host name, cookie and keys; here, where names do not reach."""
    host, _, port = request.host.partition(":")
    if host != LOCAL and not host.endswith(f".{LOCAL}"):
        return f"{url_for('.show_demo')}?as={account.login}#enter"
    address = f"{account.host}:{port}" if port else account.host
    return f"{request.scheme}://{address}{url_for('.show_demo')}?as={account.login}#enter"


class ClockForm(BaseModel):
    """``lot_id``: whose moment is wanted, the guided lot's where it is left out. ``back``: a path of this site."""

    lot_id: str = Field(default="", max_length=36)
    back: str = Field(default="", max_length=300)


@bp.post("/demo/clock/next")
@allow(PUBLIC)
def next_moment() -> ResponseReturnValue:
    """Jump to the next legal instant and say which rule made everybody wait for it."""
    wanted = parse(ClockForm)
    lot_id = parse_id(wanted.lot_id) if wanted.lot_id else ""
    with units().begin(current_actor()) as unit:
        moment = demo_desk.to_next_moment(unit, lot_id)
    demo_desk.forget_cached(runtime())
    notice = (
        f"时钟已到下一时刻。此前在等：{moment.clause_zh}" if moment.clause_zh else "时钟已到下一时刻。",
        f"The clock is at the next moment. Everybody waited because: {moment.clause_en}"
        if moment.clause_en
        else "The clock is at the next moment.",
    )
    return done(_back(wanted), notice=notice, moment=moment)


@bp.post("/demo/clock/pause")
@allow(PUBLIC)
def pause_clock() -> ResponseReturnValue:
    return _run_clock(running=False, zh="演示时钟已暂停", en="The demonstration clock stands still")


@bp.post("/demo/clock/run")
@allow(PUBLIC)
def run_clock() -> ResponseReturnValue:
    return _run_clock(running=True, zh="演示时钟继续走", en="The demonstration clock runs")


def _run_clock(*, running: bool, zh: str, en: str) -> ResponseReturnValue:
    wanted = parse(ClockForm)
    with units().begin(current_actor()) as unit:
        now = democlock.move(unit, running=running, why="run" if running else "pause")
    demo_desk.forget_cached(runtime())
    return done(_back(wanted), notice=(zh, en), now=now, is_running=running)


def _back(wanted: ClockForm) -> str:
    return safe_next(wanted.back, url_for(".show_demo"))


@bp.post("/demo/sign-in-as/<login>")
@allow(PUBLIC)
def sign_in_as(login: str) -> ResponseReturnValue:
    """Enter as one of the printed accounts, on the host name this page was opened under."""
    with units().begin(current_actor()) as unit:
        token = demo_desk.enter_as(unit, login, source=request.remote_addr or "", user_agent="demo")
        actor = sessions.actor_of_token(unit, token) or NOBODY
    nav: Nav = current_app.extensions["nav"]
    home = nav.first_place(actor)
    if request.is_json or wants_json(request):
        return done(home, token=token)
    return _entered(token, home)


@bp.post("/demo/sample-company")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def add_sample_company() -> ResponseReturnValue:
    """An invented company of the visitor's own, signed in at once; verifying its code is left to the visitor."""
    password_hash = passwords.shared().hash(cast.PASSWORD)
    with units().begin(current_actor()) as unit:
        made = demo_desk.add_sample_company(unit, password_hash)
        agent = "demo"
        token = demo_desk.open_session_of(unit, made.user_id, source=request.remote_addr or "", user_agent=agent)
    if request.is_json or wants_json(request):
        return done(url_for("accounts.account"), status=201, company=made, token=token)
    return _entered(token, url_for("verification.verification"))


def _entered(token: str, target: str) -> Response:
    session.clear()
    response = make_response(redirect(target, code=303))
    response.set_cookie(sessions.COOKIE, token, path="/", httponly=True, samesite="Lax", secure=request.is_secure)
    return response


@bp.post("/demo/bank/verification-transfer")
@allow(SIGNED_IN)
def pay_verification() -> ResponseReturnValue:
    """Pay the verification amount from the own company's account at the demonstration's bank."""
    with units().read(current_actor()) as unit:
        holder, reference = demo_desk.wanted_reference(unit)
    bank = BankClient(runtime().settings.bank_url)
    serial = bank.pay_verification(holder, reference, demo_desk.VERIFICATION_AMOUNT)
    notice = ("演示银行已付款，通知随后就到", "The demonstration's bank has paid; its notice follows")
    return done(url_for("verification.verification"), notice=notice, kind="run", serial=serial)


@bp.post("/demo/agents/<name>/rest")
@allow(PUBLIC)
def rest_agent(name: str) -> ResponseReturnValue:
    demo_desk.let_agent_rest(_agents_folder(), name, rests=True)
    notice = ("代理程序已休息：不再代为办理", "The agent rests and acts for nobody")
    return done(url_for(".show_demo"), notice=notice, kind="warn")


@bp.post("/demo/agents/<name>/act")
@allow(PUBLIC)
def wake_agent(name: str) -> ResponseReturnValue:
    demo_desk.let_agent_rest(_agents_folder(), name, rests=False)
    return done(url_for(".show_demo"), notice=("代理程序已恢复代办", "The agent acts as key holder"))


@bp.post("/demo/check")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def check() -> ResponseReturnValue:
    """Recompute every journal stream, the log and every room (``centre check``)."""
    result: CheckResult = check_everything(runtime())
    if request.is_json or wants_json(request):
        return json_response(result)
    notice = (
        ("日志、存证树、开标室均一致", "Journal, log and rooms agree")
        if result.is_whole
        else ("发现不一致", "Something does not verify")
    )
    return done(url_for(".show_demo"), notice=notice, kind="ok" if result.is_whole else "warn")


def _agents_folder() -> Path:
    return runtime().settings.data_dir / "demo" / "agents"
