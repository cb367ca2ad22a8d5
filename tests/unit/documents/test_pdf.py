import io
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pdfplumber
import pytest
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

from foundation.documents import forms
from foundation.documents.errors import FontsMissing, MissingGlyphs
from foundation.documents.fonts import FONT_DIR, REQUIRED_FILES
from foundation.documents.glyphs import coverage, missing_characters, require_printable
from foundation.documents.pdf import TEMPLATE_DIR, data_digest, render
from foundation.documents.reading import read_pdf, read_tables
from tests.unit.documents import examples

HOSTILE = '#panic("x") *粗* $x^2$ [a] \\ `r` @ref <l> = 一 // - + _u_ ~ #{1}'
PAPERS = {
    "opening_record": (forms.render_opening_record, examples.opening_record),
    "failed_opening": (forms.render_failed_opening, examples.failed_opening),
    "bid_trace": (forms.render_bid_trace, examples.bid_trace),
    "receipt": (forms.render_submission_receipt, examples.receipt),
    "tender_notice": (forms.render_tender_notice, examples.tender_notice),
    "tender_document": (forms.render_tender_document, examples.tender_document),
    "clarification": (forms.render_clarification, examples.clarification),
    "sample_bid": (forms.render_sample_bid, examples.sample_bid),
    "sample_boq": (forms.render_sample_bill, examples.sample_bill),
}


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def all_text(pdf: bytes) -> str:
    return squeezed("".join(read_pdf(pdf).page_texts))


@pytest.fixture(params=PAPERS)
def paper(request):
    return PAPERS[request.param]


def test_the_same_data_and_instant_give_the_same_bytes(paper):
    render_form, example = paper
    first = render_form(example(), at=examples.AT)
    assert render_form(example(), at=examples.AT) == first
    assert render_form(example(), at=examples.AT + timedelta(seconds=1)) != first
    assert render_form(example(document_number="另一文号"), at=examples.AT) != first


def test_every_paper_is_tagged_archive_pdf(paper):
    render_form, example = paper
    pdf = render_form(example(), at=examples.AT)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>U</pdfaid:conformance>" in pdf
    assert b"/MarkInfo" in pdf
    assert b"/StructTreeRoot" in pdf


def test_every_page_carries_number_digest_and_page_count(paper):
    render_form, example = paper
    facts = read_pdf(render_form(example(), at=examples.AT))
    for number, text in enumerate(facts.page_texts, start=1):
        assert example().document_number in text
        assert f"第{number}页共{facts.page_count}页" in squeezed(text)
        assert "生成2026-11-2410:05:00（北京时间）" in squeezed(text)
    assert facts.metadata["Author"] == examples.CENTRE


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_the_demo_line_stands_on_every_page_of_a_demo_paper_only(paper, language):
    render_form, example = paper
    real, demo = (
        read_pdf(render_form(example(demo=flag, language=language), at=examples.AT)).page_texts
        for flag in (False, True)
    )
    assert all("演示时钟，不产生法律效力" in text for text in demo)
    assert not any("演示时钟" in text for text in real)


def test_the_english_paper_has_english_labels_and_says_that_it_is_a_copy():
    text = all_text(forms.render_opening_record(examples.opening_record(language="en"), at=examples.AT))
    assert "Openingrecord" in text
    assert "Englishreadingcopy" in text
    assert "招标控制价" not in text


def test_markup_characters_stay_plain_text():
    record = examples.opening_record(
        lot_name=HOSTILE,
        bids=(replace(examples.bid(0), name=HOSTILE, objections=HOSTILE),),
        remarks=(HOSTILE,),
        attendance=(HOSTILE,),
    )
    assert all_text(forms.render_opening_record(record, at=examples.AT)).count(squeezed(HOSTILE)) >= 3
    document = examples.tender_document(project_name=HOSTILE, qualification=(HOSTILE,), method_summary=HOSTILE)
    assert squeezed(HOSTILE) in all_text(forms.render_tender_document(document, at=examples.AT))


def test_the_opening_record_reads_back_as_the_table_it_was():
    record = examples.opening_record()
    tables = read_tables(forms.render_opening_record(record, at=examples.AT))
    rows = [row for table in tables for row in table.rows if len(row) == 10 and row[0].isdigit()]
    assert len(rows) == len(record.bids)
    for row, bid in zip(rows, record.bids, strict=True):
        cells = [squeezed(cell) for cell in row]
        assert cells[0] == bid.number
        assert cells[1] == bid.name
        assert cells[2] == (bid.total_price or "—")
        assert cells[3] == (bid.duration_days or "—")
        assert cells[4] == (bid.quality or "—")
        assert cells[5] == squeezed(bid.project_manager or "—")
        assert cells[6] == squeezed(bid.deposit_form + bid.deposit_status)
        assert cells[7] == squeezed(bid.decrypt_result + bid.decrypted_at)
        assert cells[8] == squeezed(bid.representative + bid.confirm_result)
        assert cells[9] == squeezed(bid.objections or "无")
    text = squeezed("".join(cell for table in tables for row in table.rows for cell in row))
    for value in (record.lot_code, record.tenderee, record.ceiling_price, record.place, record.supervisor, "96.5%"):
        assert squeezed(value) in text
    assert record.freeze_root_sha256 in text
    assert record.coefficients[0].transcript_sha256 in text


def test_two_hundred_bidders_fill_pages_with_a_repeated_head_and_no_row_is_lost():
    record = examples.opening_record(200)
    facts = read_pdf(forms.render_opening_record(record, at=examples.AT))
    assert facts.page_count > 10
    assert all("投标报价（元）" in text for text in facts.page_texts[:-1])
    text = squeezed("".join(facts.page_texts))
    assert all(bid.total_price in text for bid in record.bids)


def test_no_text_runs_over_its_cell_or_the_page():
    """A word without a place to break is broken; nothing is printed beyond the margins."""
    long_name = "A" * 90
    record = examples.opening_record(bids=(examples.bid(0, name=long_name, total_price="9" * 40),))
    receipt = examples.receipt(signature="B" * 344, receipt_number="HZ-" + "7" * 24)
    for pdf in (
        forms.render_opening_record(record, at=examples.AT),
        forms.render_submission_receipt(receipt, at=examples.AT),
        forms.render_sample_bill(examples.sample_bill(), at=examples.AT),
        forms.render_tender_document(examples.tender_document(language="en"), at=examples.AT),
    ):
        with pdfplumber.open(io.BytesIO(pdf)) as document:
            for page in document.pages:
                right_margin = float(page.width) - 16 / 25.4 * 72
                # The empty half of a full-width mark may hang over the edge.
                assert max(char["x1"] for char in page.chars) <= right_margin + 5
    tables = read_tables(forms.render_opening_record(record, at=examples.AT))
    assert any(squeezed(cell) == long_name for table in tables for row in table.rows for cell in row)


def test_a_failure_without_a_published_list_says_that_it_names_nobody_and_one_with_it_lists_them():
    named = all_text(forms.render_failed_opening(examples.failed_opening(), at=examples.AT))
    nameless = all_text(forms.render_failed_opening(examples.failed_opening(seats=()), at=examples.AT))
    for text in (named, nameless):
        assert "2家，至少需要3家" in text
    assert ("只公布家数" in named, examples.bid(0).name in named) == (False, True)
    assert ("只公布家数" in nameless, examples.bid(0).name in nameless) == (True, False)


@pytest.mark.parametrize(
    ("escrow_rule", "words"),
    [("compulsory", "强制备份启封"), ("on_request", "申请备份启封"), ("none", "不设备份启封")],
)
def test_the_tender_document_states_the_escrow_rule_of_the_lot(escrow_rule, words):
    changes = {} if escrow_rule != "none" else {"custodians": ()}
    document = examples.tender_document(escrow_rule=escrow_rule, **changes)
    text = all_text(forms.render_tender_document(document, at=examples.AT))
    assert words in text
    assert "补救方案（《电子招标投标办法》第三十一条）" in text


def test_the_tender_document_prints_what_a_bidder_must_know():
    document = examples.tender_document()
    text = all_text(forms.render_tender_document(document, at=examples.AT))
    for value in (
        document.ceiling_price,
        document.bid_deposit,
        document.bid_deadline,
        document.bid_validity_days,
        document.duration_days,
        document.quality,
        document.keyset_fingerprint,
        document.client_sha256,
        document.gate_threshold,
        *(row.value for row in document.method_parameters),
        *(file.sha256 for file in document.attachments),
    ):
        assert squeezed(value) in text
    assert f"自解密开始之时起{document.decrypt_minutes}分钟" in text


def test_the_receipt_is_one_page_and_its_qr_image_holds_the_address():
    receipt = examples.receipt()
    pdf = forms.render_submission_receipt(receipt, at=examples.AT)
    facts = read_pdf(pdf)
    assert facts.page_count == 1
    text = all_text(pdf)
    for value in (receipt.ciphertext_sha256, receipt.serial_number, receipt.bidder, receipt.signature):
        assert squeezed(value) in text
    other = examples.receipt(verify_url="https://centre.example/verify/other")
    assert forms.opening.qr_svg(receipt.verify_url) != forms.opening.qr_svg(other.verify_url)
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        page = document.pages[0]
        modules = [
            c for c in page.curves + page.lines + page.rects if c["x0"] > 0.7 * float(page.width) and c["bottom"] < 300
        ]
        assert modules, "the QR image is drawn in the upper right"


def test_sample_bids_differ_by_variant_and_a_blind_one_names_nobody():
    texts = {all_text(forms.render_sample_bid(examples.sample_bid(variant=v), at=examples.AT)) for v in range(4)}
    assert len(texts) == 4
    bid = examples.sample_bid(blind=True)
    blind = all_text(forms.render_sample_bid(bid, at=examples.AT))
    assert bid.bidder not in blind
    assert not any(row[1] in blind for row in bid.staff)
    assert read_pdf(forms.render_sample_bid(bid, at=examples.AT)).page_count >= 4


def test_a_character_without_a_glyph_stops_the_paper_and_is_named():
    bids = (examples.bid(0), examples.bid(1, name="𠮷野建设有限公司"))
    with pytest.raises(MissingGlyphs) as refused:
        forms.render_opening_record(examples.opening_record(bids=bids), at=examples.AT)
    assert [objection.field for objection in refused.value.objections] == ["bids[1].name"]
    assert "𠮷(U+20BB7)" in str(refused.value.objections[0].params["characters"])
    assert forms.render_opening_record(examples.opening_record(bids=bids[:1]), at=examples.AT)


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x07", "\ue000", "\ud800", "\ufeff", "\x00"])
def test_a_character_nobody_would_see_is_refused(hidden):
    with pytest.raises(MissingGlyphs):
        require_printable({"name": f"甲{hidden}乙"}, (FONT_DIR,))
    require_printable({"name": "甲\n乙", "deep": [{"x": ["〔2026〕№ m² ℃ ≥ — ……“”"]}], "n": 3, "b": True}, (FONT_DIR,))


def test_an_extra_folder_supplies_rare_characters(tmp_path):
    rare = tmp_path / "rare"
    rare.mkdir()
    assert missing_characters("𠮷", coverage((FONT_DIR, rare))) == "𠮷"
    _font_with("𠮷").save(rare / "Rare.ttf")
    bids = (examples.bid(0, name="𠮷野建设有限公司"),)
    pdf = forms.render_opening_record(examples.opening_record(bids=bids), at=examples.AT, font_dirs=(FONT_DIR, rare))
    assert "𠮷野建设有限公司" in all_text(pdf)


def test_a_font_that_only_the_preflight_understands_prints_no_boxes(tmp_path):
    font = _font_with("𠮷")
    font.flavor = "woff"
    font.save(tmp_path / "Rare.ttf")
    bids = (examples.bid(0, name="𠮷野建设有限公司"),)
    record = examples.opening_record(bids=bids)
    require_printable(record.as_data(), (FONT_DIR, tmp_path))
    with pytest.raises(MissingGlyphs) as refused:
        forms.render_opening_record(record, at=examples.AT, font_dirs=(FONT_DIR, tmp_path))
    assert "𠮷" in str(refused.value.fields["characters"])


def _font_with(character: str) -> TTFont:
    """The text font cut down to one glyph, which now stands for ``character``."""
    font = TTFont(FONT_DIR / REQUIRED_FILES[0])
    subsetter = subset.Subsetter()
    subsetter.populate(text="一")
    subsetter.subset(font)
    table = CmapSubtable.newSubtable(12)
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.cmap = {ord(character): font.getBestCmap()[ord("一")]}
    font["cmap"].tables = [table]
    for name_id in (1, 16):
        font["name"].setName("Rare Names", name_id, 3, 1, 0x409)
    return font


def test_missing_fonts_are_reported_instead_of_printing_in_another_font(tmp_path):
    shutil.copy(FONT_DIR / REQUIRED_FILES[0], tmp_path)
    with pytest.raises(FontsMissing) as failed:
        render("opening_record", {"a": "甲"}, at=examples.AT, font_dirs=(tmp_path,))
    assert failed.value.fields["file"] == REQUIRED_FILES[1]


def test_the_fonts_print_every_character_of_the_templates():
    printable = coverage((FONT_DIR,))
    for path in sorted(TEMPLATE_DIR.iterdir()):
        assert missing_characters(path.read_text("utf-8"), printable) == "", path.name


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "Opening", "a.b", ""])
def test_only_a_template_name_reaches_the_file_system(name):
    with pytest.raises(ValueError, match="template name"):
        render(name, {}, at=examples.AT)


def test_a_naive_instant_and_a_number_that_is_none_are_bugs():
    naive = datetime(2026, 11, 24, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        render("opening_record", {}, at=naive)
    with pytest.raises(ValueError, match="JSON compliant"):
        data_digest({"n": float("nan")})


def test_the_digest_in_the_foot_is_that_of_the_data_whatever_the_order_of_keys():
    assert data_digest({"a": "甲", "b": ["乙"]}) == data_digest({"b": ["乙"], "a": "甲"})
    assert data_digest({"a": "甲"}) != data_digest({"a": "乙"})
    record = examples.opening_record()
    digest = data_digest(record.as_data())
    grouped = " ".join(digest[i : i + 4] for i in range(0, 16, 4))
    pdf = forms.render_opening_record(record, at=examples.AT)
    assert squeezed(grouped) in all_text(pdf)


def test_the_tender_document_announces_a_beacon_only_where_one_is_used():
    without = all_text(forms.render_tender_document(examples.tender_document(), at=examples.AT))
    announced = examples.tender_document(beacon_round="26789012", beacon_at="2026-11-24 09:40:00")
    with_one = all_text(forms.render_tender_document(announced, at=examples.AT))
    assert "drand" not in without
    assert "第26789012轮" in with_one
    assert "不改用其他随机数" in with_one
