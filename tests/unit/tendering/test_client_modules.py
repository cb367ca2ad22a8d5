"""Joining modules into one script: the forms that are understood, and the refusal of all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tendering.clients.modules import ModuleForm, graph_of


def tree(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


def test_modules_stand_after_what_they_need_and_once_each(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        a='import { b } from "./b.js";\nimport { c } from "./c.js";\nexport const a = b + c;\n',
        b='import { c } from "./c.js";\nexport const b = c;\n',
        c="export const c = 1;\n",
    )
    graph = graph_of(root, ("a.js", "b.js"))
    assert list(graph.modules) == ["c.js", "b.js", "a.js"]
    assert graph.script().count("const $c = ") == 1


def test_every_form_of_this_project_becomes_plain_script(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        entry='// @ts-check\nimport "./side.js";\nimport {\n  low as one,\n  Kind,\n} from "./low.js";\n'
        'import * as all from "./min.js";\n'
        'export async function* go() {\n  return (await import("./late.js")).late;\n}\nexport class Own {}\n',
        side="globalThis.side = 1;\n",
        low="export const low = 1;\nexport class Kind {}\nexport function f() {}\n",
        min="// @ts-nocheck\nvar R=1,N=2;export{R as combine,N};\n",
        late="export const late = 3;\n",
    )
    script = graph_of(root, ("entry.js",)).script()
    assert "const { low: one, Kind } = $low;" in script
    assert "const all = $min;" in script
    assert "return ($late).late;" in script
    assert "return { combine: R, N };" in script
    assert "return { low, Kind, f };" in script
    assert "return { go, Own };" in script
    assert "@ts-" not in script
    assert "\nimport" not in script
    assert "\nexport" not in script


@pytest.mark.parametrize(
    "text",
    [
        'import thing from "./low.js";\n',
        'import { low } from "low";\n',
        'import { low } from "https://elsewhere.example/low.js";\n',
        "export default 1;\n",
        "export let low = 1;\n",
        'export * from "./low.js";\n',
    ],
)
def test_another_form_is_an_error_and_not_a_guess(tmp_path: Path, text: str) -> None:
    root = tree(tmp_path, entry=text, low="export const low = 1;\n")
    with pytest.raises(ModuleForm):
        graph_of(root, ("entry.js",)).script()


def test_a_circle_and_a_missing_module_are_errors(tmp_path: Path) -> None:
    root = tree(tmp_path, a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
    with pytest.raises(ModuleForm, match="circle"):
        graph_of(root, ("a.js",))
    with pytest.raises(FileNotFoundError):
        graph_of(root, ("none.js",))
