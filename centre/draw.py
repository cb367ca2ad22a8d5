"""``centre draw``: replay a draw on one's own machine from its published transcript. Needs no centre and no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from foundation.draws import check_beacon, replay
from foundation.errors import Tampering

MAX_BYTES: Final = 4 * 1024 * 1024


class DrawDiffers(Tampering):
    """The replay gives another result than the published one. Fields: ``drawn``, ``published``."""

    code = "centre.draw_differs"


@click.command("draw")
@click.option(
    "--transcript",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The transcript as published (text, ends with a line break).",
)
@click.option("--pool", required=True, help="The values drawn from, in their published order, comma separated.")
@click.option("--expect", default="", help="The published result, comma separated; exit 4 when the replay differs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def draw(transcript: Path, pool: str, expect: str, as_json: bool) -> None:
    """Replay a public draw and compare it with what was published."""
    values = tuple(value.strip() for value in pool.split(",") if value.strip())
    with transcript.open("rb") as file:
        text = file.read(MAX_BYTES + 1).decode()
    ranking = replay(text, values)
    drawn, seed, beacon = ranking.drawn, ranking.transcript.seed, ranking.transcript.beacon
    if beacon is not None:
        check_beacon(beacon)
    if as_json:
        told = {"seed": seed, "drawn": drawn, "beacon_round": None if beacon is None else beacon.round}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        if beacon is not None:
            click.echo(f"公共随机数 beacon  drand {beacon.round} ✓")
        click.echo(f"种子 seed  {seed}")
        click.echo(f"抽取 drawn {', '.join(drawn)}")
    published = tuple(value.strip() for value in expect.split(",") if value.strip())
    if published and published != drawn:
        raise DrawDiffers(drawn=list(drawn), published=list(published))
