"""One account that paid for two bidders."""

from __future__ import annotations

from oversight.shared_payer import Payment, find


def paid(org: str, digest: str, serial: str = "s") -> Payment:
    return Payment(org, f"{serial}-{org}", f"holder {digest}", digest[-4:], digest)


def test_an_account_that_paid_for_two_bidders_is_found_with_every_line() -> None:
    rows = [paid("b", "1111"), paid("a", "1111"), paid("a", "1111", "t"), paid("c", "2222")]
    (found,) = find(rows, {"a", "b", "c"})
    assert found.org_ids == ("a", "b")
    assert [(one.org_id, one.serial) for one in found.payments] == [("a", "s-a"), ("a", "t-a"), ("b", "s-b")]


def test_a_bidder_that_paid_twice_itself_is_not_named() -> None:
    assert find([paid("a", "1111"), paid("a", "1111", "t"), paid("b", "2222")], {"a", "b"}) == ()


def test_somebody_who_paid_and_did_not_bid_makes_nobody_a_suspect() -> None:
    assert find([paid("a", "1111"), paid("x", "1111")], {"a"}) == ()
