"""Known mistakes of systems like this one that no other test names (docs/reference/pitfalls.md)."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from foundation.clock import machine_now
from foundation.sealing import S1, S2, Role, Suite, matches_commit, recover_r_bid, suite_base, unwrap_share
from foundation.sealing.errors import BadShare
from foundation.sealing.opening import check_commit
from foundation.settings import Settings
from foundation.timestamping import StampFalse, authority_of, read_roots, read_stamp
from foundation.verifier.problems import Problem
from foundation.verifier.stamps import stamped_at
from tests.support.tsa import AuthorityServer, TestAuthority
from tests.unit.sealing.story import seal_story


@pytest.mark.parametrize("suite", [S1, S2], ids=lambda suite: suite.name)
def test_commitments_are_compared_in_constant_time(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that stops at the first differing byte tells a guesser how far it came."""
    story = seal_story("constant time", suite=suite, bidder_key_count=1)
    header, compared = story.sealed.header, []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return hmac.compare_digest(left, right)

    class Counted:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(suite_base, "hmac", Counted)
    for secret in (story.r_bid, bytes(32)):
        compared.clear()
        assert matches_commit(header, "bidder", secret) is (secret == story.r_bid)
        assert (header.commit.bidder.encode() in compared[-1], len(compared)) == (True, 1)
    with pytest.raises(BadShare):
        check_commit(header, "gate", bytes(32), culprit="bidder")
    share = unwrap_share(header, story.keyset, Role.ESCROW, 1, story.escrow_keys[1])
    compared.clear()
    check_commit(header, "escrow/1", share, culprit="custodian")
    assert compared
    compared.clear()
    recover_r_bid(header, story.bidder_keys[0])
    assert compared


def test_a_stamp_whose_certificates_are_not_in_der_order_is_refused_by_name(tmp_path: Path) -> None:
    """DER sorts a set, and not every authority does: the strict reader says what is wrong, and nothing falls over."""
    with AuthorityServer(TestAuthority()) as server:
        roots = server.authority.roots_file(tmp_path)
        authority = authority_of(Settings(data_dir=tmp_path, tsa_url=server.url, tsa_roots=roots))
        assert authority is not None
        server.authority.faults.with_root = "unsorted"
        with pytest.raises(StampFalse) as refused:
            authority.stamp(b"a checkpoint", machine_now())
        assert refused.value.fields == {"reason": "form"}
        server.authority.faults.with_root = "sorted"
        response, stamp = authority.stamp(b"a checkpoint", machine_now())
    assert read_stamp(response, b"a checkpoint", read_roots(roots)).at == stamp.at
    with pytest.raises(StampFalse):
        read_stamp(response, b"another one", read_roots(roots))
    assert stamped_at(response, b"a checkpoint", roots.read_bytes(), "tsa/1.tsr") == stamp.at
    with pytest.raises(Problem):
        stamped_at(response, b"another one", roots.read_bytes(), "tsa/1.tsr")
