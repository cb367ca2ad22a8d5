import io
import zlib
from dataclasses import dataclass, field

import pypdfium2
import pytest

from foundation.documents import forms, limits, reading
from foundation.documents.errors import Broken, Encrypted, TimedOut, TooLarge, UnreadablePdf
from foundation.documents.reading import read_pdf, read_tables
from tests.unit.documents import examples


@dataclass
class RawPdf:
    """A PDF written by hand, so that a test can lie in it."""

    objects: list[bytes] = field(default_factory=list)
    trailer: bytes = b""

    def add(self, body: bytes) -> int:
        self.objects.append(body)
        return len(self.objects)

    def stream(self, content: bytes, extra: bytes = b"") -> int:
        return self.add(b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), extra, content))

    def written(self) -> bytes:
        out = io.BytesIO()
        out.write(b"%PDF-1.7\n")
        offsets = []
        for number, body in enumerate(self.objects, start=1):
            offsets.append(out.tell())
            out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        start = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1))
        for offset in offsets:
            out.write(b"%010d 00000 n \n" % offset)
        out.write(
            b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF" % (len(offsets) + 1, self.trailer, start)
        )
        return out.getvalue()


def one_page(
    content: bytes, filters: bytes = b"", *, count: int = 1, kids: bytes = b"3 0 R", trailer: bytes = b""
) -> bytes:
    pdf = RawPdf(trailer=trailer)
    pdf.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    pdf.add(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count))
    pdf.add(
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>"
    )
    pdf.stream(content, filters)
    pdf.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    return pdf.written()


HELLO = b"BT /F 24 Tf 72 720 Td (Hello) Tj ET"


def encrypted() -> bytes:
    """Standard security handler, revision 3, with a password nobody has."""
    trailer = (
        b"/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"
        b" /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44"
        b" /O <%s> /U <%s> >>" % (b"5a" * 32, b"a5" * 32)
    )
    return one_page(HELLO, trailer=trailer)


def bomb(mebibytes: int) -> bytes:
    squeezer = zlib.compressobj(9)
    content = b"".join(squeezer.compress(b" " * 1024**2) for _ in range(mebibytes)) + squeezer.flush()
    return one_page(zlib.compress(content, 9), b"/Filter [/FlateDecode /FlateDecode]")


def test_an_honest_pdf_is_read_from_bytes_and_from_a_path(tmp_path):
    facts = read_pdf(one_page(HELLO))
    assert facts.page_count == 1
    assert facts.page_texts == ("Hello",)
    assert not facts.is_cut
    path = tmp_path / "bid.pdf"
    path.write_bytes(one_page(HELLO))
    assert read_pdf(path) == facts


def test_metadata_and_chinese_text_come_back():
    facts = read_pdf(forms.render_sample_bid(examples.sample_bid(), at=examples.AT))
    assert facts.page_count == len(facts.page_texts)
    assert examples.LOT in facts.metadata["Title"]
    assert "不转包、不违法分包" in "".join(facts.page_texts).replace("\n", "")


def test_long_pages_are_cut_and_say_so():
    words = b"BT /F 1 Tf 1 700 Td " + b"(%s) Tj " % (b"x" * 1000) * 40 + b"ET"
    facts = read_pdf(one_page(words))
    assert facts.is_cut
    assert len(facts.page_texts[0]) == limits.MAX_TEXT_PER_PAGE


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"", Broken),
        (b"%PDF-1.7\n", Broken),
        (bytes(range(256)) * 500, Broken),
        (b"PK\x03\x04" + b"\x00" * 4000, Broken),
        (b"%PDF-1.7\n" + b"1 0 obj\n" + b"[" * 100_000 + b"\nendobj\ntrailer<</Root 1 0 R>>", Broken),
        (one_page(HELLO)[:150], Broken),
        (encrypted(), Encrypted),
    ],
    ids=["empty", "head only", "noise", "zip", "deep nesting", "cut off", "encrypted"],
)
@pytest.mark.parametrize("read", [read_pdf, read_tables])
def test_what_cannot_be_read_has_a_name(read, content, outcome):
    with pytest.raises(outcome) as refused:
        read(content)
    assert refused.value.code == f"documents.{outcome.__name__.lower()}"


def test_a_real_paper_cut_anywhere_never_escapes_the_named_outcomes():
    whole = forms.render_submission_receipt(examples.receipt(), at=examples.AT)
    for share in (0.3, 0.9):
        with pytest.raises(UnreadablePdf):
            read_pdf(whole[: int(len(whole) * share)])


def test_a_file_beyond_the_size_limit_is_not_even_handed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 1000)
    path = tmp_path / "big.pdf"
    path.write_bytes(b"%PDF-1.7" + b"0" * 2000)
    for source in (path, path.read_bytes()):
        with pytest.raises(TooLarge) as refused:
            read_pdf(source)
        assert refused.value.fields["limit"] == "file_bytes"


def test_more_pages_than_the_limit_are_refused():
    kids = b"3 0 R " * (limits.MAX_PAGES + 1)
    for read in (read_pdf, read_tables):
        with pytest.raises(TooLarge) as refused:
            read(one_page(HELLO, count=limits.MAX_PAGES + 1, kids=kids))
        assert refused.value.fields["limit"] == "pages"


def test_a_page_count_that_lies_is_not_believed():
    facts = read_pdf(one_page(HELLO, count=2_000_000_000))
    assert facts.page_count == 1
    assert facts.page_texts == ("Hello",)


@pytest.fixture(scope="module")
def big_bomb():
    """1.5 GiB of blanks squeezed twice into a few KiB."""
    content = bomb(1500)
    assert len(content) < 20_000
    return content


@pytest.mark.parametrize("read", [read_pdf, read_tables])
def test_a_bomb_is_ended_by_the_limits(read, big_bomb):
    with pytest.raises((TooLarge, TimedOut, Broken)):
        read(big_bomb)


def test_a_small_bomb_costs_nothing_but_time():
    assert read_pdf(bomb(50)).page_texts == ("",)


def test_memory_beyond_the_limit_is_too_large(monkeypatch):
    monkeypatch.setattr(reading, "_CHILD", _child_that("bytearray(2 * 1024 ** 3)"))
    with pytest.raises(TooLarge) as refused:
        read_pdf(one_page(HELLO))
    assert refused.value.fields["limit"] == "memory_bytes"


def test_processor_time_beyond_the_limit_is_timed_out(monkeypatch):
    monkeypatch.setattr(reading, "_CHILD", _child_that("[None for _ in iter(int, 1)]"))
    with pytest.raises(TimedOut) as refused:
        read_pdf(one_page(HELLO), seconds=1)
    assert refused.value.fields["limit"] == "cpu_seconds"


def test_a_reader_that_sleeps_is_ended_by_the_wall_clock(monkeypatch):
    monkeypatch.setattr(limits, "START_SECONDS", 1)
    monkeypatch.setattr(reading, "_CHILD", _child_that("__import__('threading').Event().wait(60)"))
    with pytest.raises(TimedOut):
        read_pdf(one_page(HELLO), seconds=1)


@pytest.mark.parametrize(
    ("work", "outcome"),
    [
        ("__import__('os').kill(__import__('os').getpid(), 11)", Broken),
        ("print('{\"page_count\": \"many\"}') or __import__('os')._exit(0)", Broken),
        ("__import__('sys').stdout.write('x' * (70 * 1024 ** 2))", TooLarge),
        ("open('written-by-a-bid', 'wb').write(b'x' * (70 * 1024 ** 2))", TooLarge),
    ],
    ids=["crash", "lying answer", "flood", "disk"],
)
def test_a_reader_taken_over_by_the_file_gains_nothing(monkeypatch, tmp_path, work, outcome):
    monkeypatch.setattr(reading, "_CHILD", _child_that(work.replace("written-by-a-bid", str(tmp_path / "out"))))
    with pytest.raises(outcome):
        read_pdf(one_page(HELLO))


def test_the_reader_sees_no_secrets_of_the_environment(monkeypatch):
    monkeypatch.setenv("CENTRE_SECRET", "hunter2")
    answer = (
        "print(__import__('json').dumps({'page_count': len(__import__('os').environ.get('CENTRE_SECRET', '')),"
        " 'page_texts': [], 'is_cut': False, 'metadata': {}}), flush=True) or __import__('os')._exit(0)"
    )
    monkeypatch.setattr(reading, "_CHILD", _child_that(answer))
    assert read_pdf(one_page(HELLO)).page_count == 0


def _child_that(expression: str) -> tuple[str, ...]:
    """The arguments of the real child, with the reading of the file replaced by what hostile code might do."""
    program = (
        "import sys\n"
        "from foundation.documents import reader_child\n"
        f"reader_child.read_facts = lambda content: {expression}\n"
        "sys.exit(reader_child.main(sys.argv[1], int(sys.argv[2])))\n"
    )
    return ("-c", program)


def test_tables_keep_pages_rows_and_empty_cells():
    pdf = forms.render_clarification(examples.clarification(answers=(), demo=False), at=examples.AT)
    tables = read_tables(pdf)
    assert all(table.page == 1 for table in tables)
    assert tables[0].rows[0][0] == "标段编号"
    assert tables[0].rows[0][1] == examples.LOT_CODE


def test_the_reader_agrees_with_pdfium_on_its_own_papers():
    pdf = forms.render_tender_document(examples.tender_document(), at=examples.AT)
    document = pypdfium2.PdfDocument(pdf)
    assert read_pdf(pdf).page_count == len(document)
    document.close()
