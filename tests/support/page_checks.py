"""What must hold on every page, judged in the browser: each function returns faults in words, none when all is well."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Page

from tests.conftest import ROOT

AXE = ROOT / "static" / "vendor" / "js" / "axe.min.js"
AXE_RUN = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  const where = one => one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ');
  return found.violations.map(one => `axe ${one.id}: ${where(one)}`);
}"""
FACTS = """() => {
  const texts = [];
  const note = (text, element) => {
    if (!text.trim() || element.closest('script, style, template, noscript')) return;
    const lang = element.closest('[lang]').lang;
    texts.push({text: text.trim(), lang, verbatim: !!element.closest('.code, .mono, code, pre, textarea, input')});
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) note(walk.currentNode.data, walk.currentNode.parentElement);
  for (const name of ['aria-label', 'title', 'alt', 'placeholder'])
    for (const one of document.body.querySelectorAll(`[${name}]`)) note(one.getAttribute(name), one);
  return {lang: document.documentElement.lang, title: document.title, texts,
          h1: [...document.querySelectorAll('h1')].map(one => one.innerText.trim())};
}"""
SIDEWAYS = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const held = one => { for (let e = one.parentElement; e && e !== document.body; e = e.parentElement)
    if (getComputedStyle(e).overflowX !== 'visible') return true; return false; };
  const named = e => `${e.tagName.toLowerCase()}.${e.getAttribute('class') || ''} ${e.textContent.trim().slice(0, 40)}`;
  const out = [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > wide + 1 && !held(e)).slice(0, 5).map(named);
  return out.length ? out : [`text of ${document.documentElement.scrollWidth} px`];
}"""
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff01-\uff65]+")
ENGLISH_SENTENCE = re.compile(r"[A-Za-z]{2,}(?:[ ,;]+[A-Za-z']+){3,}")
CURLY = re.compile("[\u2018\u2019\u201c\u201d]")
RAW_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
RAW_VALUE = re.compile(r"\b(?:True|False|undefined|null|NaN)\b|\[object \w+\]")
DOTTED = re.compile(r"\b[a-z][a-z_]*(?:\.[a-z0-9_]+)+\b")
BARE_WORD = re.compile(r"[a-z]+(?:_[a-z]+)+|[a-z]{4,}")
KEPT_WORDS = frozenset({"localhost", "test", "tests"})
"""Lower-case words that a Chinese page may show as they are: names, also those the test centre gives its keys."""


def catalogue_codes() -> frozenset[str]:
    """Every key of the catalogues: none may show where its sentence belongs."""
    found: set[str] = set()
    for path in (ROOT / "translations").glob("*.toml"):
        for entries in tomllib.loads(path.read_text(encoding="utf-8")).values():
            found |= set(entries)
    return frozenset(found)


def load_axe(page: Page) -> None:
    """As a function of the test: the page's policy admits no foreign script."""
    page.evaluate(AXE.read_text(encoding="utf-8"))


def axe_faults(page: Page) -> list[str]:
    load_axe(page)
    found: list[str] = page.evaluate(AXE_RUN)
    return found


def sideways(page: Page) -> list[str]:
    """What stands out on the right."""
    found: list[str] = page.evaluate(SIDEWAYS)
    return [f"{page.viewport_size and page.viewport_size['width']} px: sideways scroll: {one}" for one in found]


def text_faults(page: Page, lang: str, codes: frozenset[str], data: Iterable[str]) -> list[str]:
    """Language, title, heading; no code, enum value, machine instant or word of the other language."""
    facts: dict[str, Any] = page.evaluate(FACTS)
    wrong = []
    if facts["lang"] != lang:
        wrong.append(f"lang is {facts['lang']}")
    if len(facts["title"].split(" · ")[0].strip()) < 2:
        wrong.append(f"title says nothing: {facts['title']!r}")
    if len(facts["h1"]) != 1 or not facts["h1"][0]:
        wrong.append(f"h1: {facts['h1']}")
    known = sorted(set(data), key=len, reverse=True)
    for one in facts["texts"]:
        wrong += [f"{fault}: {one['text'][:90]!r}" for fault in _faults(one, lang, codes, known)]
    return list(dict.fromkeys(wrong))


def _faults(one: dict[str, Any], lang: str, codes: frozenset[str], data: list[str]) -> list[str]:
    text, wrong = one["text"], []
    if RAW_INSTANT.search(text) and not one["verbatim"]:
        wrong.append("machine instant")
    if RAW_VALUE.search(text):
        wrong.append("raw value")
    if one["verbatim"] or one["lang"] != lang:
        return wrong
    wrong += [f"raw code {code}" for code in DOTTED.findall(text) if code in codes]
    for known in data:
        if known in text:
            text = text.replace(known, "")
    if lang == "en":
        if CHINESE.search(text):
            wrong.append(f"Chinese in English ({' '.join(CHINESE.findall(text))[:40]})")
        if CURLY.search(text):
            wrong.append("curly quotation mark")
    else:
        if ENGLISH_SENTENCE.search(text):
            wrong.append("English in Chinese")
        if BARE_WORD.fullmatch(text) and text not in KEPT_WORDS:
            wrong.append("raw word")
    return wrong
