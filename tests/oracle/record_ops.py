#!/usr/bin/python3
"""Records what PyTorch computes for calls of single operations, for tests/unit/test_ops.c.

    /usr/bin/python3 tests/oracle/record_ops.py > tests/oracle/ops_recorded.inc

Inputs are made by one formula here and in the test, so only results are recorded. A call that PyTorch refuses is
recorded as REFUSED. Run with Debian's python3-torch; the versions stand at the head of the recording."""
import itertools
import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F


def data(kind, seed, shape):
    n = 1
    for s in shape:
        n *= s
    raw = [(i * 7 + seed * 13) % 31 - 15 for i in range(n)]
    if kind == "F32":
        return torch.tensor([v / 8 for v in raw], dtype=torch.float32).reshape(shape)
    if kind == "I64":
        return torch.tensor(raw, dtype=torch.int64).reshape(shape)
    return torch.tensor([v % 3 == 0 for v in raw], dtype=torch.bool).reshape(shape)


class T:
    """A tensor argument: kind, seed and shape."""

    def __init__(self, shape, seed=1, kind="F32"):
        self.shape, self.seed, self.kind = shape, seed, kind

    def torch(self):
        return data(self.kind, self.seed, self.shape)

    def c(self):
        return "T(%s, %d, %d, %s)" % (self.kind, self.seed, len(self.shape), ", ".join(map(str, self.shape)) or "0")


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    if padding_mode == "zeros":
        return F.conv2d(x, w, b, stride, padding, dilation, groups)
    m = nn.Conv2d(w.shape[1] * groups, w.shape[0], w.shape[2:], stride, padding, dilation, groups, b is not None, padding_mode)
    m.weight.data = w
    if b is not None:
        m.bias.data = b
    return m(x).detach()


OPS = {
    "linear": F.linear, "matmul": torch.matmul, "conv2d": conv2d, "max_pool2d": F.max_pool2d, "relu": F.relu,
    "view": lambda x, *s: x.view(*s), "reshape": lambda x, *s: x.reshape(*s), "flatten": torch.flatten,
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "neg": lambda a: -a,
}


def cases():
    for shape, bias in itertools.product([(1, 6), (3, 6), (2, 3, 6), (6,), (0, 6)], [True, False]):
        yield "linear", T(shape), T((4, 6), 2), T((4,), 3) if bias else None
    yield "linear", T((2, 5)), T((4, 6), 2), None
    yield "linear", T((2, 6)), T((4, 6), 2), T((5,), 3)
    yield "linear", T((2, 6), 1, "I64"), T((4, 6), 2), None
    for a, b in [((3, 4), (4, 5)), ((4,), (4,)), ((4,), (4, 5)), ((3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (5, 4, 2)),
                 ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((1, 3, 4), (2, 4, 2)), ((3, 4), (3, 4)), ((2, 3, 4), (3, 4, 2)), ((0, 4), (4, 2)), ((2, 0), (0, 3))]:
        yield "matmul", T(a), T(b, 2)
    x, w, b = T((1, 4, 5, 6)), T((2, 4, 3, 3), 2), T((2,), 3)
    for stride, padding, dilation in itertools.product([1, 2, (2, 1)], [0, 1, (2, 0), (1, 2)], [1, 2, (1, 2)]):
        yield "conv2d", x, w, b, stride, padding, dilation
    yield "conv2d", T((2, 4, 5, 6)), w, None
    yield "conv2d", T((4, 5, 6)), w, b
    yield "conv2d", T((0, 4, 5, 6)), w, b
    yield "conv2d", x, T((6, 2, 3, 3), 2), T((6,), 3), 1, 1, 1, 2
    yield "conv2d", x, T((4, 1, 3, 3), 2), None, 1, 1, 1, 4
    yield "conv2d", x, T((8, 1, 3, 2), 2), None, 2, 1, 1, 4
    yield "conv2d", x, T((3, 4, 1, 1), 2), T((3,), 3)
    yield "conv2d", x, T((3, 4, 1, 1), 2), T((3,), 3), 2
    yield "conv2d", x, T((3, 4, 1, 1), 2), None, 1, 1
    for kernel in [(3, 3), (2, 4), (4, 2), (1, 2)]:
        for dilation in [1, 2]:
            yield "conv2d", x, T((2, 4) + kernel, 2), None, 1, "same", dilation
    yield "conv2d", x, w, b, 1, "valid", 1
    yield "conv2d", x, w, b, 2, "same", 1
    for mode in ["reflect", "replicate", "circular"]:
        for padding in [1, (2, 3), 0, (0, 1), "same"]:
            yield "conv2d", x, w, b, 1, padding, 1, 1, mode
        yield "conv2d", x, T((4, 2, 2, 3), 2), None, 2, (1, 2), (2, 1), 2, mode
    yield "conv2d", T((1, 4, 5, 1)), w, b, 1, (0, 2), (1, 2)  # some kernel columns meet padding only
    yield "conv2d", x, w, b, 1, (5, 1), 1, 1, "reflect"
    yield "conv2d", x, w, b, 1, (5, 6), 1, 1, "circular"
    yield "conv2d", x, w, b, 1, (6, 1), 1, 1, "circular"
    yield "conv2d", x, w, b, 1, (9, 1), 1, 1, "replicate"
    yield "conv2d", x, T((2, 3, 3, 3), 2), b
    yield "conv2d", x, T((2, 2, 3, 3), 2), b, 1, 0, 1, 3
    yield "conv2d", x, T((3, 2, 3, 3), 2), None, 1, 0, 1, 2
    yield "conv2d", x, T((2, 4, 6, 3), 2), b
    yield "conv2d", x, w, b, 1, 0, 3
    yield "conv2d", x, w, b, 0
    yield "conv2d", x, w, b, 1, -1
    yield "conv2d", x, w, b, 1, 0, 0
    yield "conv2d", x, w, T((3,), 3)
    yield "conv2d", T((1, 4, 5, 6), 1, "I64"), w, b
    yield "conv2d", T((5, 6)), w, b
    yield "conv2d", x, w, b, (1, 1, 1)
    p = T((1, 2, 5, 7))
    for kernel, stride, padding, dilation, ceil in itertools.product([2, 3, (3, 2)], [None, 1, (2, 3)], [0, 1], [1, 2], [False, True]):
        yield "max_pool2d", p, kernel, stride, padding, dilation, ceil
    yield "max_pool2d", T((2, 5, 7)), 2
    yield "max_pool2d", p, 2, 3, 1, 1, True
    yield "max_pool2d", p, 4, 4, 2, 1, True
    yield "max_pool2d", p, 2, 2, 2
    yield "max_pool2d", p, 6
    yield "max_pool2d", p, 2, 0
    yield "max_pool2d", T((5, 7)), 2
    for kind in ["F32", "I64"]:
        yield "relu", T((3, 5), 4, kind)
        yield "neg", T((3, 5), 4, kind)
    yield "relu", T((3,), 4, "BOOL")
    yield "neg", T((3,), 4, "BOOL")
    for name in ["view", "reshape"]:
        for shape in [(6, 4), (-1,), (2, -1), (2, 3, 4), (4, -1, 3), (24, 1), (5, 5), (-1, -1), (7, -1), (-2, 12), (1, -1, 0), ()]:
            yield (name, T((2, 3, 4))) + shape
        yield name, T((2, 3, 4)), (6, 4)
        yield name, T((2, 3, 4)), (-1, 12)
        yield name, T((0, 3)), -1, 3
        yield name, T((0, 3)), 0, -1
    for args in [(), (1,), (0, 1), (-2,), (1, -1), (2, 1), (3,), (-4,), (0, 5), (1, 1)]:
        yield ("flatten", T((2, 3, 4))) + args
    yield "flatten", T(())
    yield "flatten", T((5,))
    pairs = [(T((2, 3, 4)), T((4,), 2)), (T((2, 1, 4)), T((3, 1), 2)), (T((3, 4)), T((3, 4), 2)), (T((2, 3)), 2), (T((2, 3)), 0.3),
             (1.5, T((2, 3))), (3, T((2, 3))), (T((2, 3), 1, "I64"), T((2, 3), 2, "I64")), (T((2, 3), 1, "I64"), T((3,), 2)),
             (T((2, 3), 1, "I64"), 2), (T((2, 3), 1, "I64"), 0.5), (T((2, 3), 1, "BOOL"), T((2, 3), 2, "BOOL")),
             (T((2, 3), 1, "BOOL"), 2), (T((2, 3), 1, "BOOL"), 0.5), (T((2, 3), 1, "BOOL"), T((2, 3), 2)), (T((2, 3)), True),
             (T((2, 3), 1, "BOOL"), True), (T(()), T((2,), 2)), (T(()), T((), 2)), (T((), 3, "I64"), T((2, 2), 2, "I64")),
             (T((0, 3)), T((3,), 2)), (T((2, 3)), T((2,), 2)), (T((2, 3)), T((3, 3), 2)), (T((2, 1, 3, 1)), T((4, 1, 2), 2))]
    for name in ["add", "sub", "mul", "div"]:
        for a, b in pairs:
            yield name, a, b


def c_value(v):
    if isinstance(v, T):
        return v.c()
    if v is None:
        return "NONE"
    if isinstance(v, bool):
        return "B(%d)" % v
    if isinstance(v, int):
        return "I(%d)" % v
    if isinstance(v, float):
        return "F(%r)" % v
    if isinstance(v, str):
        return 'S("%s")' % v
    return "P(%d, %s)" % (len(v), ", ".join(map(str, v)))


def c_number(v):
    if v != v:
        return "(double)NAN"
    if v in (float("inf"), float("-inf")):
        return "-HUGE_VAL" if v < 0 else "HUGE_VAL"
    return "%.9g" % v if isinstance(v, float) else "%d" % v


KINDS = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}


def main():
    print("/* Recorded by tests/oracle/record_ops.py with torch %s, numpy %s: don't edit. */" % (torch.__version__, numpy.__version__))
    torch.set_num_threads(1)
    for name, *args in cases():
        shown = ", ".join(c_value(a) for a in args)
        try:
            out = OPS[name](*[a.torch() if isinstance(a, T) else a for a in args])
        except (RuntimeError, ValueError, TypeError, IndexError) as e:
            print("REFUSED(%s, ARGS(%s)) /* %s */" % (name, shown, str(e).split("\n")[0][:90].replace("*/", "* /")))
            continue
        values = ", ".join(c_number(v) for v in out.flatten().tolist()) or "0"
        print("CASE(%s, ARGS(%s), OUT(%s, %d, %s),\n     VALUES(%s))" % (
            name, shown, KINDS[out.dtype], out.dim(), ", ".join(map(str, out.shape)) or "0", values))


main()
