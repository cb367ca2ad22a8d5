"""Probes of the installation that will run the opening. Each measures one thing against a limit and changes nothing.

What a probe needs is in :class:`Probed`. A probe never raises for what it finds: away is a finding with a name.
"""

from __future__ import annotations

import hashlib
import shutil
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from sqlalchemy import func, select

from bid_opening import facade as bid_opening
from bid_opening.drill.report import Check, absent, all_of, at_most, failed
from bid_opening.services.beacons import relays
from foundation.actor import system
from foundation.clock import machine_now, monotonic
from foundation.draws import BeaconAway, BeaconFalse, BeaconMalformed, beacon_round, beacon_time
from foundation.draws.relay import fetch_round
from foundation.errors import CentreError
from foundation.jobs.models import Job, JobState
from foundation.publication import proofs
from foundation.publication.policy import needs_cosigner
from foundation.runtime import Runtime
from keyholding import facade as keyholding
from tendering import facade as tendering

DRILLER: Final = system("drill")
ECHO: Final = "centre.drill_echo"
OBJECT_BYTES: Final = 1024 * 1024
LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """What a centre must keep to be called ready (R3.45). Seconds unless said otherwise."""

    web: float = 2.0
    storage: float = 2.0
    disk_free_mib: int = 1024
    job_start: float = 10.0
    backlog: int = 50
    backlog_age: float = 60.0
    cosigned: float = 60.0
    holders: float = 30.0
    clock_skew: float = 2.0
    beacon: float = 5.0
    fan_out_p99: float = 1.0
    record: float = 60.0
    lines: int = 40


@dataclass(frozen=True, slots=True)
class Probed:
    """What is probed, and for which drill. ``entry_id`` is the journal entry that began it."""

    runtime: Runtime
    drill_id: str
    lot_id: str
    entry_id: str
    limits: Limits


def tls_of(runtime: Runtime) -> ssl.SSLContext | bool:
    """Believe the centre's own certificate, where it speaks TLS."""
    certificate = runtime.settings.tls_certificate
    return True if certificate is None else ssl.create_default_context(cafile=str(certificate))


def probe_lot(probed: Probed) -> tuple[Check, ...]:
    """The room is scheduled and the key set passed its rehearsal."""
    with probed.runtime.units.read() as unit:
        has_room = bid_opening.phase_of(unit, probed.lot_id) is not None
        is_rehearsed = keyholding.is_rehearsed(unit, probed.lot_id)
    return (
        all_of("room", int(has_room), 1, "rooms", why="no_room"),
        all_of("keyset", int(is_rehearsed), 1, "keysets", why="not_rehearsed"),
    )


def probe_web(probed: Probed) -> tuple[Check, ...]:
    """The pages answer, and every check of their own is well."""
    began = monotonic()
    try:
        answer = httpx.get(
            f"{probed.runtime.settings.web_origin}/readyz",
            timeout=probed.limits.web * 2,
            verify=tls_of(probed.runtime),
            trust_env=False,
            headers={"Accept": "application/json"},
        )
    except httpx.HTTPError:
        return (failed("web", "unreachable", probed.runtime.settings.web_origin),)
    if answer.status_code != httpx.codes.OK:
        bad = [name for name, word in answer.json().get("checks", {}).items() if word != "ok"]
        return (failed("web", "not_well", *bad),)
    return (at_most("web", monotonic() - began, probed.limits.web, "seconds"),)


def probe_storage(probed: Probed) -> tuple[Check, ...]:
    """Write a mebibyte, read it back, compare, remove it; and how much room the data folder has left."""
    objects, name = probed.runtime.objects, f"drills/{probed.drill_id}/probe"
    content = hashlib.sha256(probed.drill_id.encode()).digest() * (OBJECT_BYTES // 32)
    began = monotonic()
    try:
        objects.put_once(name, content)
        is_same = objects.get(name) == content
        objects.delete_prefix(name)
    except CentreError as error:
        return (failed("storage", "refused", str(error.fields.get("reason", error.code))), _disk(probed))
    if not is_same:
        return (failed("storage", "bytes_differ"), _disk(probed))
    return (at_most("storage", monotonic() - began, probed.limits.storage, "seconds"), _disk(probed))


def _disk(probed: Probed) -> Check:
    free = shutil.disk_usage(probed.runtime.settings.data_dir).free // (1024 * 1024)
    return all_of("disk", free, probed.limits.disk_free_mib, "mib", why="under_limit")


def probe_jobs(probed: Probed) -> tuple[Check, ...]:
    """What waits although it is due, and how long an ordinary job waits to be done."""
    runtime, limits = probed.runtime, probed.limits
    with runtime.units.read() as unit:
        due, oldest = unit.session.execute(
            select(func.count(), func.min(Job.due_at)).where(Job.state == JobState.QUEUED, Job.due_at <= unit.at)
        ).one()
        age = max(0.0, (unit.at - oldest).total_seconds()) if oldest is not None else 0.0
    began = monotonic()
    with runtime.units.begin(DRILLER) as unit:
        unit.enqueue(ECHO, f"{probed.drill_id}:{unit.new_id()}", {"drill": probed.drill_id})
    seconds = _wait(lambda: _echo_is_done(probed), limits.job_start)
    started = (
        failed("job_start", "no_worker")
        if seconds is None
        else at_most("job_start", monotonic() - began, limits.job_start, "seconds")
    )
    return (
        at_most("backlog", due, limits.backlog, "jobs"),
        at_most("backlog_age", age, limits.backlog_age, "seconds"),
        started,
    )


def _echo_is_done(probed: Probed) -> bool:
    with probed.runtime.units.read() as unit:
        newest = select(Job.state).where(Job.task == ECHO, Job.key.startswith(f"{probed.drill_id}:"))
        return unit.session.scalar(newest.order_by(Job.id.desc()).limit(1)) is JobState.DONE


def probe_log(probed: Probed) -> tuple[Check, ...]:
    """How long the drill's own (blinded) entry takes into the cosigned log."""
    runtime, limit = probed.runtime, probed.limits.cosigned
    seconds = _wait(lambda: _is_cosigned(probed), limit)
    if seconds is None:
        return (failed("log", "not_cosigned"),)
    found = at_most("log", seconds, limit, "seconds")
    if not needs_cosigner(runtime.settings):
        return (found, absent("cosigner", "no_cosigner"))
    return (found,)


def _is_cosigned(probed: Probed) -> bool:
    with probed.runtime.units.read() as unit:
        return proofs.is_cosigned(unit, probed.entry_id)


def probe_holders(probed: Probed) -> tuple[Check, ...]:
    """Every holder's agent asks for work again while we wait. No key is asked for, none is touched."""
    since = machine_now()
    _wait(lambda: not _silent(probed, since), probed.limits.holders)
    with probed.runtime.units.read() as unit:
        holders = keyholding.holders_present(unit, probed.lot_id)
    if not holders:
        return (failed("holders", "no_keyset"),)
    agents = [one for one in holders if one.has_agent]
    by_hand = [one for one in holders if not one.has_agent and one.acts_by_hand]
    silent = _silent(probed, since)
    nobody = [one for one in holders if not one.has_agent and not one.acts_by_hand]
    wanted = len(agents) + len(nobody)
    names = [f"{one.org_name} {one.holder_name}" for one in (*silent, *nobody)]
    found = []
    if wanted:
        found.append(all_of("holders", wanted - len(names), wanted, "agents", why="silent", names=names))
    if by_hand:
        hands = tuple(f"{one.org_name} {one.holder_name}" for one in by_hand)
        told = absent("holders_by_hand", "by_hand")
        found.append(Check(told.code, told.state, why=told.why, names=hands))
    return tuple(found)


def _silent(probed: Probed, since: datetime) -> list[keyholding.HolderPresence]:
    with probed.runtime.units.read() as unit:
        holders = keyholding.holders_present(unit, probed.lot_id)
    return [one for one in holders if one.has_agent and (one.last_seen_at is None or one.last_seen_at < since)]


def probe_beacon(probed: Probed) -> tuple[Check, ...]:
    """Each relay gives the newest round of the beacon, and it verifies; nothing to do where none is announced."""
    with probed.runtime.units.read() as unit:
        card = tendering.lot_card(unit, probed.lot_id)
    if not card.beacon:
        return (absent("beacon", "no_beacon"),)
    urls = relays(probed.runtime.settings)
    if not urls:
        return (failed("beacon", "no_relay"),)
    number = beacon_round(machine_now())
    while beacon_time(number) > machine_now() - timedelta(seconds=30):
        number -= 1
    bad = [url for url in urls if not _gives(url, number, probed.limits.beacon)]
    return (all_of("beacon", len(urls) - len(bad), len(urls), "relays", why="relay_away", names=bad),)


def _gives(url: str, number: int, seconds: float) -> bool:
    try:
        fetch_round(url, number, timeout=seconds)
    except (BeaconAway, BeaconMalformed, BeaconFalse):
        return False
    return True


def probe_clock(probed: Probed) -> tuple[Check, ...]:
    """The machine's clock against that of the cosigner, which stands on another machine; one second is its step."""
    settings, limit = probed.runtime.settings, probed.limits.clock_skew
    if not needs_cosigner(settings):
        return (absent("clock", "no_cosigner"),)
    told = date_of(settings.cosigner_url)
    if told is None:
        return (failed("clock", "no_reference", settings.cosigner_url),)
    # The header is cut to the second: half a second is taken for what was cut off.
    skew = abs((machine_now() - told - timedelta(seconds=0.5)).total_seconds())
    return (at_most("clock", skew, limit, "seconds", why="clock_skewed"),)


def date_of(url: str) -> datetime | None:
    """What time a web server says it is; None where it does not answer or does not say."""
    try:
        header = httpx.get(url, timeout=5.0, trust_env=False).headers.get("date", "")
    except httpx.HTTPError:
        return None
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def _wait(is_done: Callable[[], bool], seconds: float) -> float | None:
    """Until it is done: after how many seconds; None when it never was."""
    began, pause = monotonic(), threading.Event()
    while not is_done():
        if monotonic() - began >= seconds:
            return None
        pause.wait(LOOK_SECONDS)
    return monotonic() - began
