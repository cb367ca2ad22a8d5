"""``centre draw`` believes a beacon line only with its signature."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from centre.draw import draw
from foundation.draws import Beacon, BeaconFalse, FrozenBid, build, rank

POOL = ("0.950", "0.955", "0.960")
VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "drand_beacons.json"


def transcript(folder: Path, *, round_: int) -> tuple[Path, str]:
    told = json.loads(VECTORS.read_text(encoding="utf-8"))["beacons"][0]
    made = build(
        draw_id="T/L/K",
        first=1,
        pool=POOL,
        contributions={"a" * 32: "1" * 64},
        beacon=Beacon(told["chain_hash"], round_, told["signature"]),
        frozen=[FrozenBid("a" * 32, 1, 3, "c" * 64)],
    )
    path = folder / "draw.txt"
    path.write_text(made.text, encoding="utf-8")
    return path, rank(made, POOL).drawn[0]


def test_a_true_beacon_is_checked_and_named(tmp_path: Path) -> None:
    path, value = transcript(tmp_path, round_=1000)
    done = CliRunner().invoke(draw, ["--transcript", str(path), "--pool", ",".join(POOL), "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["drawn"], told["beacon_round"]) == ([value], 1000)


def test_a_beacon_of_another_round_stops_the_replay(tmp_path: Path) -> None:
    path, _ = transcript(tmp_path, round_=999)
    done = CliRunner().invoke(draw, ["--transcript", str(path), "--pool", ",".join(POOL)])
    assert isinstance(done.exception, BeaconFalse)
    assert done.stdout == ""
