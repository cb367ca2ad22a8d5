"""A holder's keys come back from an age file and from paper, and the restored agent does what the lost one would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from foundation.sealing import KeyFile, WrongKey
from keyholding.agent import holder_agent
from keyholding.backup import read_sheets, restore_backup, restore_paper, write_backup, write_paper
from keyholding.errors import BackupRefused, KeyMissing, PaperMalformed, PolicyRefused
from tests.unit.keyholding.world import LOT, POLICY, World, build

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


def lose(world: World, org: str) -> Path:
    """The machine is gone, and its folder with it."""
    agent = world.opened.pop([*world.tokens].index(org))
    agent.close()
    folder = world.folder / org
    shutil.rmtree(folder)
    return folder


def test_an_agent_killed_and_restored_from_its_backup_releases_its_key(world: World) -> None:
    world.rehearsed(custodians=False)
    data = write_backup(world.folder / "住建局", PASSPHRASE)
    assert data.startswith(b"age-encryption.org/v1\n-> scrypt ")
    folder = lose(world, "住建局")
    world.ask_gate(world.close_window())
    empty = world.agent("住建局")
    assert empty.poll().refused == (KeyMissing.code,)
    world.opened.remove(empty)
    empty.close()
    shutil.rmtree(folder)
    assert restore_backup(folder, data, PASSPHRASE).keys == 1
    assert restore_backup(folder, data, PASSPHRASE).lots == 1  # again: nothing changes
    restored = world.agent("住建局", policy_text="")
    assert restored.poll().done == 1
    assert list(world.gate_keys()) == [1]


def test_a_backup_is_opened_by_its_passphrase_only_and_replaces_nothing(world: World, tmp_path: Path) -> None:
    world.rehearsed(custodians=False)
    data = write_backup(world.folder / "住建局", PASSPHRASE)
    with pytest.raises(WrongKey):
        restore_backup(tmp_path / "new", data, "another passphrase")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "policy.txt").write_text(f"{POLICY}# mine\n", encoding="utf-8")
    with pytest.raises(PolicyRefused):
        restore_backup(tmp_path / "other", data, PASSPHRASE)
    restore_backup(tmp_path / "new", data, PASSPHRASE)
    (path,) = (tmp_path / "new" / "lots").rglob("*.key")
    kept = (world.folder / "审计局" / "lots").rglob("*.key")
    path.write_bytes(next(kept).read_bytes())
    with pytest.raises(BackupRefused) as refused:
        restore_backup(tmp_path / "new", data, PASSPHRASE)
    assert refused.value.fields["reason"] == "differs"
    with pytest.raises(BackupRefused):
        write_backup(tmp_path / "nothing", PASSPHRASE)


def test_a_sheet_typed_from_paper_gives_the_same_key_and_a_slip_is_found_in_its_row(
    world: World, tmp_path: Path
) -> None:
    world.rehearsed(custodians=False)
    text = write_paper(world.folder / "住建局", PASSPHRASE)
    ((lot, age),) = read_sheets(text)
    assert lot == LOT
    assert KeyFile.parse(age, PASSPHRASE).public_key.hex() == world.card().holders[1].public_key
    lines = text.splitlines()
    assert max(map(len, lines)) < 80
    for row in (1, 7):
        # Two characters exchanged: the likeliest slip of a hand.
        typed = lines[row][:4] + lines[row][5] + lines[row][4] + lines[row][6:]
        assert typed != lines[row]
        with pytest.raises(PaperMalformed) as refused:
            list(read_sheets("\n".join([*lines[:row], typed, *lines[row + 1 :]])))
        assert refused.value.fields["row"] == row
    with pytest.raises(PaperMalformed):
        list(read_sheets("\n".join(lines[:-1])))
    loose = text.replace(" ", "  ").replace("  =  ", " = ").replace("etender-paper/v1  ", "etender-paper/v1 ")
    loose = "\n".join([lines[0], *(line.replace("  ", " ", 1) for line in loose.splitlines()[1:])])
    assert list(read_sheets(loose)) == [(lot, age)]
    folder = lose(world, "住建局")
    restore_paper(folder, text, PASSPHRASE, POLICY)
    world.ask_gate(world.close_window())
    assert world.agent("住建局").poll().done == 1


def test_the_command_keeps_and_brings_back(world: World, tmp_path: Path) -> None:
    world.rehearsed(custodians=False)
    folder, backup, paper = world.folder / "审计局", tmp_path / "keys.age", tmp_path / "keys.txt"
    env = {"HOLDER_BACKUP_PASSPHRASE": PASSPHRASE}
    run = CliRunner().invoke
    assert run(holder_agent, ["--state", str(folder), "--backup", str(backup)], env=env).exit_code == 0
    assert run(holder_agent, ["--state", str(folder), "--backup", str(backup)], env=env).exit_code != 0
    assert run(holder_agent, ["--state", str(folder), "--paper", str(paper)], env=env).exit_code == 0
    assert backup.stat().st_mode & 0o777 == 0o600
    wanted = sorted(path.read_bytes() for path in (folder / "lots").rglob("*.key"))
    lose(world, "审计局")
    (tmp_path / "policy.txt").write_text(POLICY, encoding="utf-8")
    for source, more in ((backup, []), (paper, ["--policy", str(tmp_path / "policy.txt")])):
        place = tmp_path / f"from-{source.name}"
        told = run(holder_agent, ["--state", str(place), "--restore", str(source), *more], env=env)
        assert told.exit_code == 0, told.output
        assert sorted(path.read_bytes() for path in (place / "lots").rglob("*.key")) == wanted
    assert run(holder_agent, ["--state", str(folder)]).exit_code == 2
