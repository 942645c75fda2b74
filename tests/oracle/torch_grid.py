"""Layers and functions of PyTorch over grids of their arguments, with inputs as they come: without a batch, with an empty one, with integers and
bools, NaN and infinities, negative dimensions, shapes that broadcast. Told and judged as torch_own.py does it. What PyTorch refuses is left
out. With --all every case, else every fifth. Other arguments choose groups by name (convolutions, pools …), else cases by a part of theirs. Needs Debian's python3-torch."""
import itertools
import sys
import warnings

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch_cases import Case, evaluated
    from torch_own import Score, Skip, check
except ImportError:
    print("SKIPPED torch_grid: python3-torch is not installed")
    sys.exit(0)

warnings.simplefilter("ignore")
PART = 5  # every fifth case, without --all
LEAST = 800  # cases that must pass then
SIZES = {1: (9,), 2: (7, 8), 3: (5, 6, 4)}


def grid(**choices):
    """Every combination, as dicts."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values))


def shown(args):
    return ", ".join("%s=%r" % item for item in args.items())


def made(kind, positional, args):
    """A layer, or None: PyTorch refuses the arguments."""
    try:
        layer = evaluated(getattr(nn, kind)(*positional, **args))
    except (RuntimeError, ValueError, TypeError, AssertionError, ZeroDivisionError):
        return None
    with torch.no_grad():
        for t in layer.parameters():
            t.copy_(torch.randn(t.shape) * 0.4)
    return layer


def layers(kind, positional, shapes, **choices):
    for args in grid(**choices):
        layer = made(kind, positional, args)
        for shape in shapes if layer is not None else []:
            yield Case("%s(%s) of %s" % (kind, shown(args), list(shape)), layer, [torch.randn(shape)])


def batches(*sizes, channels=4):
    """With a batch, without one, with an empty one."""
    return [(2, channels, *sizes), (channels, *sizes), (0, channels, *sizes)]


def convolutions():
    for d, sizes in SIZES.items():
        yield from layers("Conv%dd" % d, (4, 6), batches(*sizes), kernel_size=[1, 3, (2, 3, 2)[:d]], stride=[1, 2], padding=[0, 1, "same"], dilation=[1, 2], groups=[1, 2])
        yield from layers("Conv%dd" % d, (4, 4, 3), batches(*sizes)[:2], padding=[1, 2, "same"], groups=[1, 4], bias=[True, False], padding_mode=["reflect", "replicate", "circular"])
        yield from layers("ConvTranspose%dd" % d, (4, 6), batches(*sizes), kernel_size=[1, 3], stride=[1, 2, 3], padding=[0, 1], output_padding=[0, 1], dilation=[2], groups=[1, 2])
        yield from layers("ConvTranspose%dd" % d, (4, 6), batches(*sizes), kernel_size=[1, 3], stride=[1, 2], padding=[0, 1], bias=[True, False])


def pools():
    for d, sizes in SIZES.items():
        yield from layers("MaxPool%dd" % d, (), batches(*sizes), kernel_size=[2, 3, (3, 2, 2)[:d]], stride=[None, 1, 3], padding=[0, 1], dilation=[1, 2], ceil_mode=[False, True])
        yield from layers("MaxPool%dd" % d, (2,), batches(*sizes)[:2], padding=[0, 1], ceil_mode=[False, True], return_indices=[True])
        more = {"divisor_override": [None, 3]} if d > 1 else {}
        yield from layers("AvgPool%dd" % d, (), batches(*sizes), kernel_size=[2, 3], stride=[None, 1, 3], padding=[0, 1], ceil_mode=[False, True], count_include_pad=[True, False], **more)
        sized = [1, 3, 12] + ([(None, 3, 2)[:d]] if d > 1 else [])
        yield from layers("AdaptiveAvgPool%dd" % d, (), batches(*sizes), output_size=sized)
        yield from layers("AdaptiveMaxPool%dd" % d, (), batches(*sizes)[:2], output_size=sized, return_indices=[False, True])
        if d < 3:
            yield from layers("LPPool%dd" % d, (), batches(*sizes), norm_type=[1, 2, 3], kernel_size=[2, 3], stride=[None, 2], ceil_mode=[False, True])


def norms():
    for d, sizes in SIZES.items():
        yield from layers("BatchNorm%dd" % d, (4,), batches(*sizes), eps=[1e-5, 0.1], affine=[True, False], track_running_stats=[True, False])
        yield from layers("InstanceNorm%dd" % d, (4,), batches(*sizes)[:2], eps=[1e-5, 0.1], affine=[True, False], track_running_stats=[True, False])
        yield from layers("GroupNorm", (), batches(*sizes), num_groups=[1, 2, 4], num_channels=[4], affine=[True, False])
        yield from layers("LocalResponseNorm", (), batches(*sizes), size=[1, 2, 3, 7], alpha=[1e-4, 0.5], k=[1.0, 2.0])
    yield from layers("BatchNorm1d", (4,), [(3, 4), (0, 4), (1, 4)], affine=[True, False])
    yield from layers("CrossMapLRN2d", (), [(2, 4, 5, 6)], size=[1, 2, 3, 4, 5], alpha=[0.5], beta=[0.75, 0.5], k=[1, 2])
    yield from layers("LayerNorm", (), [(2, 3, 4), (3, 4), (0, 3, 4)], normalized_shape=[4, (3, 4)], eps=[1e-5, 0.1], elementwise_affine=[True, False])


def resized():
    for d, modes in {1: ["nearest", "nearest-exact", "linear", "area"], 2: ["nearest", "nearest-exact", "bilinear", "bicubic", "area"], 3: ["nearest", "nearest-exact", "trilinear", "area"]}.items():
        x = torch.randn(2, 3, *SIZES[d])
        for mode in modes:
            aligns = [None, False, True] if "linear" in mode or mode == "bicubic" else [None]
            for args in grid(size=[1, 3, 5, 14], align_corners=aligns, antialias=[False, True]):
                yield called(F.interpolate, x, mode=mode, **args)
            for args in grid(scale_factor=[0.4, 0.75, 1.0, 1.7, 2], align_corners=aligns, recompute_scale_factor=[None, True], antialias=[False, True]):
                yield called(F.interpolate, x, mode=mode, **args)
    for args in grid(pad=[(1, 2), (0, 1, 2, 1), (-1, 2), (1, 1, 1, 1, 2, 0)], mode=["constant", "reflect", "replicate", "circular"]):
        for shape in [(2, 3, 7), (2, 3, 5, 6), (3, 5, 6), (2, 3, 4, 5, 6), (0, 3, 5, 6)]:
            yield called(F.pad, torch.randn(shape), **args)
    for args in grid(mode=["bilinear", "nearest", "bicubic"], padding_mode=["zeros", "border", "reflection"], align_corners=[None, True]):
        yield called(F.grid_sample, torch.randn(2, 3, 5, 6), torch.randn(2, 4, 3, 2), **args)
        yield called(F.grid_sample, torch.randn(2, 3, 4, 5, 6), torch.randn(2, 4, 3, 2, 3), **args)
    for args in grid(upscale_factor=[1, 2, 3]):
        yield called(F.pixel_shuffle, torch.randn(2, 36, 3, 4), **args)
    for args in grid(kernel_size=[2, (3, 2)], dilation=[1, 2], padding=[0, 1], stride=[1, 2]):
        yield called(F.unfold, torch.randn(2, 3, 7, 8), **args)


def sequences():
    for kind, more in (("RNN", {"nonlinearity": ["tanh", "relu"]}), ("GRU", {}), ("LSTM", {"proj_size": [0, 3]})):
        for args in grid(num_layers=[1, 2], bias=[True, False], batch_first=[False, True], bidirectional=[False, True], **more):
            layer = made(kind, (3, 5), args)
            for shape in [(4, 2, 3), (4, 3), (1, 1, 3)]:
                yield Case("%s(%s) of %s" % (kind, shown(args), list(shape)), layer, [torch.randn(shape)])
    for args in grid(bias=[True, False], add_bias_kv=[False, True], add_zero_attn=[False, True], kdim=[None, 6], vdim=[None, 10], batch_first=[False, True]):
        layer = made("MultiheadAttention", (8, 2), args)
        for lead in ((3, 2), (3,)):
            q, k, v = torch.randn(*lead, 8), torch.randn(*lead, args["kdim"] or 8), torch.randn(*lead, args["vdim"] or 8)
            yield Case("MultiheadAttention(%s) %s" % (shown(args), lead), layer, [q, k, v])
    for kind in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        for args in grid(activation=["relu", "gelu"], batch_first=[False, True], norm_first=[False, True]):
            layer = made(kind, (8, 2, 16), args)
            given = [torch.randn(3, 2, 8)] + [torch.randn(3, 2, 8)] * (kind == "TransformerDecoderLayer")
            yield Case("%s(%s)" % (kind, shown(args)), layer, given)
    for args in grid(mode=["sum", "mean", "max"], include_last_offset=[False, True], padding_idx=[None, 2]):
        if args["include_last_offset"] and (args["mode"] == "max" or args["padding_idx"]):
            continue  # torch 1.13 writes beyond its memory there
        layer = made("EmbeddingBag", (6, 4), args)
        if not args["include_last_offset"]:  # nor with lists
            yield Case("EmbeddingBag(%s) of lists" % shown(args), layer, [torch.randint(6, (3, 5))])
        yield Case("EmbeddingBag(%s) with offsets" % shown(args), layer, [torch.randint(6, (7,)), torch.tensor([0, 3, 3, 7])])


def called(function, *args, **kwargs):
    words = ", ".join([str(list(a.shape)) + " " + str(a.dtype)[6:] if isinstance(a, torch.Tensor) else repr(a) for a in args] + ["%s=%r" % item for item in kwargs.items()])
    return Case("%s(%s)" % (getattr(function, "__name__", function), words), function, args, kwargs)


ODD = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 20.5, -100.0, 1e-30, 1e30, float("inf"), float("-inf"), float("nan")])
ACTIVATIONS = ["relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "tanhshrink", "softshrink", "hardshrink", "hardsigmoid",
               "hardswish", "hardtanh", "logsigmoid", "tanh", "sigmoid"]
UNARY = ["abs", "sign", "exp", "log", "log1p", "sqrt", "rsqrt", "sin", "cos", "erf", "floor", "ceil", "round", "trunc", "frac", "square", "neg", "reciprocal", "isnan", "isinf", "isfinite",
         "logical_not", "nan_to_num", "sinc"]
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "fmax", "fmin", "eq", "ne", "lt", "ge", "pow", "fmod", "remainder", "floor_divide", "atan2", "logical_and", "logical_xor", "bitwise_and",
          "bitwise_or", "logaddexp", "hypot", "xlogy", "isclose"]
REDUCTIONS = ["sum", "mean", "prod", "amax", "amin", "argmax", "argmin", "any", "all", "std", "var", "logsumexp", "count_nonzero", "nansum"]


def elements():
    for name in ACTIVATIONS:
        yield called(getattr(F, name), ODD)
        yield called(getattr(F, name), torch.zeros(0, 3))
    for name in UNARY:
        for x in (ODD, torch.tensor([0, 1, -1, 7, -100]), torch.tensor([True, False]), torch.randn(()), torch.zeros(0, 3)):
            yield called(getattr(torch, name), x)
    whole, truth = torch.tensor([[0, 1, -2, 7], [3, -5, 2, 1]]), torch.tensor([[True, False, True, False]])
    kinds = [torch.randn(2, 4), torch.randn(4), torch.randn(2, 1), torch.randn(()), whole, truth, torch.randn(3, 1, 4), torch.zeros(0, 4), ODD[:4] * float("nan")]
    for name in BINARY:
        for x, y in itertools.product(kinds, kinds):
            if name != "floor_divide" or y is not whole:
                yield called(getattr(torch, name), x, y)


def dimensions():
    kinds = [torch.randn(2, 3, 4), torch.randint(-3, 9, (2, 3, 4)), torch.rand(2, 3, 4) > 0.5, torch.randn(2, 0, 4), torch.randn(5)]
    for name in REDUCTIONS:
        for x in kinds:
            yield called(getattr(torch, name), x)
            for args in grid(dim=[0, -1, 1, -2], keepdim=[False, True]):
                if name == "count_nonzero":
                    del args["keepdim"]
                yield called(getattr(torch, name), x, **args)
    for name in ("cumsum", "cumprod", "softmax", "log_softmax", "flip", "unbind", "argsort", "sort", "max", "min", "median", "diff", "roll"):
        for x, dim in itertools.product(kinds, [0, -1, 1, -3]):
            given = {"dims": dim, "shifts": 2} if name == "roll" else {"dims": (dim,)} if name == "flip" else {"dim": dim}
            if name in ("argsort", "sort") and x.dtype != torch.float32:
                continue  # equal elements may stand in any order
            yield called(getattr(torch, name), x, **given)
    for x, (start, end) in itertools.product(kinds[:4], [(0, -1), (1, 2), (-2, -1), (0, 1)]):
        yield called(torch.flatten, x, start, end)
    for a, b in itertools.product([(4,), (3, 4), (2, 3, 4), (1, 2, 3, 4), (0, 4), (3, 0)], [(4,), (4, 5), (2, 4, 5), (5, 1, 4, 2), (0, 5), (4, 0)]):
        yield called(torch.matmul, torch.randn(a), torch.randn(b))


GROUPS = [convolutions, pools, norms, resized, sequences, elements, dimensions]


def main():
    torch.manual_seed(4)
    chosen = [word for word in sys.argv[1:] if word != "--all"]
    step = 1 if chosen or "--all" in sys.argv else PART
    score, refused = Score(), 0
    named = [group for group in GROUPS if group.__name__ in chosen]
    for group in named or GROUPS:
        ready = []
        for case in itertools.islice(group(), 0, None, step):
            if chosen and not named and not any(word in case.name for word in chosen):
                continue
            try:
                check(case)
                ready.append(case)
            except Skip:
                refused += 1
        score.ready(ready)
    if not chosen and score.passed < LEAST:
        print("only %d cases pass, %d were to" % (score.passed, LEAST))
        score.failed += 1
    print("%d are not checked, of %d PyTorch has no answer" % (sum(score.skipped.values()), refused))
    print("%d passed, %d failed" % (score.passed, score.failed))
    return score.failed > 0


if __name__ == "__main__":
    sys.exit(main())
