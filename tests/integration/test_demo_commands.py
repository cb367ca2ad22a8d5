"""The demonstration's commands: the headless story, the check that finds tampering, and the replay of a draw."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.draws import FrozenBid, build, rank
from sandbox.story import stages
from tests.support.demo_centre import make_demo
from tests.support.told import assert_money_is_back

ROOT = Path(__file__).resolve().parents[2]
POOL = ("0.950", "0.955", "0.960")


def centre(*args: str, folder: Path | None = None, demo: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CENTRE_")}
    environment["LANG"] = "en_GB.UTF-8"
    if folder is not None:
        environment |= {"CENTRE_DATA_DIR": str(folder), "CENTRE_DEMO": "1" if demo else "0"}
    argv = [sys.executable, "-m", "centre", *args]
    return subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_headless_story_starts_its_own_centre_and_sums_up(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    done = centre("demo", "--headless", "--bidders", "3", "--json", str(summary), folder=tmp_path / "nowhere")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(summary.read_text(encoding="utf-8"))
    keys = ["stages", "bids", "refusals", "freeze", "K", "prices", "record", "journal_ok", "log_ok"]
    assert list(told) == [*keys, "ledger_ok", "ranking", "refunds", "alerts"]
    assert [one["name"] for one in told["stages"]] == [name for name, _ in stages()]
    assert all(set(one) == {"name", "seconds"} and one["seconds"] >= 0 for one in told["stages"])
    assert all(set(one) == {"tried", "code"} and "." in one["code"] for one in told["refusals"])
    assert (told["bids"], len(told["prices"]), told["journal_ok"], told["log_ok"]) == (3, 3, True, True)
    assert len(told["freeze"]) == len(told["record"]) == 64
    assert told["K"].startswith("0.9")
    assert_money_is_back(told, 3)
    refund_keys = {"name", "ground", "principal", "interest", "to_account_tail", "serial"}
    assert all(set(one) == refund_keys and len(one["to_account_tail"]) == 4 for one in told["refunds"])
    assert all(set(one) == {"rank", "name", "price", "score"} for one in told["ranking"])
    assert all(set(one) == {"code", "severity", "bidders", "number"} for one in told["alerts"])


def test_a_story_at_a_centre_that_is_not_there_ends_as_unavailable() -> None:
    done = centre("demo", "--headless", "--server", "http://127.0.0.1:9")
    assert done.returncode == 5
    assert "does not answer" in done.stderr


def test_the_check_passes_a_whole_centre_and_names_what_was_changed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    demo = make_demo(folder)
    demo.runtime.units.engine.dispose()
    whole = centre("check", "--json", folder=folder)
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout)["faults"] == []

    with sqlite3.connect(folder / "centre.db") as database:
        changed = database.execute(
            "UPDATE journal_entries SET data = replace(data, '澄岳', '澄山') WHERE stream LIKE 'org:%' AND seq = 1"
            " AND data LIKE '%澄岳%'"
        )
        assert changed.rowcount == 1
    database.close()
    broken = centre("check", "--json", folder=folder)
    assert broken.returncode == 4
    told = json.loads(broken.stdout.splitlines()[0])
    assert (told["journal_ok"], [fault["code"] for fault in told["faults"]]) == (False, ["journal.broken_chain"])
    assert told["faults"][0]["where"].startswith("org:")


def transcript(tmp_path: Path) -> tuple[Path, str]:
    made = build(
        draw_id="T/L/K",
        first=1,
        pool=POOL,
        contributions={"a" * 32: "1" * 64, "b" * 32: "2" * 64},
        beacon=None,
        is_beacon_waived_by_notice=True,
        frozen=[FrozenBid("a" * 32, 1, 3, "c" * 64), FrozenBid("b" * 32, 2, 4, "d" * 64)],
    )
    path = tmp_path / "draw.txt"
    path.write_text(made.text, encoding="utf-8")
    return path, rank(made, POOL).drawn[0]


def test_a_draw_is_replayed_from_its_transcript_alone(tmp_path: Path) -> None:
    path, value = transcript(tmp_path)
    done = centre("draw", "--transcript", str(path), "--pool", ",".join(POOL), "--expect", value, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["drawn"] == [value]


def test_a_published_result_that_the_replay_does_not_give_is_tampering(tmp_path: Path) -> None:
    path, value = transcript(tmp_path)
    other = next(one for one in POOL if one != value)
    done = centre("draw", "--transcript", str(path), "--pool", ",".join(POOL), "--expect", other)
    assert done.returncode == 4
    assert value in done.stderr
    pool_differs = centre("draw", "--transcript", str(path), "--pool", "0.950,0.955")
    assert pool_differs.returncode in {3, 4}
    assert pool_differs.stdout == ""
