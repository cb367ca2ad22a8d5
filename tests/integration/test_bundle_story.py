"""A real opening, bundled and verified; what a bundle holds back; and how it is made, kept and compared."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from centre.bundles.archive import prepare
from centre.bundles.errors import BundleNotReady
from centre.bundles.gather import Tier
from centre.bundles.issuing import bundles_of, make_bundle
from evaluation.services import cases
from foundation.errors import NotFound
from foundation.events.evaluation import EvaluationFailed
from foundation.verifier import compare_paths, verify_path
from foundation.verifier.export import single_file
from foundation.verifier.main import run
from tests.support.tender_world import TESTS
from tests.support_bundle import Files, bundled_opening, files_of, findings, lines, policy_of, statuses, verified
from tests.support_opening import Opening


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opening]:
    """An opening of four bids of which one was replaced, and one withdrawn in time."""
    with bundled_opening(tmp_path_factory.mktemp("opened"), bids=4) as (opening, _):
        bidder, first = opening.bidders[0], opening.sealed[0]
        again = bidder.seal(opening.lot, after=first, files={**first_files(first), "price_schedule": PRICES})
        bidder.hand_in(opening.lot, again)
        opening.sealed[0] = again
        withdraw(opening, 3)
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        yield opening


PRICES = json.dumps(
    {
        "v": 1,
        "currency": "CNY",
        "total": "9000000.5",
        "duration_days": 170,
        "quality": "合格",
        "project_manager": "经理",
    },
    ensure_ascii=False,
).encode()


def first_files(made: Any) -> dict[str, bytes]:
    return dict.fromkeys(made.parts, b"again")


def withdraw(opening: Opening, index: int) -> None:
    from tendering.services.seals import withdraw_bid

    bidder = opening.bidders.pop(index)
    opening.sealed.pop(index)
    with opening.world.units.begin(bidder.actor) as unit:
        withdraw_bid(unit, opening.lot.id, unit.at)


def public_files(opening: Opening) -> Files:
    return files_of(opening, Tier.PUBLIC)


def written(opening: Opening, folder: Path, tier: Tier = Tier.PUBLIC) -> Path:
    path = folder / f"{tier}.zip"
    bundle = prepare(opening.world.runtime, opening.lot.id, tier)
    path.write_bytes(b"".join(bundle.zip_bytes()))
    bundle.close()
    return path


@pytest.mark.parametrize("tier", Tier)
def test_a_real_opening_verifies_in_both_tiers(opened: Opening, tier: Tier) -> None:
    report = verified(files_of(opened, tier), policy_of(opened))
    assert findings(report) == []
    assert report.verdict == "verified"
    assert statuses(report)["V12"] == "warning"  # one cosigner only
    assert all(check.compared for check in report.checks)


def test_the_public_tier_holds_no_half_no_further_part_and_nothing_of_withdrawn_bids(opened: Opening) -> None:
    public, whole = public_files(opened), files_of(opened, Tier.REGULATOR)
    halves = [one["r_bid"] for one in lines(whole, "r-bid.jsonl")]
    assert len(halves) == 3
    everything = b"".join(public.values())
    assert not any(half.encode() in everything or bytes.fromhex(half) in everything for half in halves)
    assert {name.split("/")[2] for name in public if name.startswith("parts/")} == {"price_schedule.cob"}
    assert {name.split("/")[2] for name in whole if name.startswith("parts/")} > {"price_schedule.cob"}
    sealed = [record_type(one) for one in lines(public, "leaves.jsonl") if "record" in one]
    in_whole = [record_type(one) for one in lines(whole, "leaves.jsonl") if "record" in one]
    assert sealed.count("tendering.bid_sealed") == 4  # three live ones and the revision that was replaced
    assert in_whole.count("tendering.bid_sealed") == 5
    assert "tendering.bid_withdrawn" in in_whole
    assert "tendering.bid_withdrawn" not in sealed


def record_type(line: dict[str, Any]) -> str:
    return str(json.loads(line["record"])["type"])


def test_there_is_no_bundle_before_the_opening_record(tmp_path: Path) -> None:
    with bundled_opening(tmp_path) as (opening, _):
        runtime, lot = opening.world.runtime, opening.lot.id
        for tier in Tier:
            with pytest.raises(BundleNotReady):
                prepare(runtime, lot, tier)
        opening.to_window_closed()
        for tier in Tier:
            with pytest.raises(BundleNotReady):
                prepare(runtime, lot, tier)
        assert make_bundle(runtime, lot) is None
        assert bundles_of(runtime.objects, lot) == []
        assert list(runtime.scratch_dir.iterdir()) == []
        with pytest.raises(NotFound):
            prepare(runtime, "019a0000-0000-7000-8000-000000000000", Tier.PUBLIC)


def test_the_same_bundle_has_the_same_bytes_and_a_later_one_only_adds(opened: Opening, tmp_path: Path) -> None:
    runtime, lot = opened.world.runtime, opened.lot.id
    first = make_bundle(runtime, lot)
    assert first is not None
    assert make_bundle(runtime, lot) == first
    old = tmp_path / "old.zip"
    old.write_bytes(runtime.objects.get(first))
    assert old.read_bytes() == written(opened, tmp_path).read_bytes()
    with opened.world.units.begin(TESTS) as unit:
        unit.append(cases.public_stream(lot), EvaluationFailed(lot, ()))
    opened.publish()
    second = make_bundle(runtime, lot)
    assert second is not None
    assert second > first
    new = tmp_path / "new.zip"
    new.write_bytes(runtime.objects.get(second))
    assert bundles_of(runtime.objects, lot) == [first, second]
    found = compare_paths(old, new)
    assert (found.changed, found.dropped, found.exit_code) == ([], [], 0)
    assert any("evaluation.failed" in one or one.startswith("leaves.jsonl") for one in found.added)
    back = compare_paths(new, old)
    assert back.exit_code == 4
    assert any(one.startswith("leaves.jsonl") for one in back.dropped)
    assert verify_path(new, policy=policy_of(opened)).verdict == "verified"


def test_a_folder_and_a_zip_say_the_same(opened: Opening, tmp_path: Path) -> None:
    bundle = prepare(opened.world.runtime, opened.lot.id, Tier.REGULATOR)
    bundle.write_folder(tmp_path / "folder")
    bundle.close()
    assert list(opened.world.runtime.scratch_dir.glob("bundle-*")) == []
    sums = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "folder", check=False)
    assert sums.returncode == 0
    assert verify_path(tmp_path / "folder", policy=policy_of(opened)).verdict == "verified"
    zipped = written(opened, tmp_path, Tier.REGULATOR)
    unpacked = subprocess.run([sys.executable, "-m", "zipfile", "-t", str(zipped)], check=False, capture_output=True)
    assert unpacked.returncode == 0
    assert compare_paths(tmp_path / "folder", zipped).exit_code == 0
    (tmp_path / "folder" / "extra").symlink_to("/etc/hostname")
    assert verify_path(tmp_path / "folder").verdict == "failed"


@pytest.mark.slow
def test_the_single_file_runs_without_the_product(opened: Opening, tmp_path: Path) -> None:
    """In a process that can import ``cryptography`` and nothing else that is not Python's own."""
    script, bundle, policy = tmp_path / "verify-bundle.py", written(opened, tmp_path), tmp_path / "policy.txt"
    script.write_text(single_file(), encoding="utf-8")
    policy.write_bytes(policy_of(opened))
    import cryptography

    site = Path(cryptography.__file__).parents[1]
    allowed = "{'cryptography', 'cffi', '_cffi_backend', '_cffi_src', 'typing_extensions', 'pycparser'}"
    starter = (
        "import sys, runpy\n"
        "class Guard:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] not in {allowed} | set(sys.stdlib_module_names):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Guard())\n"
        f"sys.path.append({str(site)!r})\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", starter, str(script), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    done = call(str(bundle), "--policy", str(policy), "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["verdict"] == "verified"
    told = call(str(bundle))
    assert told.returncode == 0
    assert "一致：数据包经得起全部核对" in told.stdout
    assert "Verified: the bundle holds under every check" in told.stdout
    damaged = bytearray(bundle.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    bundle.write_bytes(damaged)
    assert call(str(bundle), "--policy", str(policy)).returncode == 4
    assert call(str(tmp_path / "nothing.zip")).returncode == 2


def test_the_command_line_keeps_its_exit_codes(
    opened: Opening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, policy = written(opened, tmp_path), tmp_path / "policy.txt"
    policy.write_bytes(policy_of(opened))
    assert run([str(bundle), "--policy", str(policy), "--json"], None, "verify") == 0
    report = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in report["checks"]] == [f"V{number}" for number in range(13)]
    assert report["about"]["policy"] == "pinned"
    policy.write_bytes(policy_of(opened).replace(b"quorum cosigner", b"quorum none"))
    assert run([str(bundle), "--policy", str(policy)], None, "verify") == 4
    assert "policy.differs" in capsys.readouterr().out
    assert run(["--diff", str(bundle), str(bundle)], None, "verify") == 0
    assert run(["--diff", str(bundle)], None, "verify") == 2
    assert run([str(tmp_path / "absent")], None, "verify") == 2
    (tmp_path / "text.zip").write_text("not a zip")
    assert run([str(tmp_path / "text.zip")], None, "verify") == 4
    assert run(["--diff", str(bundle), str(tmp_path / "text.zip")], None, "verify") == 4


def test_the_job_after_the_record_waits_for_the_log_and_then_makes_the_bundle(tmp_path: Path) -> None:
    with bundled_opening(tmp_path) as (opening, _):
        runtime, lot = opening.world.runtime, opening.lot.id
        opening.to_closed()
        assert opening.run_jobs() == []
        assert bundles_of(runtime.objects, lot) == []  # the record is not in a cosigned log yet
        opening.publish()
        for _ in range(4):
            opening.at(opening.world.clock.now() + timedelta(seconds=5))
            assert opening.run_jobs() == []
        (name,) = bundles_of(runtime.objects, lot)
        path = tmp_path / "kept.zip"
        path.write_bytes(runtime.objects.get(name))
        assert verify_path(path, policy=policy_of(opening)).verdict == "verified"
