"""The guided run over HTTP: choosing a role, the guide bar, holding and going on, entering as the chosen role."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flask import Blueprint, Flask, Response, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from accounts import sessions
from centre import demo_desk, demo_run, demo_view
from centre.demo_run import Run
from centre.errors import NobodyPlays
from centre.seed_guided import untouched_guided
from foundation.actor import PUBLIC as NOBODY
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.web.access import PUBLIC, allow, current_actor, safe_next
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, page, parse
from foundation.web.runtime import runtime, units
from sandbox.autopilot import doing
from sandbox.autopilot.stages import CHAPTERS, Part

bp = Blueprint("guide", __name__)
AGENT: Final = "demo"


def register(app: Flask) -> None:
    """Add the run's routes and the bar that stands on every page while a run is on."""
    app.register_blueprint(bp)
    app.jinja_env.globals["guide_bar"] = guide_bar


def guide_bar() -> demo_view.GuideView | None:
    """What the bar shows to this reader; None while nobody has chosen a role."""
    return _guide() if demo_run.read(runtime().settings.data_dir) is not None else None


def _guide() -> demo_view.GuideView | None:
    data_dir = runtime().settings.data_dir
    run, told = demo_run.read(data_dir), doing.read(demo_run.doing_file(data_dir))
    with units().read(current_actor()) as unit:
        return demo_view.guide(unit, run, told, machine_now())


@bp.get("/demo/guide")
@allow(PUBLIC)
def show_guide() -> ResponseReturnValue:
    """The whole way with where it has come to; as JSON what the bar and the pilot ask for again and again."""
    return page("demo/guide.html", guide=_guide(), ways=tuple(CHAPTERS.items()))


class RunForm(BaseModel):
    """``part``: whom to play. ``pace``: seconds between two deeds of the others."""

    part: Part
    pace: float = Field(default=demo_run.PACE_SECONDS, ge=0, le=demo_run.LONGEST_PACE)


class BackForm(BaseModel):
    """``back``: a path of this site."""

    back: str = Field(default="", max_length=300)


@bp.post("/demo/run")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def start_run() -> ResponseReturnValue:
    """Begin from the start as this role, with a lot nobody has touched; whatever ran before is left where it is."""
    wanted = parse(RunForm)
    lot_id = untouched_guided(runtime())
    run = Run(wanted.part, lot_id, wanted.pace, machine_now(), demo_run.LOGINS.get(wanted.part, ""))
    demo_run.write(runtime().settings.data_dir, run)
    return _enter(run, status=201)


@bp.post("/demo/run/enter")
@allow(PUBLIC)
def enter_run() -> ResponseReturnValue:
    """Be signed in as the role that was chosen. Raises NobodyPlays, NobodyDrawn."""
    run = demo_run.read(runtime().settings.data_dir)
    if run is None:
        raise NobodyPlays
    with units().read(current_actor()) as unit:
        login = demo_view.account_of(unit, run)
    if login != run.login:
        # The expert the draw has chosen: from now on it is this one, whoever is asked later.
        run = demo_run.change(runtime().settings.data_dir, lambda known: replace(known, login=login)) or run
    return _enter(run, status=200)


def _enter(run: Run, *, status: int) -> ResponseReturnValue:
    token = ""
    with units().begin(current_actor()) as unit:
        if run.login:
            token = demo_desk.enter_as(unit, run.login, source=request.remote_addr or "", user_agent=AGENT)
        actor = sessions.actor_of_token(unit, token) if token else None
    target = _first_place(run, actor)
    if request.is_json or wants_json(request):
        return done(target, status=status, token=token, login=run.login, lot_id=run.lot_id)
    return _signed_in(token, target)


def _first_place(run: Run, actor: Actor | None) -> str:
    """Where the bar would lead this role now."""
    data_dir = runtime().settings.data_dir
    with units().read(actor or NOBODY) as unit:
        shown = demo_view.guide(unit, run, doing.read(demo_run.doing_file(data_dir)), machine_now())
    return shown.url if shown is not None else url_for("demo.show_demo")


def _signed_in(token: str, target: str) -> Response:
    """The browser is now whoever the token belongs to; nobody without one."""
    session.clear()
    response = make_response(redirect(target, code=303))
    if token:
        response.set_cookie(sessions.COOKIE, token, path="/", httponly=True, samesite="Lax", secure=request.is_secure)
    else:
        response.delete_cookie(sessions.COOKIE, path="/")
    return response


@bp.post("/demo/run/hold")
@allow(PUBLIC)
def hold_run() -> ResponseReturnValue:
    """Let everybody rest, and the clock be pressed by nobody but the visitor."""
    return _hold(
        is_held=True, zh="其他人都停下了，时钟也不再自动跳。", en="Everybody rests, and the clock is not pressed."
    )


@bp.post("/demo/run/go-on")
@allow(PUBLIC)
def go_on() -> ResponseReturnValue:
    return _hold(is_held=False, zh="其他人继续办理。", en="Everybody goes on.")


def _hold(*, is_held: bool, zh: str, en: str) -> ResponseReturnValue:
    wanted = parse(BackForm)
    if demo_run.change(runtime().settings.data_dir, lambda run: replace(run, is_held=is_held)) is None:
        raise NobodyPlays
    return done(safe_next(wanted.back, url_for("demo.show_demo")), notice=(zh, en), is_held=is_held)


@bp.post("/demo/run/end")
@allow(PUBLIC)
def end_run() -> ResponseReturnValue:
    """Choose nobody any more; the lot stays as it is and may be played on by hand."""
    demo_run.end(runtime().settings.data_dir)
    notice = (
        "导览已结束，可以自己接着办，也可以另选身份重来。",
        "The guided run is over: play on by hand, or choose anew.",
    )
    return done(url_for("demo.show_demo"), notice=notice)
