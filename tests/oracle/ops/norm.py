"""Normalizations."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from .words import T


def module(cls, **options):
    """The function that a module in evaluation computes."""

    def call(x, mean=None, var=None, weight=None, bias=None, use_input=False, momentum=0.1, eps=1e-5, track=None):
        n = next((t.shape[0] for t in (mean, var, weight, bias) if t is not None), x.shape[1] if x.dim() > 1 else 0)
        m = cls(n, eps, affine=weight is not None, track_running_stats=mean is not None).eval()
        for name, t in (("running_mean", mean), ("running_var", var)):
            if t is not None:
                setattr(m, name, t)
        if weight is not None:
            m.weight.data, m.bias.data = weight, bias
        return m(x)

    return call


def rms_norm(x, shape, weight=None, eps=None, add_one=False):  # torch 2.4's
    dims = tuple(range(-len(shape), 0)) if isinstance(shape, tuple) else (-1,)
    y = x * torch.rsqrt(x.pow(2).mean(dims, keepdim=True) + (torch.finfo(x.dtype).eps if eps is None else eps))
    return y if weight is None else y * (weight + add_one)


OPS = {
    "batch_norm": F.batch_norm, "batch_norm1d": module(nn.BatchNorm1d), "batch_norm2d": module(nn.BatchNorm2d), "batch_norm3d": module(nn.BatchNorm3d),
    "instance_norm": F.instance_norm, "instance_norm1d": module(nn.InstanceNorm1d), "instance_norm2d": module(nn.InstanceNorm2d),
    "instance_norm3d": module(nn.InstanceNorm3d), "layer_norm": F.layer_norm, "group_norm": F.group_norm, "rms_norm": rms_norm,
    "local_response_norm": F.local_response_norm,
}


def cases():
    def stats(n):
        return T((n,), 2), T((n,), 3, "POSITIVE")

    def affine(n):
        return T((n,), 4), T((n,), 5)

    shapes = [(4, 3), (2, 3, 5), (2, 3, 2, 4), (1, 3, 2, 1, 3), (0, 3), (3, 5), (3,), (2, 3, 2, 2, 2)]
    for shape in shapes:
        yield ("batch_norm", T(shape)) + stats(3) + affine(3)
        for d in "123":
            yield ("batch_norm%sd" % d, T(shape)) + stats(3) + affine(3)
            if 0 not in shape:
                yield ("instance_norm%sd" % d, T(shape)) + (None, None) + affine(3)
        if len(shape) > 1:
            yield ("instance_norm", T(shape), None, None) + affine(3)
    x = T((2, 3, 2, 4))
    yield ("batch_norm", x) + stats(3)
    yield ("batch_norm", x) + stats(3) + (T((3,), 4), None)
    yield ("batch_norm", x) + stats(3) + (None, T((3,), 4), False, 0.1, 0.5)
    yield ("batch_norm", x) + stats(3) + affine(3) + (True,)
    yield "batch_norm", x, None, None, None, None, True, 0.1, 0.25
    yield "batch_norm", T((1, 3)), None, None, None, None, True
    yield ("batch_norm", x) + stats(2)
    yield ("batch_norm", x) + stats(3) + affine(4)
    yield ("batch_norm", T((2, 3), 1, "I64")) + stats(3)
    yield "batch_norm2d", x
    yield "batch_norm2d", T((1, 3, 1, 1))
    yield "instance_norm", x
    yield ("instance_norm", x) + stats(3) + affine(3)
    yield ("instance_norm", x) + stats(3) + affine(3) + (False, 0.1, 0.5)
    yield ("instance_norm", x) + stats(3) + (None, None, False)
    yield "instance_norm", T((2, 3, 1))
    yield ("instance_norm", x, None, None) + affine(2)
    yield "instance_norm2d", x
    yield ("instance_norm2d", x) + stats(3) + affine(3) + (True, 0.1, 0.5, True)
    yield ("instance_norm2d", T((3, 2, 4))) + stats(3) + (None, None, True, 0.1, 0.5, True)
    for shape, normalized in [((2, 4), (4,)), ((2, 3, 4), (4,)), ((2, 3, 4), (3, 4)), ((5,), (5,)), ((2, 1), (1,)), ((0, 4), (4,)), ((2, 3), (4,)),
                              ((3,), (2, 3)), ((2, 3), ()), ((2, 3, 4), (2, 4))]:
        for kind in ["F32", "WIDE"]:
            w, b = T(normalized, 2), T(normalized, 3)
            yield "layer_norm", T(shape, 1, kind), normalized, w, b
            if normalized:
                yield "rms_norm", T(shape, 1, kind), normalized, w
    x = T((2, 3, 4))
    yield "layer_norm", x, (4,)
    yield "layer_norm", x, (4,), T((4,), 2)
    yield "layer_norm", x, (4,), None, T((4,), 2), 0.5
    yield "layer_norm", x, (4,), T((3,), 2)
    yield "layer_norm", x, (4,), None, T((2, 2), 2)
    yield "layer_norm", T((2, 4), 1, "I64"), (4,)
    yield "rms_norm", x, 4
    yield "rms_norm", x, (4,), None, 0.5
    yield "rms_norm", x, (4,), T((4,), 2), 1e-6, True
    for shape, groups in [((2, 6), 2), ((2, 6, 3), 3), ((2, 6, 3), 1), ((1, 6, 2, 2), 6), ((0, 6, 2), 2), ((2, 6), 4), ((2, 6), 0), ((6,), 2), ((2, 6), -2), ((1, 6), 6), ((1, 6, 1), 6)]:
        yield ("group_norm", T(shape), groups) + affine(6)
        yield "group_norm", T(shape), groups
    yield "group_norm", T((2, 6, 3)), 3, None, T((6,), 2), 0.5
    yield "group_norm", T((2, 6, 3)), 3, T((5,), 2)
    for shape in [(2, 5, 3), (1, 5, 2, 2), (1, 3, 1, 2, 2), (1, 0, 3), (5, 3)]:
        for size in [1, 2, 3, 5, 9]:
            yield "local_response_norm", T(shape, 1, "WIDE"), size, 0.1
    yield "local_response_norm", T((2, 5, 3), 1, "WIDE"), 3, 0.5, 0.25, 2
    yield "local_response_norm", T((2, 5, 3)), 0
