"""Elements in another order, some of them, or some more than once."""
import torch

from .words import T

OPS = {"transpose": torch.transpose, "t": torch.t, "adjoint": lambda x: x.mT, "permute": lambda x, *d: x.permute(*d), "movedim": torch.movedim,
       "select": lambda x, d, i: x.select(d, i), "narrow": torch.narrow, "slice": torch.ops.aten.slice, "diagonal": torch.diagonal,
       "unfold": lambda x, *a: x.unfold(*a), "expand": lambda x, *s: x.expand(*s), "expand_as": lambda x, y: x.expand_as(y),
       "repeat": lambda x, *s: x.repeat(*s), "tile": lambda x, *s: x.tile(*s), "repeat_interleave": torch.repeat_interleave,
       "flip": lambda x, *d: x.flip(*d), "squeeze": torch.squeeze, "unsqueeze": torch.unsqueeze, "view_as": lambda x, y: x.view_as(y)}


def cases():
    x, empty, zero = T((2, 3, 4)), T((2, 0, 3)), T(())
    for a, b in [(0, 1), (1, 2), (0, 2), (-1, 0), (1, 1), (3, 0), (0, -4)]:
        yield "transpose", x, a, b
    yield "transpose", T((3, 4), 1, "I64"), 0, 1
    yield "transpose", T((3, 4), 1, "BOOL"), 0, 1
    yield "transpose", empty, 0, 1
    yield "transpose", zero, 0, -1
    for shape in [(3, 2), (4,), (), (2, 3, 4), (0, 2)]:
        yield "t", T(shape)
        yield "adjoint", T(shape)
    for dims in [(0, 2, 1), (2, 1, 0), (1, 2, 0), (-1, 0, 1), (0, 1, 2), (0, 1), (0, 1, 1), (0, 1, 3), ((2, 0, 1),)]:
        yield ("permute", x) + dims
    yield "permute", T((2, 3, 2, 2), 1, "I64"), 0, 3, 1, 2
    yield "permute", empty, 2, 0, 1
    for a, b in [(0, 2), (2, 0), (-1, 1), ((0, 1), (1, 2)), ((0, 1), (2, 0)), ((0,), (1, 2)), ((0, 0), (1, 2)), (3, 0)]:
        yield "movedim", x, a, b
    for d, i in [(0, 1), (1, 2), (2, -1), (-1, 0), (1, 3), (1, -4), (3, 0)]:
        yield "select", x, d, i
    yield "select", zero, 0, 0
    yield "select", T((3,)), 0, 1
    yield "select", empty, 1, 0
    yield "select", empty, 2, 1
    for args in [(0, 0, 1), (1, 1, 2), (2, -3, 2), (1, 3, 0), (1, 2, 2), (1, -4, 1), (2, 0, -1), (3, 0, 1), (1, 4, 0)]:
        yield ("narrow", x) + args
    yield "narrow", zero, 0, 0, 1
    for args in [(1, 1, None), (1, None, 2), (2, 1, 3), (2, None, None, 2), (2, 1, None, 2), (2, -2, None), (2, None, -1), (2, 3, 1), (2, -9, 9), (2, 4, None),
                 (2, 0, 4, 3), (0, 1, 2), (-1, 0, 2, 9), (2, 0, None, 0), (2, 0, None, -1), (3, 0, 1), (0, 9, 12), (2, 0, 9223372036854775807)]:
        yield ("slice", x) + args
    yield "slice", zero, 0, 0, 1
    for args in [(), (1,), (-1,), (0, 1, 2), (1, 0, 2), (-2, 2, 0), (5,), (-5,), (0, 1, 1), (0, 0, 3)]:
        yield ("diagonal", x) + args
    yield "diagonal", T((4, 4))
    yield "diagonal", T((4,))
    for args in [(2, 2, 1), (2, 2, 2), (1, 3, 1), (0, 1, 1), (-1, 4, 3), (2, 5, 1), (2, 2, 0), (2, 0, 1), (2, -1, 1), (3, 1, 1)]:
        yield ("unfold", x) + args
    yield "unfold", zero, 0, 1, 1
    one = T((1, 3, 1))
    for size in [(2, 3, 4), (-1, -1, 5), (2, 1, 3, 2), (1, 3, 1), (2, 4, 1), (3, 1), (-1, 1, 3, 1), (0, 3, 1), (5, 2, 1, 3, 2), ((2, 3, 4),), (2, 3, -2)]:
        yield ("expand", one) + size
    yield "expand", zero, 2, 2
    yield "expand", T((3,), 1, "BOOL"), 2, 3
    yield "expand_as", one, T((2, 3, 4))
    yield "expand_as", one, T((2, 2, 4))
    yield "expand_as", T((3,)), T((2, 3))
    for size in [(2, 1, 1), (1, 2, 1), (1, 1, 2), (2, 1, 2, 1), (2, 2), (0, 1, 1), (-1, 1, 1), ((1, 2, 2),)]:
        yield ("repeat", T((2, 3, 2))) + size
    for size in [(2,), (2, 1), (1, 2, 1), (2, 1, 1, 2), ((2, 2),), (0,)]:
        yield ("tile", T((2, 3))) + size
    for args in [(2,), (2, 0), (2, 1), (3, -1), (0, 1), (1, 2), (-1, 0), (2, 3)]:
        yield ("repeat_interleave", T((2, 3, 2))) + args
    yield "repeat_interleave", zero, 3, 0
    for dims in [(0,), (1,), (2,), (-1,), (0, 2), (0, 1, 2), ((0, 1),), (0, 0), (3,)]:
        yield ("flip", x) + dims
    yield "flip", zero, 0
    yield "flip", empty, 0
    ones = T((1, 2, 1, 3))
    for args in [(), (0,), (1,), (2,), (-2,), (4,), (-5,)]:
        yield ("squeeze", ones) + args
    yield "squeeze", zero, 0
    for d in [0, 1, 3, -1, -4, 4, -5]:
        yield "unsqueeze", x, d
    yield "unsqueeze", zero, 0
    yield "view_as", x, T((6, 4))
    yield "view_as", x, T((6, 5))
