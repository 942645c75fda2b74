"""Arguments of recorded calls: how Python makes them, how the C test spells them. tests/unit/test_ops.c makes the
same numbers by the same formula."""
import torch


def data(kind, seed, shape):
    n = 1
    for s in shape:
        n *= s
    raw = [(i * 7 + seed * 13) % 31 - 15 for i in range(n)]
    if kind == "I64":
        return torch.tensor(raw, dtype=torch.int64).reshape(shape)
    if kind == "BOOL":
        return torch.tensor([v % 3 == 0 for v in raw], dtype=torch.bool).reshape(shape)
    if kind == "INDEX":
        return torch.tensor([(v + 15) % 4 for v in raw], dtype=torch.int64).reshape(shape)
    if kind in ("POSITIVE", "UNIT"):
        raw = [v + 16 for v in raw]
    if kind == "ZERO":
        raw = [0 for _ in raw]
    if kind == "DEFINITE":
        raw = [v + 128 * (i % shape[-1] ** 2 % (shape[-1] + 1) == 0) for i, v in enumerate(raw)]
    return torch.tensor([v / {"WIDE": 1, "UNIT": 32, "DEFINITE": 32}.get(kind, 8) for v in raw], dtype=torch.float32).reshape(shape)


class T:
    """A tensor argument: shape, seed and kind: F32 (-1.875 to 1.875), WIDE (float32, -15 to 15), POSITIVE (float32, 0.125 to
    3.875), UNIT (float32, 1 / 32 to 31 / 32), ZERO (float32), DEFINITE (float32, 4 added on the diagonal of matrices), I64, INDEX (int64, 0 to 3), BOOL."""

    def __init__(self, shape, seed=1, kind="F32"):
        self.shape, self.seed, self.kind = shape, seed, kind

    def torch(self):
        return data(self.kind, self.seed, self.shape)

    def c(self):
        return "T(%s, %d, %d, %s)" % (self.kind, self.seed, len(self.shape), ", ".join(map(str, self.shape)) or "0")


KINDS = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}


def given(v):
    """The argument as PyTorch gets it."""
    if isinstance(v, list):
        return [t.torch() for t in v]
    return v.torch() if isinstance(v, T) else v


def c_value(v):
    if isinstance(v, list):
        return "L(%d, %s)" % (len(v), ", ".join(t.c() for t in v) or "NONE")
    if isinstance(v, torch.dtype):
        return "D(%s)" % KINDS[v]
    if isinstance(v, T):
        return v.c()
    if v is None:
        return "NONE"
    if isinstance(v, bool):
        return "B(%d)" % v
    if isinstance(v, int):
        return "I(%d)" % v
    if isinstance(v, float):
        return "F(%s)" % (repr(v) if abs(v) < float("inf") else c_number(v))
    if isinstance(v, str):
        return 'S("%s")' % v
    if any(isinstance(i, float) for i in v):
        return "PF(%d, %s)" % (len(v), ", ".join(map(repr, v)))
    v = ["N" if i is None else i for i in v]
    return "P(%d, %s)" % (len(v), ", ".join(map(str, v)) or "0")


def c_number(v):
    if v != v:
        return "(double)NAN"
    if v in (float("inf"), float("-inf")):
        return "-HUGE_VAL" if v < 0 else "HUGE_VAL"
    return "%.9g" % v if isinstance(v, float) else "%d" % v
