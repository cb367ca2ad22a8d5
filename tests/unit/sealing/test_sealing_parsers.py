"""What strangers send is refused for a stated reason, never believed and never a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from foundation.sealing import Binding, Header, Keyset, Malformed, Manifest, PriceSchedule, parse_receipt
from tests.unit.sealing.cases import Case, parse_cases
from tests.unit.sealing.story import seal_story

READERS: dict[str, Callable[[bytes], object]] = {
    "binding": Binding.parse,
    "header": Header.parse,
    "manifest": Manifest.parse,
    "keyset": Keyset.parse,
    "price_schedule": PriceSchedule.parse,
    "receipt": lambda data: parse_receipt(data.decode()),
}


@pytest.mark.parametrize("case", parse_cases(seal_story("parsers")), ids=lambda case: f"{case.kind}: {case.name}")
def test_a_reader_takes_the_good_and_refuses_the_rest(case: Case) -> None:
    if case.expect == "ok":
        READERS[case.kind](case.data)
        return
    with pytest.raises(Malformed) as refused:
        READERS[case.kind](case.data)
    assert (refused.value.code, refused.value.fields["reason"]) == (case.expect, case.reason)


def test_two_serialisations_of_the_same_facts_are_two_bindings() -> None:
    binding = seal_story("bytes").binding
    spaced = Binding.parse(binding.raw.replace(b",", b", "))
    assert (spaced.tender, spaced.parts) == (binding.tender, binding.parts)
    assert spaced.hash != binding.hash


def test_a_key_set_reads_back_as_it_was_written() -> None:
    for story in (seal_story("keyset"), seal_story("keyset", has_escrow=False)):
        again = Keyset.parse(story.keyset.to_bytes())
        assert again == story.keyset
        assert again.hash == story.binding.keyset
        again.check_proofs()
