"""Opens a part into the scratch folder and dies by its own SIGKILL between writing and renaming.

Argument: the data folder. With ``worker`` as second argument it starts the centre's worker there instead.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from centre.bootstrap import configure_logging, make_runtime
from foundation.clock import pause
from foundation.sealing import content_key, open_part, part_key
from foundation.settings import Settings
from tests.unit.sealing.story import seal_story


def die_half_way(folder: Path) -> None:
    runtime = make_runtime(Settings(data_dir=folder))
    story = seal_story()
    header = story.sealed.header
    part = story.sealed.manifest.part("technical")
    key = part_key(content_key(header, story.r_bid, story.r_gate), part.id)

    def killed(_self: Path, _target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGKILL)
        pause(60)
        raise AssertionError("still alive")

    Path.replace = killed  # type: ignore[assignment, method-assign]
    open_part(story.stream(part.id), part, key, header, runtime.scratch_dir / "technical.pdf")


def work(folder: Path) -> None:
    from centre.worker import run_worker

    configure_logging("info")
    run_worker(make_runtime(Settings(data_dir=folder)), ready_file=str(folder / "ready"))


if __name__ == "__main__":
    (work if sys.argv[2:] == ["worker"] else die_half_way)(Path(sys.argv[1]))
