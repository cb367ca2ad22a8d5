"""Byte strings that must be refused, with the code and reason expected: shared by tests and by the stored vectors."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.unit.sealing.story import SCHEDULE, Story


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    data: bytes
    expect: str
    reason: str = ""


def changed(raw: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(raw) | changes, ensure_ascii=False).encode()


def without(raw: bytes, key: str) -> bytes:
    value = json.loads(raw)
    del value[key]
    return json.dumps(value).encode()


def _generic(kind: str, raw: bytes) -> list[Case]:
    code = f"sealing.{kind}_malformed"
    first = json.dumps(next(iter(json.loads(raw)))).encode()
    return [
        Case("an empty file", kind, b"", code, "not_json"),
        Case("a list", kind, b"[]", code, "type"),
        Case("cut in the middle", kind, raw[: len(raw) // 2], code, "not_json"),
        Case("something behind it", kind, raw + b"{}", code, "not_json"),
        Case("a byte order mark", kind, b"\xef\xbb\xbf" + raw, code, "not_json"),
        Case("bytes that are not UTF-8", kind, raw.replace(b"{", b'{"\xff":1,', 1), code, "not_json"),
        Case("a key given twice", kind, raw.replace(b"{", b"{" + first + b':"x",', 1), code, "duplicate_key"),
        Case("an unknown key", kind, changed(raw, extra=1), code, "unknown_key"),
        Case("a missing key", kind, without(raw, next(iter(json.loads(raw)))), code, "missing_key"),
        Case("NaN", kind, raw.replace(b"{", b'{"extra":NaN,', 1), code, "number"),
        Case("a fraction", kind, raw.replace(b"{", b'{"extra":1.0,', 1), code, "number"),
        Case("an exponent", kind, raw.replace(b"{", b'{"extra":1e3,', 1), code, "number"),
        Case("a number of 5,000 digits", kind, raw.replace(b"{", b'{"extra":' + b"9" * 5000 + b",", 1), code, "number"),
        Case("lists in lists", kind, b'{"extra":' + b"[" * 6000, code, "not_json"),
        Case("far too large", kind, b" " * 2_000_000 + raw, code, "too_large"),
    ]


def binding_cases(story: Story) -> list[Case]:
    raw, code = story.binding.raw, "sealing.binding_malformed"
    part = {"id": "price_schedule", "name": "x"}

    def case(name: str, reason: str, **changes: Any) -> Case:
        return Case(name, "binding", changed(raw, **changes), code, reason)

    return [
        *_generic("binding", raw),
        case("another version", "range", v=2),
        case("a version that is true", "type", v=True),
        case("another suite", "suite", suite="S9"),
        case("a revision of zero", "range", rev=0),
        case("a revision as text", "type", rev="1"),
        case("a first revision with a predecessor", "previous", prev="0" * 64),
        case("a second revision without one", "previous", rev=2),
        case("a bid number in capitals", "form", bid="AB" * 16),
        case("a bid number too short", "form", bid="ab" * 15),
        case("a tender with a line break", "form", tender="T1\n"),
        case("a key set hash too short", "form", keyset="0" * 63),
        case("no parts", "range", parts=[]),
        case("the same part twice", "duplicate_part", parts=[part, part]),
        case("a part id with a path", "form", parts=[{"id": "../x", "name": "x"}]),
        case("a part with an extra key", "unknown_key", parts=[part | {"size": 1}]),
        case("a part name with a control character", "form", parts=[part | {"name": "a\u0007"}]),
        Case(
            "an unpaired surrogate",
            "binding",
            raw.replace(b'"name":"', b'"name":"\\ud800', 1),
            code,
            "form",
        ),
        case("a date that does not exist", "form", created="2026-02-30T00:00:00.000Z"),
        case("a time zone other than UTC", "form", created="2026-02-03T00:00:00.000+08:00"),
    ]


def header_cases(story: Story) -> list[Case]:
    raw, code = story.sealed.header.raw, "sealing.header_malformed"
    value = json.loads(raw)

    def case(name: str, reason: str, **changes: Any) -> Case:
        return Case(name, "header", changed(raw, **changes), code, reason)

    commit, wraps = value["commit"], value["wraps"]
    inner = base64.b64decode(value["binding"])
    twice = base64.b64encode(inner.replace(b'{"v":1', b'{"v":1,"v":1', 1)).decode()
    return [
        *_generic("header", raw),
        case("a commitment in capitals", "form", commit=commit | {"bidder": commit["bidder"].upper()}),
        case("one gate share", "range", commit=commit | {"gate_shares": commit["gate_shares"][:1]}),
        case("no bidder wrap", "range", wraps=wraps | {"bidder": []}),
        case("four bidder wraps", "range", wraps=wraps | {"bidder": wraps["bidder"][:1] * 4}),
        case("base64 of the other alphabet", "base64", wraps=wraps | {"bidder": ["-_-_"]}),
        case("base64 without padding", "base64", wraps=wraps | {"bidder": ["AAA"]}),
        case("base64 with loose bits", "base64", wraps=wraps | {"bidder": ["AAB="]}),
        case("base64 with a line break", "base64", wraps=wraps | {"bidder": ["AA\nAA"]}),
        case("a wrap of 300 bytes", "range", wraps=wraps | {"bidder": [base64.b64encode(bytes(300)).decode()]}),
        Case(
            "a binding with a key given twice",
            "header",
            changed(raw, binding=twice),
            "sealing.binding_malformed",
            "duplicate_key",
        ),
    ]


def manifest_cases(story: Story) -> list[Case]:
    raw, code = story.sealed.manifest.raw, "sealing.manifest_malformed"
    lines = raw.decode().split("\n")

    def swap(name: str, reason: str, index: int, line: str) -> Case:
        data = "\n".join([*lines[:index], line, *lines[index + 1 :]]).encode()
        return Case(name, "manifest", data, code, reason)

    return [
        Case("an empty file", "manifest", b"", code, "lines"),
        Case("no parts", "manifest", "\n".join([*lines[:5], ""]).encode(), code, "lines"),
        Case("no last line break", "manifest", raw[:-1], code, "lines"),
        Case("carriage returns", "manifest", raw.replace(b"\n", b"\r\n"), code, "form"),
        Case("bytes that are not ASCII", "manifest", raw + "part 投标 1\n".encode(), code, "encoding"),
        Case("far too large", "manifest", raw * 100, code, "too_large"),
        swap("another kind", "form", 0, "etender-bid/v2"),
        swap("a revision with a leading zero", "form", 3, "01"),
        swap("a first revision with a predecessor", "previous", 4, "0" * 64),
        swap("a part without bytes", "form", 5, f"part price_schedule 0 {'0' * 64}"),
        swap("a part with two spaces", "form", 5, f"part  price_schedule 5000 {'0' * 64}"),
        swap("a root in capitals", "form", 5, f"part price_schedule 5000 {'A' * 64}"),
        swap("the same part twice", "duplicate_part", 5, lines[6]),
    ]


def keyset_cases(story: Story) -> list[Case]:
    raw, code = story.keyset.to_bytes(), "sealing.keyset_malformed"
    value = json.loads(raw)

    def case(name: str, reason: str, **changes: Any) -> Case:
        data = json.dumps(value | changes, sort_keys=True, separators=(",", ":")).encode()
        return Case(name, "keyset", data, code, reason)

    gate, escrow = value["gate"], value["escrow"]
    first, second, third = gate["holders"]
    off_curve = "04" + "11" * 64
    return [
        *_generic("keyset", raw),
        Case("spaces between the keys", "keyset", raw.replace(b",", b", "), code, "not_canonical"),
        case("a gate that one holder opens", "range", gate=gate | {"t": 1}),
        case("a gate of two that needs three", "threshold", gate={"t": 3, "holders": [first, second]}),
        case("custodians of whom none is needed", "threshold", escrow=escrow | {"k": 0}),
        case("no custodians, of whom two are needed", "threshold", escrow={"k": 2, "holders": []}),
        case(
            "one key at two seats",
            "duplicate_key",
            gate=gate | {"holders": [first, second | {"public_key": first["public_key"]}, third]},
        ),
        case(
            "one holder twice",
            "duplicate_holder",
            gate=gate | {"holders": [first, second | {"id": first["id"]}, third]},
        ),
        case(
            "a custodian with a gate key",
            "duplicate_key",
            escrow=escrow | {"holders": [first | {"id": "x"}, second | {"id": "y"}]},
        ),
        case(
            "a point off the curve",
            "public_key",
            gate=gate | {"holders": [first | {"public_key": off_curve}, second, third]},
        ),
        case(
            "a compressed point",
            "form",
            gate=gate | {"holders": [first | {"public_key": "02" + "11" * 32}, second, third]},
        ),
    ]


def price_schedule_cases() -> list[Case]:
    raw, code = SCHEDULE, "sealing.price_schedule_malformed"

    def case(name: str, reason: str, **changes: Any) -> Case:
        return Case(name, "price_schedule", changed(raw, **changes), code, reason)

    item = {"code": "1", "name": "土方", "unit": "m3", "quantity": "1.5", "unit_price": "2.00", "amount": "3.00"}
    return [
        *_generic("price_schedule", raw),
        case("money as a number", "type", total=91500000),
        Case("money as a fraction", "price_schedule", raw.replace(b'"91500000.00"', b"91500000.00"), code, "number"),
        case("money below zero", "form", total="-1.00"),
        case("money with three decimals", "form", total="1.005"),
        case("money with a leading zero", "form", total="01.00"),
        case("money with separators", "form", total="91,500,000.00"),
        case("money with an exponent", "form", total="1e9"),
        case("money in full-width digits", "form", total="\uff11"),
        case("money of sixteen digits", "form", total="1" * 16),
        case("money with a line break behind it", "form", total="1.00\n"),
        case("another currency", "currency", currency="USD"),
        case("no days", "range", duration_days=0),
        case("a quality too long", "range", quality="x" * 201),
        case("a line with an unknown key", "unknown_key", items=[item | {"discount": "1"}]),
        case("a line without a name", "range", items=[item | {"name": ""}]),
        case("a quantity with seven decimals", "form", items=[item | {"quantity": "1.0000001"}]),
    ]


def receipt_cases() -> list[Case]:
    code = "sealing.receipt_malformed"
    good = (
        "etender-receipt/v1\nT2026-001\nT2026-001.L1\n" + "ab" * 16 + "\n1\n" + "cd" * 32 + "\n123456\n"
        "2026-11-25T01:29:59.999Z\n2026-11-25T01:30:59.999Z\n"
    )

    def case(name: str, reason: str, text: str) -> Case:
        return Case(name, "receipt", text.encode(), code, reason)

    return [
        Case("a good receipt", "receipt", good.encode(), "ok"),
        Case("a good receipt of a demonstration", "receipt", (good + "clock demo\n").encode(), "ok"),
        case("another last line", "lines", good + "clock real\n"),
        case("a line more", "lines", good + "\n"),
        case("no last line break", "lines", good[:-1]),
        case("another kind", "form", good.replace("receipt/v1", "receipt/v2")),
        case("a size with a leading zero", "form", good.replace("123456", "0123456")),
        case("seconds without milliseconds", "form", good.replace(".999Z", "Z", 1)),
        case("far too large", "too_large", good + "x" * 2000),
    ]


def parse_cases(story: Story) -> list[Case]:
    good = [
        Case("a good binding", "binding", story.binding.raw, "ok"),
        Case("a good header", "header", story.sealed.header.raw, "ok"),
        Case("a good manifest", "manifest", story.sealed.manifest.raw, "ok"),
        Case("a good key set", "keyset", story.keyset.to_bytes(), "ok"),
        Case("a good price schedule", "price_schedule", SCHEDULE, "ok"),
    ]
    return [
        *good,
        *binding_cases(story),
        *header_cases(story),
        *manifest_cases(story),
        *keyset_cases(story),
        *price_schedule_cases(),
        *receipt_cases(),
    ]
