"""Arithmetic with broadcasting."""
from .words import T

OPS = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "neg": lambda a: -a,
}

PAIRS = [(T((2, 3, 4)), T((4,), 2)), (T((2, 1, 4)), T((3, 1), 2)), (T((3, 4)), T((3, 4), 2)), (T((2, 3)), 2), (T((2, 3)), 0.3),
         (1.5, T((2, 3))), (3, T((2, 3))), (T((2, 3), 1, "I64"), T((2, 3), 2, "I64")), (T((2, 3), 1, "I64"), T((3,), 2)),
         (T((2, 3), 1, "I64"), 2), (T((2, 3), 1, "I64"), 0.5), (T((2, 3), 1, "BOOL"), T((2, 3), 2, "BOOL")),
         (T((2, 3), 1, "BOOL"), 2), (T((2, 3), 1, "BOOL"), 0.5), (T((2, 3), 1, "BOOL"), T((2, 3), 2)), (T((2, 3)), True),
         (T((2, 3), 1, "BOOL"), True), (T(()), T((2,), 2)), (T(()), T((), 2)), (T((), 3, "I64"), T((2, 2), 2, "I64")),
         (T((0, 3)), T((3,), 2)), (T((2, 3)), T((2,), 2)), (T((2, 3)), T((3, 3), 2)), (T((2, 1, 3, 1)), T((4, 1, 2), 2))]


def cases():
    for kind in ["F32", "I64"]:
        yield "neg", T((3, 5), 4, kind)
    yield "neg", T((3,), 4, "BOOL")
    for name in ["add", "sub", "mul", "div"]:
        for a, b in PAIRS:
            yield name, a, b
