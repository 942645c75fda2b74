"""Special functions, and functions of two numbers."""
import torch

from .words import T

SPECIAL = ["digamma", "erfinv", "ndtr", "ndtri", "log_ndtr", "erfcx", "i0", "i0e", "i1", "i1e"]
TWO = ["copysign", "nextafter", "gcd", "lcm", "bitwise_left_shift", "bitwise_right_shift"]
OPS = {name: getattr(torch.special, name) for name in SPECIAL}
OPS.update({name: getattr(torch, name) for name in TWO + ["lgamma", "signbit"]})


def cases():
    for name in SPECIAL + ["lgamma"]:
        yield name, T((31,), 1, "UNIT")
        if name in ("erfinv", "ndtri"):
            yield name, T((5,), 1, "POSITIVE")
            continue
        yield name, T((4, 9))
        yield name, T((31,), 1, "WIDE")
        yield name, T((6,), 1, "I64")
    for name in ("copysign", "nextafter"):
        yield name, T((31,)), T((31,), 5)
        yield name, T((3, 1)), T((4,), 2)
    yield "copysign", T((4,)), -2.0
    yield "copysign", T((4,), 1, "I64"), T((4,), 2)
    for name in TWO[2:]:
        yield name, T((5, 7), 1, "I64"), T((5, 7), 3, "INDEX")
        yield name, T((5, 7), 1, "I64"), T((7,), 4, "INDEX")
        yield name, T((4,)), T((4,), 1, "I64")
    for name in ("gcd", "lcm"):
        yield name, T((31,), 1, "I64"), T((31,), 4, "I64")
    for kind in ("F32", "I64", "BOOL"):
        yield "signbit", T((9,), 1, kind)
