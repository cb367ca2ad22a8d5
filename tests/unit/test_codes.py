"""Vectors V10 and V11."""

from datetime import date

import pytest

from foundation import codes
from foundation.codes import CodeRefused, DealCodeCheckFailed, UsccCheck, UsccCheckFailed, UsccMalformed, UsccOverride

VALID_USCC = [
    "91350100M000100Y43",
    "12320000466011756J",
    "12320200466372674G",
    "91330100799655058B",
    "9144030071526726XG",
    "91320412MA1WJ0T064",
    "91320412MA1WJ0T14Y",
    "91320412MA1WK04450",
    "91320412MA1WK004XK",
]
DEAL_CODES = [
    "A01-12320000466011756J-20190630-000123-G",
    "B01-12320200466372674G-20190315-000001-X",
    "D01-12320000466011756J-20190630-000456-S",
]


@pytest.mark.parametrize("text", VALID_USCC)
def test_valid_credit_codes_are_admitted_by_computation(text: str) -> None:
    assert codes.check_uscc(text) == codes.CheckedUscc(codes.Uscc(text), UsccCheck.COMPUTED)


@pytest.mark.parametrize("text", VALID_USCC)
def test_every_wrong_last_character_is_refused(text: str) -> None:
    for last in codes.USCC_ALPHABET.replace(text[-1], ""):
        with pytest.raises(UsccCheckFailed) as refusal:
            codes.check_uscc(text[:-1] + last)
        assert refusal.value.fields["expected"] == text[-1]


@pytest.mark.parametrize("letter", "IOSVZ")
def test_a_letter_outside_the_alphabet_is_refused(letter: str) -> None:
    with pytest.raises(UsccMalformed):
        codes.check_uscc(f"91320412MA1W{letter}0T064")


@pytest.mark.parametrize("text", ["", "91320412MA1WJ0T06", "91320412MA1WJ0T0644", "9132041XMA1WJ0T064", "９" * 17])
def test_a_wrong_length_or_region_is_refused(text: str) -> None:
    with pytest.raises(UsccMalformed):
        codes.check_uscc(text)


def test_blanks_case_and_full_width_are_tidied() -> None:
    assert codes.check_uscc(" 9132 0412 ma1wj0t14y").uscc == "91320412MA1WJ0T14Y"
    assert codes.check_uscc("９１３２０４１２ＭＡ１ＷＪ０Ｔ１４Ｙ").uscc == "91320412MA1WJ0T14Y"


def test_a_letter_registrar_is_admitted() -> None:
    body = "N2320412MA1WJ0T06"
    assert codes.check_uscc(body + codes.uscc_check_character(body)).check is UsccCheck.COMPUTED


def test_a_really_issued_code_with_a_wrong_check_needs_its_own_override() -> None:
    issued = "91350203M0001QAY9B"
    with pytest.raises(UsccCheckFailed) as refusal:
        codes.check_uscc(issued)
    assert refusal.value.fields["expected"] == "9"
    override = UsccOverride(issued, evidence="licence scan 7", decided_by="officer 3")
    checked = codes.check_uscc(issued, [override])
    assert (checked.check, checked.override) == (UsccCheck.OVERRIDDEN, override)
    with pytest.raises(UsccCheckFailed):
        codes.check_uscc("91350203M0001QAY9C", [override])
    with pytest.raises(UsccMalformed):
        codes.check_uscc("9135020SM0001QAY9B", [UsccOverride("9135020SM0001QAY9B", "scan", "officer")])


@pytest.mark.parametrize(("evidence", "decided_by"), [("", "officer"), ("scan", " ")])
def test_an_override_without_evidence_or_officer_cannot_exist(evidence: str, decided_by: str) -> None:
    with pytest.raises(ValueError, match="evidence"):
        UsccOverride("91350203M0001QAY9B", evidence, decided_by)


def test_synthetic_codes_are_valid_and_distinct() -> None:
    made = {codes.synthetic_uscc(serial) for serial in range(0, 923_521, 997)}
    assert len(made) == len(range(0, 923_521, 997))
    assert all(codes.check_uscc(code).check is UsccCheck.COMPUTED for code in made)
    with pytest.raises(ValueError, match="923521"):
        codes.synthetic_uscc(923_521)
    with pytest.raises(ValueError, match="-1"):
        codes.synthetic_uscc(-1)


@pytest.mark.parametrize(("body", "check"), [("MA1WJ0T0", "6"), ("MA1WK004", "X"), ("MA1WJ0T1", "4")])
def test_the_organisation_check_character_is_that_of_gb_11714(body: str, check: str) -> None:
    assert codes.organisation_check_character(body) == check


@pytest.mark.parametrize(
    ("body", "check"),
    [("A99992212345", "9H"), ("A99992265432", "1S"), ("A99991412345", "6N"), ("A99992201234", "6*")],
)
def test_mod_37_2_self_test(body: str, check: str) -> None:
    assert codes.deal_check_character(body + check[0]) == check[1]


@pytest.mark.parametrize("text", DEAL_CODES)
def test_unified_deal_codes_are_built_and_taken_apart(text: str) -> None:
    parts = codes.check_unified_deal_code(text)
    assert codes.unified_deal_code(parts.category, parts.centre, parts.created_on, parts.serial) == text


def test_a_deal_code_with_one_changed_character_is_refused() -> None:
    with pytest.raises(DealCodeCheckFailed):
        codes.check_unified_deal_code("A01-12320000466011756J-20190630-000124-G")


@pytest.mark.parametrize(
    "text",
    [
        "A01-12320000466011756J-20190631-000123-G",
        "A01-12320000466011756J-20190630-000000-" + codes.deal_check_character("A0112320000466011756J20190630000000"),
        "a01-12320000466011756J-20190630-000123-G",
        "A0112320000466011756J20190630000123G",
        "A01-12320000466011756J-20190630-000123-",
    ],
)
def test_a_malformed_deal_code_is_refused(text: str) -> None:
    with pytest.raises(CodeRefused):
        codes.check_unified_deal_code(text)


def test_project_tender_and_lot_codes_nest() -> None:
    project = codes.project_code("E", codes.WUJIN, date(2019, 6, 30), 1, codes.DATE_AND_SEQUENCE)
    tender = codes.tender_project_code(project, 1)
    lot = codes.lot_code(tender, 1)
    assert (len(project), len(tender), lot) == (17, 20, "E3204121906300001001001")
    assert codes.check_lot_code(lot) == lot
    assert codes.check_tender_project_code(tender) == tender
    assert codes.parents_of(lot) == (project, tender)


def test_the_inner_split_is_local_and_the_length_is_not() -> None:
    project = codes.project_code("E", codes.WUJIN, 12, 345_678, codes.PLATFORM_AND_SEQUENCE)
    assert project == "E3204120012345678"
    assert codes.check_project_code(project, codes.PLATFORM_AND_SEQUENCE) == project
    with pytest.raises(CodeRefused):
        codes.check_project_code(project)  # 001234 is no date
    with pytest.raises(TypeError):
        codes.project_code("E", codes.WUJIN, 12, 1, codes.DATE_AND_SEQUENCE)


@pytest.mark.parametrize(
    "text",
    [
        "E320412190630000100100",
        "E32041219063000010010011",
        "e3204121906300001001001",
        "E3204121906310001001001",
        "E3204121906300000001001",
        "E3204121906300001000001",
        "E3204121906300001001000",
        "E320412190630000100100１",
    ],
)
def test_a_malformed_lot_code_is_refused(text: str) -> None:
    with pytest.raises(CodeRefused):
        codes.check_lot_code(text)


@pytest.mark.parametrize("sequence", [0, 1000, -1])
def test_a_sequence_out_of_digits_is_refused(sequence: int) -> None:
    with pytest.raises(CodeRefused):
        codes.lot_code(codes.TenderProjectCode("E3204121906300001001"), sequence)
