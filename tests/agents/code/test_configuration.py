"""Settings files: what they say is known to the code that reads them, like a literal in it."""

from __future__ import annotations

import pytest

from autosota.agents.code.execute import execute
from autosota.agents.code.program import Program
from autosota.agents.code.settings_text import Unreadable, leaves, parsed
from autosota.agents.code.tree import MemoryTree
from autosota.agents.code.values import literal, show

YAML = """\
# how it is trained
model:
  name: "wide # net"
  layers: [64, 32]   # two
  dropout: 1.0e-1
columns:
- age
- 'it''s'
- {kind: log, of: amount}
switches: {fast: true, seed: null}
text: |
  one
  two
empty:
"""


def test_yaml_as_people_write_it():
    assert parsed("a.yaml", YAML) == {
        "model": {"name": "wide # net", "layers": [64, 32], "dropout": 0.1},
        "columns": ["age", "it's", {"kind": "log", "of": "amount"}],
        "switches": {"fast": True, "seed": None},
        "text": "one\ntwo\n",
        "empty": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x\n",
        "a: !tag 1\n",
        "a: 1\n---\nb: 2\n",
        "a: [1, 2\n",
        "a: 'open\n",
        "a: 1\n  b: 2\n",
        "\ta: 1\n",
        "a: 1\na: 2\n",
        "x: " + "[" * 5000 + "]" * 5000,
    ],
)
def test_what_is_not_plain_is_unknown_never_half_known(text):
    with pytest.raises(Unreadable):
        parsed("a.yaml", text)


def test_other_formats_and_names():
    assert parsed("a.toml", "[a]\nb = [1, 2]\n") == {"a": {"b": [1, 2]}}
    assert list(leaves(parsed("a.json", '{"a": {"b": 1}, "c": []}'))) == [("a.b", 1), ("c", [])]
    for path, text in (("a.toml", "= 1"), ("a.json", "{"), ("a.ini", "[a]")):
        with pytest.raises(Unreadable):
            parsed(path, text)


def _printed(code: str, files: dict[str, str], command: str = "python a.py"):
    content = {"a.py": code, **files}
    tree = MemoryTree({k: v.encode() for k, v in content.items()})
    run = execute(Program(tree), command)
    return [e.value for e in run.events if e.value.head == "print"][-1].kids[0], run.settings


CONFIG = {"conf/base.yaml": "train:\n  lr: 0.1\n  steps: 5\ncols: [a, b]\n"}
OPEN = "import yaml\nwith open('conf/base.yaml') as f:\n    c = yaml.safe_load(f)\n"


def test_a_setting_is_a_literal_and_the_file_is_named():
    value, settings = _printed(OPEN + "print(c['train']['steps'] * 2)", CONFIG)
    assert literal(value) == (10,) and settings == {"conf/base.yaml"}


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("c['train']['lr'] = 0.5\nprint(c['train']['lr'])", "0.5"),
        ("t = c['train']\nt['lr'] = 0.5\nprint(c['train']['lr'])", "0.5"),
        ("print(c.get('other', 7))", "7"),
        ("print(1 if 'cols' in c else 2)", "1"),
        ("print(['x'] + c['cols'])", "seq('x', 'a', 'b')"),
        ("class N(dict):\n    __getattr__ = dict.__getitem__\n"
         "def w(x):\n    return N({k: w(v) for k, v in x.items()}) if isinstance(x, dict) else x\n"
         "print(w(c).train.lr)", "0.1"),
        ("from types import SimpleNamespace\nprint(SimpleNamespace(**c['train']).lr)", "0.1"),
    ],
)  # fmt: skip
def test_settings_go_the_ways_that_code_lets_them_go(code, wanted):
    assert show(_printed(OPEN + code, CONFIG)[0]) == wanted


def test_words_of_the_command_override_settings():
    code = OPEN + (
        "import sys\nfor item in sys.argv[1:]:\n    key, value = item.split('=', 1)\n"
        "    *outer, leaf = key.split('.')\n    node = c\n    for o in outer:\n"
        "        node = node[o]\n    node[leaf] = yaml.safe_load(value)\n"
        "print(c['train']['lr'])"
    )
    value, _ = _printed(code, CONFIG, "python a.py train.lr=0.7")
    assert value.kind == "option" and "0.7" in value.head
    untouched, _ = _printed(code, CONFIG, "python a.py train.steps=9")
    assert literal(untouched) == (0.1,)


HYDRA = {
    "conf/config.yaml": "defaults:\n  - net: small\n  - _self_\nlr: 0.1\nnet:\n  width: 3\n",
    "conf/net/small.yaml": "_target_: nets.Net\nwidth: 1\ndepth: 2\n",
    "conf/net/large.yaml": "_target_: nets.Net\nwidth: 9\ndepth: 4\n",
    "nets.py": "class Net:\n def __init__(self, width, depth):\n  self.size = width * depth\n",
}
MAIN = (
    "import hydra\nfrom hydra.utils import instantiate\n"
    "@hydra.main(config_path='conf', config_name='config')\ndef main(cfg):\n"
    "    print({})\nmain()\n"
)


@pytest.mark.parametrize(
    ("shown", "command", "wanted"),
    [
        ("cfg.net.depth", "python a.py", 2),
        ("cfg.net.width", "python a.py", 3),
        ("cfg.net.depth", "python a.py net=large", 4),
        ("instantiate(cfg.net).size", "python a.py", 6),
    ],
)
def test_hydra_puts_settings_together(shown, command, wanted):
    value, settings = _printed(MAIN.format(shown), HYDRA, command)
    assert literal(value) == (wanted,)
    assert "conf/config.yaml" in settings


def test_omegaconf_merges_files_defaults_and_the_command():
    code = (
        "import sys\nfrom omegaconf import OmegaConf\n"
        "d = OmegaConf.create({'lr': 1.0, 'net': {'width': 1, 'depth': 2}})\n"
        "c = OmegaConf.merge(d, OmegaConf.load('conf/x.yaml'), OmegaConf.from_cli(sys.argv[1:]))\n"
        "print((c.lr, c.net.width, c.net.depth))"
    )
    value, _ = _printed(code, {"conf/x.yaml": "net:\n  depth: 7\n"}, "python a.py net.width=5")
    assert show(value) == "seq(1.0, option:net.width=5(), 7)"


def test_data_files_are_no_settings():
    code = "import json\nprint(json.load(open('data/split.json')))"
    value, settings = _printed(code, {"data/split.json": '{"test": [1]}'})
    assert value.kind == "call" and not settings
