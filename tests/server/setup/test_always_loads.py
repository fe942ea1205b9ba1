"""Whatever a repository holds: a proposal loads, or one line says why there is none."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosota.server.config import load_objective
from autosota.server.errors import UserError
from autosota.server.setup.propose import write_proposal

README = r"""```
$ python train.py
python 'train
--seed 3
--cfg {a} '{"lr": 1}'
| a | b |
|---|---|
| test acc | 93 % |
# A "title\"
    make train
<your data> [--out DIR] $X "${Y}" ~
Test accuracy: 0.9
cd src && \
torchrun --nproc=2 train.py
for s in 1 2; do python train.py --out a$s; done
SEED={seed} python -m train é
"""
CODE = r"""import argparse, helper
p.add_argument('--seed')
p.add_argument('--out', required=True)
p.add_argument('--t', choices=['\x1b', '{x}', "it's"], required=True)
model.fit(x)
print(f'METRIC {a}={b}')
print(f'test acc \x07 {a}')
def f(x):
    return {'a': f(a)}
json.dump({'test': {'a\nb.acc': f(f)}, **f(x)}, open(args.out + '/\x00', 'w'))
json.dump({'val loss {x}': 1}, open('é {y}.json', 'w'))
a = a
for a, b in f(a).items():
    print('val %s loss: %(x)d' % a)
'''
é = '{}'.format()
print('dev {1} f1 {0}'.format(a), *a, **a)
np.load('../x.npy')
(
"""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    readme=st.lists(st.sampled_from(README.splitlines(keepends=True))),
    code=st.lists(st.sampled_from(CODE.splitlines(keepends=True))),
)
def test_a_proposal_always_loads(readme, code):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "README.md").write_text("".join(readme) + "\x07")
        (root / "train.py").write_text("".join(code))
        (root / "helper.py").write_text("".join(reversed(code)))
        (root / "Makefile").write_text("train:\n\t" + "\t".join(readme))
        try:
            write_proposal(root)
        except UserError as error:
            assert "no experiment was found" in str(error)
            return
        objective = load_objective(root)
        assert objective.command and objective.metric


def test_hostile_names_stay_where_they_are(tmp_path):
    plain = "run \"#' $(touch y).py"
    for name in ('train "x\n[paper]\ntitle = 1 #.py', plain, os.fsdecode(b"m\xff.py")):
        (tmp_path / name).write_text("model.fit(x)\nprint(f'METRIC test_acc={a}')\n")
    (tmp_path / "data[1]").mkdir()
    (tmp_path / "data[1]" / "x.csv").write_text("")
    (tmp_path / plain).write_text("f.fit(read_csv('data[1]/x.csv'))\nprint(f'METRIC acc={a}')\n")
    (tmp_path / "README.md").write_text('# A "title"\\ \x07 with\x1b[31m signs\n')
    write_proposal(tmp_path)
    objective = load_objective(tmp_path)
    assert shlex.split(objective.command) == ["python", plain]
    assert objective.paper.title.startswith('A "title"')
    assert objective.protocol.data == ("data\\[1]/x.csv",)
