"""Parameters computed from others."""
import torch

from .words import T


def spectral_norm(weight, u, v, dim):  # torch.nn.utils.spectral_norm in evaluation
    matrix = weight.transpose(0, dim).flatten(1) if dim == 0 else weight.permute(dim, *[d for d in range(weight.dim()) if d != dim]).flatten(1)
    return weight / torch.dot(u, torch.mv(matrix, v))


OPS = {"_weight_norm": torch._weight_norm, "_spectral_norm": spectral_norm}


def cases():
    for shape in [(4, 3), (4, 3, 2), (2, 3, 2, 3)]:
        last = len(shape) - 1
        for dim in [0, last]:
            yield "_weight_norm", T(shape), T([n if i == dim else 1 for i, n in enumerate(shape)], 2), dim
        yield "_weight_norm", T(shape), T((), 5), -1
        for dim in range(len(shape)):
            rest = 1
            for i, n in enumerate(shape):
                rest *= n if i != dim else 1
            yield "_spectral_norm", T(shape), T((shape[dim],), 2), T((rest,), 3), dim
    yield "_weight_norm", T((4,)), T((4,), 2), 0
    yield "_spectral_norm", T((4, 3)), T((3,), 2), T((3,), 3), 0
    yield "_spectral_norm", T((4, 3)), T((4,), 2), T((4,), 3), 0
