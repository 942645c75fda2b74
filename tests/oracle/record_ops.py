#!/usr/bin/python3
"""Records what PyTorch computes for calls of single operations, for tests/unit/test_ops.c.

    /usr/bin/python3 tests/oracle/record_ops.py [FAMILY...]

Writes tests/oracle/ops/FAMILY.inc for each tests/oracle/ops/FAMILY.py named (all of them without arguments), which has
OPS (name -> function) and cases(), whose items are a name and its arguments. Inputs are made by one formula in Python
and in the test, so only results are recorded. A call that PyTorch refuses is recorded as REFUSED. Run with Debian's
python3-torch; the versions stand at the head of each recording."""
import importlib
import os
import sys

import numpy
import torch

from ops.words import KINDS, c_number, c_value, given

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops")


def recorded(function, name, args):
    shown = ", ".join(c_value(a) for a in args)
    try:
        out = function(*[given(a) for a in args]).detach()
    except (RuntimeError, ValueError, TypeError, IndexError, ArithmeticError, AssertionError) as e:
        return "REFUSED(%s, ARGS(%s)) /* %s */" % (name, shown, str(e).split("\n")[0][:90].replace("*/", "* /"))
    values = ", ".join(c_number(v) for v in out.flatten().tolist()) or "0"
    sizes = ", ".join(map(str, out.shape)) or "0"
    return "CASE(%s, ARGS(%s), OUT(%s, %d, %s),\n     VALUES(%s))" % (name, shown, KINDS[out.dtype], out.dim(), sizes, values)


def main():
    torch.set_num_threads(1)
    families = sys.argv[1:] or sorted(f[:-3] for f in os.listdir(FOLDER) if f.endswith(".py") and f != "words.py")
    for family in families:
        words = importlib.import_module("ops." + family)
        with open(os.path.join(FOLDER, family + ".inc"), "w") as out:
            out.write("/* Recorded by tests/oracle/record_ops.py with torch %s, numpy %s: don't edit. */\n" % (torch.__version__, numpy.__version__))
            for name, *args in words.cases():
                out.write(recorded(words.OPS[name], name, args) + "\n")


main()
