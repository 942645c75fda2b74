"""Models whose numbers keep their size through the layers, where random weights alone would let them die away."""
import torch


def alive(module, size):
    """Statistics as training leaves them, so that numbers keep their size through the layers."""
    norms = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for m in norms:
        m.momentum = None  # the mean over all batches
        m.train()
        torch.nn.init.uniform_(m.weight, 0.5, 1.5)
        torch.nn.init.normal_(m.bias, 0, 0.2)
    if norms:
        module(torch.randn(2, 3, size, size))
    return module.eval()
