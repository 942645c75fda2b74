"""Comparisons, rounding divisions, choices between elements, functions of one tensor, casts."""
import torch

from .arith import PAIRS
from .words import T

COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]
SIGNS = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}
REAL = {"exp": "WIDE", "exp2": "F32", "expm1": "F32", "log": "F32", "log2": "F32", "log10": "POSITIVE", "log1p": "F32", "sqrt": "F32", "rsqrt": "F32", "reciprocal": "F32",
        "sin": "WIDE", "cos": "WIDE", "tan": "F32", "asin": "F32", "acos": "F32", "atan": "WIDE", "sinh": "F32", "cosh": "F32", "asinh": "WIDE", "acosh": "WIDE",
        "atanh": "F32", "erf": "F32", "erfc": "F32"}
NUMBER = ["abs", "sign", "square", "floor", "ceil", "round", "trunc", "frac"]
OTHERS = ["isnan", "isinf", "isfinite", "logical_not", "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "fmod", "atan2", "clamp", "clamp_max", "masked_fill",
          "where", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"]
OPS = dict(SIGNS, **{name: getattr(torch, name) for name in list(REAL) + NUMBER + OTHERS})
OPS.update({"floor_divide": lambda a, b: a // b, "remainder": lambda a, b: a % b, "pow": lambda a, b: a ** b, "div": lambda a, b, mode: torch.div(a, b, rounding_mode=mode),
            "float": lambda x: x.float(), "long": lambda x: x.long(), "bool": lambda x: x.bool(), "to": lambda x, y: x.to(y) if isinstance(y, torch.dtype) else x.type_as(y),
            "clone": torch.clone, "round": lambda x, n=0: torch.round(x, decimals=n) if n else torch.round(x)})


def cases():
    for name in COMPARISONS + ["pow"]:
        for a, b in PAIRS:
            if name != "pow" or not any(isinstance(v, (T, bool)) and getattr(v, "kind", "BOOL") == "BOOL" for v in (a, b)):
                yield name, a, b
    yield "pow", T((31,), 1, "POSITIVE"), T((31,), 2)
    yield "pow", T((31,), 1, "I64"), T((31,), 2, "INDEX")
    yield "pow", T((31,), 1, "I64"), 3
    yield "pow", T((31,), 1, "I64"), -1
    yield "pow", T((31,)), 2
    yield "pow", T((31,)), -2
    yield "pow", T((31,), 1, "POSITIVE"), 0.5
    yield "pow", 2.0, T((31,))
    yield "pow", 2, T((31,), 1, "INDEX")
    numbers = [(T((31,)), T((31,), 2)), (T((31,)), 0.5), (T((31,)), -0.7), (T((31,), 1, "I64"), 4), (T((31,), 1, "I64"), -4), (T((31,), 1, "I64"), T((31,), 2, "POSITIVE")),
               (T((31,), 1, "I64"), 0), (T((31,), 1, "I64"), T((31,), 1, "I64")), (T((4, 3)), T((3,), 5)), (T((31,), 1, "I64"), -1), (T((31,), 1, "WIDE"), 3)]
    for a, b in numbers:
        for name in ["floor_divide", "remainder", "fmod"]:
            yield name, a, b
        yield "div", a, b, "floor"
        yield "div", a, b, "trunc"
    yield "floor_divide", 7, T((5,), 2, "POSITIVE")
    yield "remainder", 7, T((5,), 2, "POSITIVE")
    yield "div", T((3,)), T((3,)), "round"
    for name, kind in REAL.items():
        yield name, T((31,), 1, kind)
        yield name, T((2, 2), 1, "I64")
    for name in NUMBER:
        yield name, T((31,), 3)
        yield name, T((31,), 3, "I64")
    for name in ["isnan", "isinf", "isfinite", "logical_not"]:
        for kind in ["F32", "I64", "BOOL"]:
            yield name, T((31,), 1, kind)
    for name in ["logical_and", "logical_or", "logical_xor"]:
        yield name, T((31,), 1, "BOOL"), T((31,), 3, "BOOL")
        yield name, T((31,), 1), T((31,), 3, "I64")
        yield name, T((3, 1), 1, "BOOL"), T((4,), 3, "BOOL")
    for name in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
        for a, b in [(T((31,), 1, "BOOL"), T((31,), 3, "BOOL")), (T((31,), 1, "I64"), T((31,), 3, "I64")), (T((3, 1), 1, "I64"), T((4,), 3, "BOOL")), (T((31,), 1, "I64"), 6),
                     (T((31,)), T((31,), 3, "I64"))]:
            yield name, a, b
    for kind in ["F32", "I64", "BOOL"]:
        yield "bitwise_not", T((31,), 1, kind)
    for n in [1, 2, -1]:
        yield "round", T((31,), 1, "WIDE" if n < 0 else "F32"), n
    yield "round", T((31,), 1, "I64"), 1
    for name in ["maximum", "minimum"]:
        for a, b in [(T((31,)), T((31,), 3)), (T((31,), 1, "I64"), T((31,), 3)), (T((31,), 1, "I64"), T((31,), 3, "I64")), (T((5,), 1, "BOOL"), T((5,), 3, "BOOL")),
                     (T((3, 1)), T((4,), 2)), (T((3,)), T((4,)))]:
            yield name, a, b
    for low, high in [(-0.5, 0.5), (None, 0.5), (-0.5, None), (1, -1), (None, None), (0, None), (T((31,), 4), None), (T((), 4), T((31,), 5))]:
        yield "clamp", T((31,)), low, high
    yield "clamp", T((31,), 1, "I64"), -3, 4
    yield "clamp", T((31,), 1, "I64"), -2.5, None
    yield "clamp", T((3,), 1, "BOOL"), 0, 1
    yield "clamp", T((2, 3)), T((3,), 4), T((2, 1), 5)
    yield "clamp", T((2, 3)), T((2,), 4), None
    yield "clamp_max", T((31,)), 0.25
    mask = T((3, 4), 1, "BOOL")
    for a, b in [(T((3, 4)), T((3, 4), 2)), (T((4,)), T((3, 1), 2)), (T((3, 4)), 0.0), (1.5, T((4,))), (T((3, 4), 1, "I64"), T((3, 4), 2, "I64")), (T((2, 1, 4)), 1.0),
                 (T((4,), 1, "BOOL"), T((4,), 2, "BOOL")), (T((2, 4)), 0.0)]:
        yield "where", mask, a, b
    yield "where", T((3, 4)), T((3, 4)), 0.0
    for x, m, v in [(T((3, 4)), mask, 0.5), (T((2, 3, 4)), mask, float("-inf")), (T((3, 4)), T((4,), 1, "BOOL"), -1), (T((3, 4)), mask, T((), 3)),
                    (T((3, 4), 1, "I64"), mask, 7), (T((4,)), mask, 0.0), (T((3, 4)), T((3, 4), 1, "I64"), 0.0), (T((3, 4)), mask, T((4,), 3)), (T((2, 4)), mask, 0.0),
                    (T((3, 4), 3, "BOOL"), mask, 0), (T((3, 4), 3, "BOOL"), mask, 1), (T((3, 4), 3, "BOOL"), mask, True)]:
        yield "masked_fill", x, m, v
    yield "atan2", T((31,)), T((31,), 2)
    for kind in ["WIDE", "I64", "BOOL"]:
        for name in ["float", "long", "bool", "clone"]:
            yield name, T((31,), 1, kind)
        for dtype in [torch.float32, torch.int64, torch.bool]:
            yield "to", T((5,), 1, kind), dtype
        yield "to", T((5,), 1, kind), T((1,), 1, "I64")
    yield "long", T((31,))
