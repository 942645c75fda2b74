"""Resizing."""
import itertools
import warnings

import torch.nn.functional as F

from .words import T

OPS = {"grid_sample": F.grid_sample, "interpolate": F.interpolate, "upsample_nearest": F.upsample_nearest, "upsample_bilinear": F.upsample_bilinear}


def cases():
    warnings.simplefilter("ignore")
    shapes = {1: (2, 2, 5), 2: (1, 2, 4, 5), 3: (1, 2, 2, 3, 4)}  # one channel takes another path in PyTorch, with other positions
    for d, modes in {1: ["nearest", "nearest-exact", "linear", "area"], 2: ["nearest", "nearest-exact", "bilinear", "bicubic", "area"],
                     3: ["nearest", "nearest-exact", "trilinear", "area"]}.items():
        x = T(shapes[d])
        sizes = {1: [3, 5, 8, 1, (10,)], 2: [3, (4, 5), (7, 3), (8, 10), 1], 3: [2, (3, 5, 2), (4, 6, 8)]}[d]
        for mode in modes:
            aligns = [None, True, False] if "linear" in mode or mode == "bicubic" else [None]
            for align in aligns:
                for size in sizes:
                    yield "interpolate", x, size, None, mode, align
                for scale in [2, 1.7, 0.6] if d < 3 else [1.7]:
                    yield "interpolate", x, None, scale, mode, align
            yield "interpolate", x, None, 1.7, mode, None, True
            yield "interpolate", x, None, (1.3,) * d, mode
            yield "interpolate", x, None, (1.3,) * (d + 1), mode
    for mode in ["bilinear", "bicubic"]:
        for given in [((3, 2), None), ((1, 7), None), ((9, 12), None), (None, 0.3), (None, (1.7, 0.4))]:
            for align in [None, True]:
                yield "interpolate", T((2, 2, 11, 9)), *given, mode, align, None, True
    yield "interpolate", T((1, 2, 4, 5)), 3, None, "nearest", None, None, True
    yield "interpolate", T((1, 2, 4)), 3, None, "linear", None, None, True
    x = T((1, 2, 4, 5))
    yield "interpolate", x, None, (2, 0.5)
    yield "interpolate", x, None, (2, 3), "bilinear"
    yield "interpolate", T((1, 1, 300)), 1000, None, "nearest"
    yield "interpolate", T((1, 1, 300)), 97, None, "nearest-exact"
    yield "interpolate", T((1, 1, 40)), None, 0.7, "nearest"
    yield "interpolate", T((1, 1, 40)), None, 3.3, "nearest-exact"
    yield "interpolate", x, None, None
    yield "interpolate", x, 3, 2
    yield "interpolate", x, 3, None, "linear"
    yield "interpolate", x, 3, None, "trilinear"
    yield "interpolate", x, 3, None, "cubic"
    yield "interpolate", x, 3, None, "nearest", True
    yield "interpolate", x, (3, 3, 3)
    yield "interpolate", x, 0
    yield "interpolate", x, -1
    yield "interpolate", x, None, 0.1
    yield "interpolate", x, None, -1.0
    yield "interpolate", T((4, 5)), 3
    yield "interpolate", T((1, 2, 0, 5)), 3
    yield "interpolate", T((0, 2, 4, 5)), 3
    yield "interpolate", T((1, 0, 4, 5)), 3
    for d, modes in {2: ["bilinear", "nearest", "bicubic"], 3: ["bilinear", "nearest", "bicubic"]}.items():
        x, grid = T({2: (2, 2, 4, 5), 3: (1, 2, 2, 3, 4)}[d]), T({2: (2, 3, 4, 2), 3: (1, 2, 3, 2, 3)}[d], 5)
        for mode in modes:
            for outside in ["zeros", "border", "reflection"]:
                for align in [None, True]:
                    yield "grid_sample", x, grid, mode, outside, align
    yield "grid_sample", T((1, 1, 1, 1)), T((1, 3, 3, 2)), "bilinear", "reflection", True
    yield "grid_sample", x, T((2, 3, 4, 2))
    yield "grid_sample", T((1, 2, 4, 5)), T((1, 3, 4, 3))
    yield "grid_sample", T((1, 2, 4, 5)), T((1, 3, 4, 2)), "area"
    yield "grid_sample", T((1, 2, 4, 5)), T((1, 3, 4, 2)), "bilinear", "circular"
    yield "grid_sample", T((1, 2, 0, 5)), T((1, 3, 4, 2))
    for name in ["upsample_nearest", "upsample_bilinear"]:
        yield name, x, (7, 8)
        yield name, x, 3
        yield name, x, None, 2
        yield name, x, None, (2.0, 1.5)
        yield name, x
