"""``centre admin``: what is done on the machine itself, by whoever runs the centre, before or beside the pages.

Exit codes as everywhere: 0 done, 2 usage, 3 refused, 5 unavailable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import click
import structlog
from sqlalchemy import select, update

from accounts import facade as accounts
from accounts import passwords
from accounts.roles import Role
from accounts.rules import LOGIN_SHAPE, PASSWORD_MAX, PASSWORD_MIN, tidy_login
from foundation.actor import system
from foundation.clock import iso
from foundation.errors import Conflict, InvalidInput, NotFound, Objection
from foundation.jobs.models import JOB_MACHINE, Job, JobState, JobTrigger
from foundation.publication import publisher
from foundation.runtime import Runtime
from foundation.store.unit import Unit

log = structlog.get_logger("admin")
OPERATOR: Final = system("command line")
JOBS_SHOWN: Final = 200


class AdministratorExists(Conflict):
    """There is an administrator already; further ones are made on its pages, where that is on record with a name."""

    code = "centre.administrator_exists"


class PasswordLength(InvalidInput):
    """Fields: ``minimum``, ``maximum`` (characters)."""

    code = "centre.password_length"


class LogNotStopped(Conflict):
    """The publisher runs: there is nothing to resume."""

    code = "centre.log_not_stopped"


class JobNotFailed(Conflict):
    """Only a job that was given up can be tried again. Fields: ``job``, ``state``."""

    code = "centre.job_not_failed"


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """``uscc`` and ``organisation``: the centre's own; ``password`` in the clear, for this process only."""

    organisation: str
    uscc: str
    name: str
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job as the operator sees it. Its payload is left out: nobody needs it to decide."""

    id: str
    task: str
    key: str
    state: str
    attempts: int
    due_at: datetime
    last_error: str


def add_first_administrator(runtime: Runtime, new: NewAdministrator) -> str:
    """The account from which all others get their roles; its user id.

    Raises AdministratorExists, PasswordLength, InvalidInput for the login, LoginTaken.
    """
    login = tidy_login(new.login)
    if not LOGIN_SHAPE.fullmatch(login):
        raise InvalidInput(objections=[Objection("accounts.login_shape", "login")])
    if not PASSWORD_MIN <= len(new.password) <= PASSWORD_MAX:
        raise PasswordLength(minimum=PASSWORD_MIN, maximum=PASSWORD_MAX)
    person = accounts.NewPerson(login, new.name, passwords.shared().hash(new.password))
    with runtime.units.begin(OPERATOR) as unit:
        if accounts.organisations_in_role(unit, Role.ADMINISTRATOR):
            raise AdministratorExists
        return str(accounts.enrol_person(unit, _own_organisation(unit, new), person, [Role.ADMINISTRATOR]))


def _own_organisation(unit: Unit, new: NewAdministrator) -> str:
    """The centre's own organisation; enrolled and vouched for when it is not there yet."""
    found = accounts.organisation_by_uscc(unit, new.uscc)
    if found is not None:
        return str(found.id)
    org_id = accounts.enrol_organisation(unit, accounts.NewOrganisation(new.organisation, new.uscc))
    accounts.vouch_for(unit, org_id, "the centre's own organisation, entered on its own machine")
    return str(org_id)


def resume_log(runtime: Runtime, reason: str) -> None:
    """Let the publisher go on after the evidence was examined; the reason is journalled. Raises LogNotStopped."""
    with runtime.units.begin(OPERATOR) as unit:
        if not publisher.resume(unit, reason):
            raise LogNotStopped


def list_jobs(runtime: Runtime, state: JobState | None) -> Sequence[JobLine]:
    """Jobs in one state or all, those due first on top; JOBS_SHOWN at most."""
    wanted = select(Job).order_by(Job.due_at, Job.id).limit(JOBS_SHOWN)
    if state is not None:
        wanted = wanted.where(Job.state == state)
    with runtime.units.read(OPERATOR) as unit:
        return [
            JobLine(job.id, job.task, job.key, str(job.state), job.attempts, job.due_at, job.last_error)
            for job in unit.session.scalars(wanted)
        ]


def retry_job(runtime: Runtime, job_id: str) -> None:
    """Queue a job that was given up, with a fresh count of attempts. Raises NotFound, JobNotFailed."""
    with runtime.units.begin(OPERATOR) as unit:
        job = unit.session.get(Job, job_id)
        if job is None:
            raise NotFound(what="job")
        if not JOB_MACHINE.allows(job.state, JobTrigger.RETRY):
            raise JobNotFailed(job=job_id, state=str(job.state))
        moved = unit.session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == job.state)
            .values(state=JOB_MACHINE.advance(job.state, JobTrigger.RETRY), attempts=0, not_before=None)
        )
        if moved.rowcount != 1:  # type: ignore[attr-defined]
            raise JobNotFailed(job=job_id, state=str(job.state))
        unit.topics.add("jobs")
    log.info("job_queued_again", job=job_id)


# --- the command line -------------------------------------------------------------------------------------------------


@click.group()
def admin() -> None:
    """Run the centre from its own machine: database, first administrator, log, jobs."""


@admin.command()
def migrate() -> None:
    """Bring the database to this version. Running it again changes nothing."""
    from centre.cli import read_settings
    from centre.migrate import upgrade
    from foundation.store.engine import open_engine

    engine = open_engine(read_settings().database)
    upgrade(engine)
    engine.dispose()
    click.echo("数据库已是最新 · the database is up to date")


@admin.command("first-administrator")
@click.option("--login", required=True, help="The name to sign in with.")
@click.option("--name", required=True, help="The person's name.")
@click.option("--organisation", required=True, help="The centre's full name; used when it is not entered yet.")
@click.option("--uscc", default="", help="The centre's unified code (default: CENTRE_CENTRE_USCC).")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@click.option("--json", "as_json", is_flag=True)
def first_administrator(
    login: str, name: str, organisation: str, uscc: str, password_stdin: bool, as_json: bool
) -> None:
    """Make the account from which all others get their roles. Refused once there is one."""
    runtime = _runtime()
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(click.prompt("密码 · password", hide_input=True, confirmation_prompt=True))
    code = uscc or runtime.settings.centre_uscc
    user_id = add_first_administrator(runtime, NewAdministrator(organisation, code, name, login, password))
    _say({"user_id": user_id}, f"系统管理员已建立 · administrator made: {tidy_login(login)}", as_json=as_json)


@admin.group("log")
def log_group() -> None:
    """The transparency log."""


@log_group.command("resume")
@click.option("--reason", required=True, help="What was found and why publishing may go on; it is journalled.")
@click.option("--json", "as_json", is_flag=True)
def log_resume(reason: str, as_json: bool) -> None:
    """Let the publisher go on after tampering stopped it. The check that failed is made again at once."""
    if not reason.strip():
        raise click.BadParameter("say why", param_hint="--reason")
    resume_log(_runtime(), reason.strip())
    _say({"resumed": True}, "存证日志恢复发布 · the log goes on", as_json=as_json)


@admin.group("jobs")
def jobs_group() -> None:
    """Background work."""


@jobs_group.command("list")
@click.option("--state", type=click.Choice([str(state) for state in JobState]), help="Only these.")
@click.option("--json", "as_json", is_flag=True)
def jobs_list(state: str | None, as_json: bool) -> None:
    """Show jobs, those due first on top."""
    lines = list_jobs(_runtime(), JobState(state) if state else None)
    if as_json:
        shown = [{**asdict(line), "due_at": iso(line.due_at)} for line in lines]
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for line in lines:
        error = f"  {line.last_error.splitlines()[0]}" if line.last_error else ""
        click.echo(f"{line.id}  {line.state:8} {line.attempts}  {iso(line.due_at)}  {line.task} {line.key}{error}")
    if not lines:
        click.echo("没有 · none")


@jobs_group.command("retry")
@click.argument("job_ids", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True)
def jobs_retry(job_ids: tuple[str, ...], as_json: bool) -> None:
    """Try jobs again that were given up."""
    runtime = _runtime()
    for job_id in job_ids:
        retry_job(runtime, job_id)
    _say({"queued": list(job_ids)}, f"已重新排队 · queued again: {len(job_ids)}", as_json=as_json)


def _runtime() -> Runtime:
    from centre.bootstrap import configure_logging, make_runtime
    from centre.cli import read_settings

    settings = read_settings()
    configure_logging(settings.log_level)
    return make_runtime(settings)


def _say(result: dict[str, object], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else text)
