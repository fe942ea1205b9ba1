"""Formats for machines: the design's JSON, SARIF as its standard says, GitHub's annotations."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest


def _object(required: str, **properties):
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


TEXT = {"type": "string", "minLength": 1}
LINE = {"type": "integer", "minimum": 1}
MESSAGE = _object("text", text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATION = _object(
    "physicalLocation",
    id={"type": "integer", "minimum": 0},
    message=MESSAGE,
    physicalLocation=_object(
        "artifactLocation region",
        artifactLocation=_object("uri", uri={"type": "string", "pattern": r"^[\x21-\x7e]+$"}),
        region=_object("startLine", startLine=LINE, startColumn=LINE, endLine=LINE, endColumn=LINE),
    ),
    logicalLocations={"type": "array", "items": _object("name", name=TEXT)},
)
RULE = _object(
    "id",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=_object("text", text=TEXT, markdown=TEXT),
    defaultConfiguration=_object("", level=LEVEL),
    properties={"type": "object"},
)
RESULT = _object(
    "ruleId ruleIndex level message locations",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations={"type": "array", "minItems": 1, "items": LOCATION},
    relatedLocations={"type": "array", "uniqueItems": True, "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    suppressions={"type": "array", "items": _object("kind", kind={"enum": ["inSource"]})},
)
SARIF = _object(
    "version runs",
    **{"$schema": {"type": "string", "pattern": "^https://.*sarif-2.1.0.json$"}},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "items": _object(
            "tool results",
            tool=_object(
                "driver",
                driver=_object(
                    "name",
                    name=TEXT,
                    version=TEXT,
                    rules={"type": "array", "uniqueItems": True, "items": RULE},
                ),
            ),
            columnKind={"const": "unicodeCodePoints"},
            results={"type": "array", "items": RESULT},
            invocations={
                "type": "array",
                "items": _object("executionSuccessful", executionSuccessful={"type": "boolean"}),
            },
        ),
    },
)
"""What SARIF 2.1.0 (sections 3.13 to 3.52) allows of what we write, and nothing else."""


@pytest.fixture
def parts(leak, notebook):
    at = leak.index("scaler =")
    return notebook(leak[:at], leak[at:])


def test_json_has_every_field_of_the_design_and_no_other(write, run, parts):
    write("a.ipynb", parts)
    code, out, _ = run("--format", "json")
    (row,) = json.loads(out)
    assert code == 1
    assert list(row) == [
        *("path", "cell", "line", "column", "end_line", "end_column", "code", "name", "severity"),
        *("red_line", "message", "url", "related"),
    ]
    assert {k: row[k] for k in ("path", "cell", "line", "column", "end_line", "end_column")} == {
        "path": "a.ipynb", "cell": 2, "line": 3, "column": 10, "end_line": 3, "end_column": 38,
    }  # fmt: skip
    assert (row["code"], row["severity"]) == ("LK107", "warning")
    page = Path(row["url"].removeprefix("file://"))
    assert page.read_text().startswith("# LK107: ")


def test_json_of_a_related_place_in_a_notebook_names_the_cell(write, run, notebook, leak):
    start = leak[: leak.index("scaler")]
    scores = [f"print(LogisticRegression(C={c}).fit(X_train, y_train).score(X_test, y_test))\n"
              for c in (1, 2, 3, 4, 5)]  # fmt: skip
    write("a.ipynb", notebook(start, *scores))
    (row,) = run("--format", "json", "--select", "LK112").rows
    assert row["related"]
    for other in row["related"]:
        assert list(other) == ["path", "line", "message"]
        assert other["path"] == "a.ipynb" and other["message"].startswith("cell ")


def test_json_of_nothing_is_an_empty_list(write, run, clean):
    write("a.py", clean)
    assert run("--format", "json") == (0, "[]\n", "")


def test_sarif(write, run, leak, parts):
    suppressed = leak.replace("(X_test)\n", "(X_test)  # noqa: LK107\n", 1)
    write("train.py", leak)
    write("quiet.py", suppressed)
    write("ä b.ipynb", parts)
    write("bad.ipynb", "[]")
    code, out, _ = run("--format", "sarif")
    log = json.loads(out)
    jsonschema.validate(log, SARIF)
    assert code == 2
    (sarif_run,) = log["runs"]
    assert sarif_run["invocations"] == [{"executionSuccessful": False}]
    rules = sarif_run["tool"]["driver"]["rules"]
    by_file = {}
    for result in sarif_run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        by_file[unquote(place["artifactLocation"]["uri"])] = (result, place["region"])
    assert by_file["quiet.py"][0]["suppressions"] == [{"kind": "inSource"}]
    result, region = by_file["train.py"]
    assert "suppressions" not in result
    assert region == {"startLine": 9, "startColumn": 10, "endLine": 9, "endColumn": 38}
    result, region = by_file["ä b.ipynb"]
    assert result["message"]["text"].startswith("cell 2, line 3: ")
    lines = parts.splitlines()
    assert "X_test = scaler.fit_transform(X_test)" in lines[region["startLine"] - 1]
    assert set(region) == {"startLine"}


def test_sarif_outside_the_folder_has_absolute_uris(write, run, place, monkeypatch, leak):
    write("train.py", leak)
    elsewhere = place.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    log = json.loads(run("--format", "sarif", place).out)
    jsonschema.validate(log, SARIF)
    location = log["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == (place / "train.py").as_uri()


@pytest.mark.parametrize("style", ["one string", "uneven", "compact", "windows", "twice"])
def test_a_line_of_a_cell_is_found_in_the_file(write, run, leak, parts, style):
    book = json.loads(parts)
    if style == "one string":
        for cell in book["cells"]:
            cell["source"] = "".join(cell["source"])
    if style == "uneven":
        source = book["cells"][2]["source"]
        book["cells"][2]["source"] = ["# one\n# two\n" + source[0], *source[1:]]
    if style == "twice":
        book["cells"].insert(1, book["cells"][1])
        book["cells"][2]["outputs"] = [{"output_type": "x", "data": {"source": [leak]}}]
    text = json.dumps(book, indent=None if style == "compact" else 1)
    write("a.ipynb", text.replace("\n", "\r\n") if style == "windows" else text)
    out = run("--format", "github", "--select", "LK107").out
    line = int(out.partition("line=")[2].partition(",")[0])
    found = [i for i, t in enumerate(text.splitlines(), 1) if "fit_transform(X_test)" in t]
    assert line == found[-1]


def test_github_annotations_are_escaped(write, run, leak):
    write("a,b:c%.py", leak)
    out = run("--format", "github").out
    assert out.startswith(
        "::warning file=a%2Cb%3Ac%25.py,line=9,col=10,endLine=9,endColumn=38,"
        "title=LK107 Transform fitted again on the test rows::"
    )
    assert out.count("\n") == 1
    write("pyproject.toml", '[tool.autosota.check]\nseverity = { LK107 = "info" }\n')
    assert run("--format", "github").out.startswith("::notice ")
    write("pyproject.toml", '[tool.autosota.check]\nseverity = { LK107 = "block" }\n')
    assert run("--format", "github").out.startswith("::error ")
