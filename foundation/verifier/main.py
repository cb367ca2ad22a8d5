"""The command line of the verifier: the same in the product and in the single file that stands alone."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from foundation.verifier.comparison import Difference, compare_paths
from foundation.verifier.problems import Check, Problem
from foundation.verifier.runner import EXIT_FAILED, Report, verify_path
from foundation.verifier.wording import LIMITS, MEANINGS, STATUSES, VERDICTS, sentence_of

EXIT_USAGE = 2


def report_text(report: Report) -> str:
    """The report for people, Chinese and English."""
    shown = ("lot_code", "name", "deadline_at", "bids", "log", "size", "cosigned_at", "policy_sha256")
    lines = [f"{key}: {report.about[key]}" for key in shown if report.about.get(key)]
    for check in report.checks:
        zh, en = MEANINGS[check.name]
        status = STATUSES[check.status]
        lines += ["", f"{check.name}  {status[0]}  {status[1]}", f"    {zh}", f"    {en}"]
        lines += _findings(check)
    zh, en = VERDICTS[report.verdict]
    lines += ["", *(line for pair in LIMITS for line in pair), "", zh, en]
    return "\n".join(lines) + "\n"


def _findings(check: Check) -> list[str]:
    lines = [f"    = {check.compared}"]
    for mark, found in (("✗", check.problems), ("!", check.warnings), ("·", check.notes)):
        for one in found:
            zh, en = sentence_of(one.code)
            lines += [f"    {mark} {one}", f"      {zh} / {en}"]
    if check.more_problems:
        lines.append(f"    ✗ +{check.more_problems}")
    lines += [f"    ? 未核对，需要 {name} / not checked: needs {name}" for name in check.needs]
    return lines


def difference_text(found: Difference) -> str:
    lines = [f"+ {one}" for one in found.added]
    lines += [f"~ {one}" for one in found.changed]
    lines += [f"- {one}" for one in found.dropped]
    zh, en = (
        ("只有新增", "only additions") if not found.exit_code else ("有改动或缺失", "something was changed or dropped")
    )
    return "\n".join([*lines, zh, en]) + "\n"


def run(argv: Sequence[str], now: datetime | None, prog: str) -> int:
    """Parse arguments, verify or compare, print, and return the exit code: 0, 2 usage, 4 failed, 5 not all checked."""
    parser = argparse.ArgumentParser(prog=prog, description="核对开标数据包 · Verify an audit bundle of an opening.")
    parser.add_argument("bundle", nargs="+", type=Path, help="BUNDLE (folder or zip), or OLD NEW with --diff")
    parser.add_argument("--diff", action="store_true", help="say what the second bundle adds, changes, drops")
    parser.add_argument("--policy", type=Path, help="the tlog-policy you trust; else the bundle's own is used")
    parser.add_argument("--tsa-roots", type=Path, help="PEM certificates of time stamping authorities you trust")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    try:
        asked = parser.parse_args(argv)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    paths: list[Path] = asked.bundle
    files = [*paths, *(one for one in (asked.policy, asked.tsa_roots) if one is not None)]
    absent = [str(path) for path in files if not path.exists()]
    if absent or len(paths) != (2 if asked.diff else 1):
        sys.stderr.write(f"找不到 / not found: {' '.join(absent)}\n" if absent else parser.format_usage())
        return EXIT_USAGE
    if asked.diff:
        return _compare(paths, as_json=asked.json)
    policy, roots = (one.read_bytes() if one is not None else None for one in (asked.policy, asked.tsa_roots))
    progress = _tell if sys.stderr.isatty() and not asked.json else None
    report = verify_path(paths[0], policy=policy, tsa_roots=roots, now=now, progress=progress)
    sys.stdout.write(f"{json.dumps(report.as_json(), ensure_ascii=False)}\n" if asked.json else report_text(report))
    return report.exit_code


def _tell(name: str) -> None:
    """Which check begins, for somebody who waits."""
    sys.stderr.write(f"{name} {' / '.join(MEANINGS[name])}\n")


def _compare(paths: Sequence[Path], *, as_json: bool) -> int:
    try:
        found = compare_paths(paths[0], paths[1])
    except Problem as problem:
        told = {"verdict": "failed", "problem": {"code": problem.code, "where": problem.where}}
        sys.stdout.write(f"{json.dumps(told)}\n" if as_json else f"✗ {problem}\n")
        return EXIT_FAILED
    sys.stdout.write(f"{json.dumps(found.as_json(), ensure_ascii=False)}\n" if as_json else difference_text(found))
    return found.exit_code
