"""Run every check over one bundle and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from foundation.verifier.checks_bids import check_envelopes, check_list, check_times
from foundation.verifier.checks_draws import check_draws
from foundation.verifier.checks_keys import check_gate, check_prices, check_shares
from foundation.verifier.checks_log import check_entries, check_files, check_growth, check_signatures
from foundation.verifier.checks_order import check_order, check_weaknesses
from foundation.verifier.container import Files, ZipFiles, open_files
from foundation.verifier.evidence import Evidence
from foundation.verifier.problems import Check, Problem
from foundation.verifier.reading import sha256_hex
from foundation.verifier.signed import TreeHead

NAMES = ("V0", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10", "V11", "V12")
EXIT_VERIFIED, EXIT_FAILED, EXIT_INCOMPLETE = 0, 4, 5
Progress = Callable[[str], None]


@dataclass
class Report:
    """What was checked. ``verdict``: verified, failed, or incomplete (nothing failed, something was not checked)."""

    checks: list[Check]
    about: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        states = {check.status for check in self.checks}
        if "failed" in states:
            return "failed"
        return "incomplete" if "not_checked" in states else "verified"

    @property
    def exit_code(self) -> int:
        """0 verified, 4 failed, 5 something could not be checked here."""
        return {"verified": EXIT_VERIFIED, "failed": EXIT_FAILED}.get(self.verdict, EXIT_INCOMPLETE)

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "about": self.about,
            "checks": [
                {
                    "name": check.name,
                    "status": check.status,
                    "compared": check.compared,
                    "problems": [_as_json(one) for one in check.problems],
                    "more_problems": check.more_problems,
                    "warnings": [_as_json(one) for one in check.warnings],
                    "notes": [_as_json(one) for one in check.notes],
                    "needs": check.needs,
                }
                for check in self.checks
            ],
        }


def _as_json(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "where": problem.where, "detail": problem.detail}


def verify_path(
    path: Path,
    *,
    policy: bytes | None = None,
    tsa_roots: bytes | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Report:
    """Verify a bundle, a folder or a zip.

    ``policy``: the C2SP tlog-policy the reader trusts; without it the bundle's own is taken, which proves nothing
    against whoever made the bundle. ``tsa_roots``: PEM certificates that time stamps are checked against. ``now``:
    cosignatures dated later do not count; None leaves them unjudged.
    """
    try:
        files = open_files(path)
    except Problem as problem:
        return _unreadable(problem)
    try:
        return verify_files(files, policy=policy, tsa_roots=tsa_roots, now=now, progress=progress)
    finally:
        if isinstance(files, ZipFiles):
            files.close()


def _unreadable(problem: Problem) -> Report:
    checks = [Check(name) for name in NAMES]
    for check in checks:
        check.add(problem)
    return Report(checks)


def verify_files(
    files: Files,
    *,
    policy: bytes | None = None,
    tsa_roots: bytes | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Report:
    """As :func:`verify_path`, over files that are open."""
    evidence = Evidence(files, policy, now, tsa_roots)
    report = Report([Check(name) for name in NAMES])
    checks = {check.name: check for check in report.checks}
    say = progress or (lambda _name: None)
    say("V0")
    check_files(checks["V0"], evidence)
    say("V1")
    heads = checks["V1"].attempt(check_signatures, checks["V1"], evidence) or []
    say("V2")
    check_growth(checks["V2"], heads)
    say("V3")
    newest: TreeHead | None = heads[-1][0] if heads else None
    checks["V3"].attempt(check_entries, checks["V3"], evidence, newest)
    later: tuple[tuple[str, Callable[[Check, Evidence], None]], ...] = (
        ("V4", check_times),
        ("V5", check_list),
        ("V6", check_envelopes),
        ("V7", check_shares),
        ("V8", check_gate),
        ("V9", check_prices),
        ("V10", check_draws),
        ("V11", check_order),
        ("V12", check_weaknesses),
    )
    for name, act in later:
        say(name)
        # An accessor may meet a malformed file outside any single comparison: that is this check's own problem.
        checks[name].attempt(act, checks[name], evidence)
    report.about = _about(evidence)
    return report


def _about(evidence: Evidence) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        tender = evidence.tender
        found = {
            "lot": tender.lot,
            "lot_code": tender.lot_code,
            "name": tender.name,
            "tier": tender.tier,
            "clock": "demo" if tender.is_demo else "civil",
            "deadline_at": tender.deadline_at,
            "bids": str(len(tender.bids)),
            "policy_sha256": sha256_hex(evidence.policy),
        }
    except Problem:
        pass
    found["policy"] = "pinned" if evidence.pinned_policy is not None else "own"
    if evidence.heads:
        head = evidence.heads[-1]
        found |= {"log": head.origin, "size": str(head.size), "leaves": str(len(evidence.leaves))}
        found["cosigned_at"] = head.at.isoformat() if head.at is not None else ""
    return found
