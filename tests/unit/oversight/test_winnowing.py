"""Signs, fingerprints and masks: what is the same text is found, wherever it stands."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from oversight.winnowing import GRAM, GUARANTEE, WINDOW, cover, grams, hashes, hidden_marks, read, winnow
from tests.unit.oversight.chinese import prose


def test_signs_are_letters_digits_and_ideographs_and_know_their_place() -> None:
    text = read(["第 3 页：ＡＢ，外墙\u200b空鼓", "⼀、防水（二）"])
    assert text.signs == "第3页ab外墙空鼓一防水二"
    assert text.quote(5, 9) == "外墙\u200b空鼓"
    assert [text.page_of(at) for at in (0, 8, 9, 12)] == [1, 1, 2, 2]
    assert text.before(9, 3) == "空鼓\n"
    assert text.after(12, 5) == "（二）"
    assert hidden_marks(text.raw) == 1


def test_no_text_has_no_fingerprints() -> None:
    assert winnow(read([]).signs) == []
    assert winnow("短") == []
    assert len(winnow("一" * GRAM)) == 1


@given(st.text("甲乙丙丁戊己庚辛", min_size=GRAM, max_size=200))
def test_every_window_keeps_its_smallest_hash(signs: str) -> None:
    found, chosen = hashes(signs), dict(winnow(signs))
    assert all(found[at] == value for at, value in chosen.items())
    for start in range(max(1, len(found) - WINDOW + 1)):
        window = found[start : start + WINDOW]
        assert any(found[at] == min(window) for at in chosen if start <= at < start + WINDOW)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(GUARANTEE, 80))
def test_a_common_run_of_the_guaranteed_length_leaves_a_common_fingerprint(left: int, right: int, size: int) -> None:
    copied = prose("copied", size).replace("，", "")
    first, second = (
        read([prose(f"{name}{at}", at) + copied + prose(f"{name}", 40)]) for name, at in (("a", left), ("b", right))
    )
    shared = {value for _, value in winnow(first.signs)} & {value for _, value in winnow(second.signs)}
    assert shared & set(hashes(copied))


def test_fingerprints_are_the_same_in_every_process() -> None:
    signs = prose("stable", 400).replace("，", "")
    program = f"from oversight.winnowing import winnow; print(sum(v for _, v in winnow({signs!r})))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(said.stdout) == sum(value for _, value in winnow(signs))


def test_a_known_text_is_covered_whole_and_nothing_beside_it() -> None:
    tender, own = prose("tender", 60).replace("，", ""), prose("own", 60).replace("，", "")
    mask = bytearray(len(own) + len(tender) + len(own))
    cover(own + tender + own, grams(tender), 7, mask)
    assert mask[len(own) : len(own) + len(tender)] == bytes([7]) * len(tender)
    assert mask.count(0) == 2 * len(own)
