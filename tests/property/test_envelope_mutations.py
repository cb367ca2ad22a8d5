"""Envelopes changed somewhere, in both suites: none opens to anything but what was sealed, each fails by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import pytest

from foundation.sealing import S1, S2, Header, Suite, sm2
from tests.conftest import SOAK
from tests.support_envelopes import CONTENTS, Campaign, Dice, Envelope, failure_of

SEEDS = 20
TOTAL = {"S1": 100_000 if SOAK else 2_000, "S2": 40_000 if SOAK else 2_000}
"""How many of each suite: the arithmetic of SM2 is some ten times slower, even with what is remembered."""
CASES = [(suite, seed) for suite in (S1, S2) for seed in range(SEEDS)]
campaign_in = cache(Campaign)


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same wrap under the same key, and the same signature, are worked out once: most damage leaves them alone."""
    monkeypatch.setattr(sm2, "decrypt", decrypt_once)
    monkeypatch.setattr(sm2, "verifies", verify_once)


decrypt_once = cache(sm2.decrypt)
verify_once = cache(sm2.verifies)


def named(case: tuple[Suite, int]) -> str:
    return f"{case[0].name} {case[1]}"


@pytest.mark.parametrize("suite", [S1, S2], ids=lambda suite: suite.name)
def test_the_honest_envelope_opens_and_one_signed_again_too(suite: Suite) -> None:
    campaign = campaign_in(suite)
    for envelope in (campaign.honest, campaign.signed_again(campaign.honest)):
        campaign.receive(envelope)
        assert campaign.opened(envelope) == CONTENTS


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("case", CASES, ids=named)
def test_no_mutated_envelope_opens_to_a_wrong_plaintext_and_each_fails_by_name(case: tuple[Suite, int]) -> None:
    suite, seed = case
    campaign, dice = campaign_in(suite), Dice(f"mutations {seed}")
    count = TOTAL[suite.name] // SEEDS
    refused = unopened = 0
    for number in range(count):
        envelope = campaign.mutated(dice)
        if number % 3 == 0 and not failure_of(partial(Header.parse, envelope.header)):
            envelope = campaign.signed_again(envelope)
        refusal = failure_of(partial(campaign.receive, envelope))
        # A store may change bytes after they were received, so what is refused is opened all the same.
        failure = failure_of(same_as_sealed(campaign, envelope, is_received=not refusal))
        for code in filter(None, (refusal, failure)):
            assert code.startswith("sealing."), code
        # Only a signature may be changed without harm to the content, and that is refused; ciphertext is not read
        # when a bid is received, and does not open. An envelope signed again over the honest parts is honest.
        assert refusal or failure or envelope.parts == campaign.honest.parts, f"number {number}"
        refused += bool(refusal)
        unopened += bool(failure)
    assert refused > count // 3
    assert unopened > count // 3


def same_as_sealed(campaign: Campaign, envelope: Envelope, *, is_received: bool) -> Callable[[], None]:
    """Every part that opens is what was sealed; of a received envelope, all of them."""

    def act() -> None:
        content = campaign.opened(envelope)
        assert content.items() <= CONTENTS.items()
        assert content == CONTENTS or not is_received

    return act
