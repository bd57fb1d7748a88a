"""`netwright bench` on tables of a declaration of the user."""

import pytest

from netwright.cli import app
from netwright.cli.exits import guarded


def main(call):
    return guarded(app, call)


DECLARED = """
import netwright as nw
from torch import nn

def network(choose, inputs, outputs):
    assert tuple(inputs) == (1, 6) and outputs == 3
    width = choose.width("width", 4, 16, step=4)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, width), nn.Linear(width, outputs))
"""


def test_the_inputs_of_a_declaration_are_said_and_may_be_given(tmp_path, capsys, monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.py").write_text(DECLARED, encoding="utf-8")
    rows = "\n".join(f"{w},{w / 20}" for w in (4, 8, 12, 16))
    (tmp_path / "t.csv").write_text(f"width,accuracy\n{rows}\n", encoding="utf-8")
    call = ["bench", "run", "--table", "t.csv", "--space", "space.py:network", "--out", "b"]
    call += ["--strategies", "random", "--signal", "accuracy", "--evaluations", "3", "--seeds", "2"]
    call += ["--processes", "1"]
    assert main([*call, "--inputs", "1x6", "--outputs", "3"]) == 0
    assert "space.py:network is made for inputs of 1x6 and 3 outputs\n" in capsys.readouterr().err
    assert main(["bench", "report", "b"]) == 0
    capsys.readouterr()
    assert main(call) != 0
    told = capsys.readouterr().err
    assert "made for inputs of 3x32x32 and 10 outputs; --inputs and --outputs say otherwise" in told
    ready = ["--table", "forest", *call[4:], "--space", "forest", "--inputs", "1x6"]
    assert main(["bench", "run", *ready]) == 2
    assert "`--inputs` is for `--space FILE.py:FUNCTION`" in capsys.readouterr().err
