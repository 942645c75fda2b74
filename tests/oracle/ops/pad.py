"""Padding, and what shuffles channels and places."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from .words import T


def module(cls, *more):
    return lambda x, padding, *value: cls(padding, *(value or more))(x)


def circular(x, pad):
    """Without a batch too, as since torch 2.1."""
    unbatched = x.ndim == len(pad) // 2 + 1
    y = F.pad(x[None] if unbatched else x, pad, "circular")
    return y[0] if unbatched else y


def padded(x, pad, mode="constant", *value):
    if mode in ("reflect", "replicate") and not x.is_floating_point():  # torch 2 has them
        return padded(x.double(), pad, mode).to(x.dtype)
    return circular(x, pad) if mode == "circular" and len(pad) % 2 == 0 else F.pad(x, pad, mode, *value)


OPS = {"pad": padded, "pixel_shuffle": F.pixel_shuffle, "pixel_unshuffle": F.pixel_unshuffle, "channel_shuffle": torch.channel_shuffle}
for d in (1, 2, 3):
    OPS["constant_pad%dd" % d] = module(getattr(nn, "ConstantPad%dd" % d), 0)
    OPS["reflection_pad%dd" % d] = module(getattr(nn, "ReflectionPad%dd" % d))
    OPS["replication_pad%dd" % d] = module(getattr(nn, "ReplicationPad%dd" % d))
    # torch 2.1's; a padding of one number is as many as the module has sides
    OPS["circular_pad%dd" % d] = lambda x, padding, d=d: circular(x, (padding,) * 2 * d if isinstance(padding, int) else padding)


def cases():
    for kind in ["F32", "I64", "BOOL"]:
        x = T((2, 3, 4), 1, kind)
        yield "pad", x, (1, 2)
        yield "pad", x, (1, 0, 0, 2), "constant", 1
        yield "pad", x, (1, 0, 0, 2), "constant", 2.75
    x = T((2, 3, 4))
    for pad in [(0, 0), (2, 1), (-1, 2), (1, -2), (-2, -1), (-2, -2), (-3, -2), (1, 1, 2, 0), (0, 1, -1, 1, 1, 0), (1, 1, 1, 1, 1, 1, 1, 1), (1,), (), (1, 2, 3)]:
        yield "pad", x, pad
        yield "pad", x, pad, "constant", 0.5
    yield "pad", T((0, 3)), (1, 1)
    yield "pad", T((0, 3)), (1, 1, 1, 0)
    yield "pad", x, (1, 1), "edge"
    for mode in ["reflect", "replicate", "circular"]:
        for shape, pad in [((2, 3, 4), (1, 2)), ((3, 4), (2, 1)), ((2, 3, 4), (3, 3)), ((2, 3, 4), (4, 0)), ((2, 3, 4), (5, 0)), ((4,), (1, 1)),
                           ((1, 2, 3, 4), (1, 2, 2, 0)), ((2, 3, 4), (1, 2, 2, 1)), ((1, 2, 3, 4), (0, 0, 3, 0)), ((1, 1, 2, 3, 4), (1, 2, 0, 1, 1, 1)),
                           ((1, 2, 3, 4), (1, 1)), ((2, 2, 3, 2), (1, 0, 1, 1, 1, 0)), ((0, 2, 3), (1, 1))]:
            yield "pad", T(shape), pad, mode
    yield "pad", T((2, 3, 4), 1, "I64"), (1, 1), "circular"
    yield "pad", T((2, 3, 4), 1, "I64"), (1, 1), "reflect"
    shapes = {1: (2, 2, 4), 2: (1, 2, 3, 4), 3: (1, 1, 3, 2, 4)}
    for name in ["constant_pad", "reflection_pad", "replication_pad", "circular_pad"]:
        for d, shape in shapes.items():
            for padding in [1, 0, (1, 0), (1, 0, 0, 1), (1, 0, 0, 1, 1, 1), (1, 1, 1)]:
                if isinstance(padding, int) or len(padding) in (2 * d, 3):  # F.pad takes others too, the modules' op does not
                    yield "%s%dd" % (name, d), T(shape), padding
            yield "%s%dd" % (name, d), T(shape[1:]), 1
    for d, shape in shapes.items():
        yield "constant_pad%dd" % d, T(shape), 1, -0.5
        yield "constant_pad%dd" % d, T(shape), -1, 7
    for kind in ["F32", "I64"]:
        yield "pixel_shuffle", T((2, 8, 2, 3), 1, kind), 2
        yield "pixel_unshuffle", T((2, 2, 4, 6), 1, kind), 2
        yield "channel_shuffle", T((2, 6, 2, 2), 1, kind), 3
    yield "pixel_shuffle", T((9, 2, 1)), 3
    yield "pixel_shuffle", T((1, 2, 4, 1, 2)), 2
    yield "pixel_shuffle", T((1, 4, 1, 2)), 1
    yield "pixel_shuffle", T((1, 6, 1, 2)), 2
    yield "pixel_shuffle", T((4, 2)), 2
    yield "pixel_shuffle", T((1, 4, 2, 2)), 0
    yield "pixel_shuffle", T((0, 4, 2, 2)), 2
    yield "pixel_unshuffle", T((3, 3, 6)), 3
    yield "pixel_unshuffle", T((1, 1, 3, 4)), 2
    yield "pixel_unshuffle", T((3, 4)), 2
    yield "pixel_unshuffle", T((1, 1, 3, 4)), 0
    yield "channel_shuffle", T((1, 6, 3)), 2
    yield "channel_shuffle", T((1, 6, 3)), 4
    yield "channel_shuffle", T((1, 6, 3)), 0
    yield "channel_shuffle", T((6, 3)), 2
    yield "channel_shuffle", T((0, 6, 3)), 2
