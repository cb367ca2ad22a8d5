"""Words of the kit that depend on the reader: laws by name, names out of the data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, render_template_string

KIT = "{% import '_layout/kit.html' as k with context %}"


def drawn(app: Flask, call: str, lang: str) -> str:
    with app.test_request_context("/", headers={"Accept-Language": lang}):
        app.preprocess_request()
        return render_template_string(KIT + "{{ " + call + " }}").strip()


@pytest.mark.parametrize(
    ("citation", "zh", "en"),
    [
        ("ZTB 24", "《招标投标法》第24条", "Bidding Law, art. 24"),
        ("30号令 37", "《工程建设项目施工招标投标办法》第37条", "Works Tendering Measures, art. 37"),
        ("N1117 (二)", "《发改法规规〔2022〕1117号》(二)", "NDRC Notice 1117 of 2022"),
        ("R1.31", "《招标投标法》第24条", "Bidding Law, art. 24"),
        ("R4.35", "本中心规则 R4.35", "Rule of this centre R4.35"),
    ],
)
def test_a_citation_names_the_law(make_app: Callable[..., Flask], citation: str, zh: str, en: str) -> None:
    app = make_app()
    app.extensions["rule_sources"]["R1.31"] = "ZTB 24"
    assert f">{zh}</data>" in drawn(app, f"k.clause('{citation}')", "zh-CN")
    assert f">{en}</data>" in drawn(app, f"k.clause('{citation}')", "en")


def test_a_name_out_of_the_data_is_marked_on_english_pages_only(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    assert drawn(app, "k.zh('陆之恒 <b>')", "en") == '<span lang="zh-Hans">陆之恒 &lt;b&gt;</span>'
    assert drawn(app, "k.zh('陆之恒')", "zh-CN") == "陆之恒"
