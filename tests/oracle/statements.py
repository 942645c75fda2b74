"""The statements of torch_statements.py. x is float32 [2, 3, 4], y [4], z [3, 1], im [1, 4, 6, 6], n int64 [2, 3] (0 to 2),
k int64 [4] (0 to 2), b bool [2, 3], w a parameter [4, 4]."""
import torch
import torch.nn.functional as F


def names():
    """What a name means to PyTorch: the function of torch, else of torch.nn.functional."""
    return {**vars(F), **vars(torch)}


TAKEN = [line.strip() for line in """
x[:, 0]
x[0]
x[-1, 1]
x[..., 1:]
x[..., 0]
x[:, None]
x[None, ..., None]
x[:, 1:, ::2]
x[:, -2:, :-1]
x[0, 1, 2]
x[1:]
x[1:9, :, 3:1]
x[:, :, None, 0]
x[n[0, 0]]
x[:, k]
x[..., k]
x[:, [0, 2]]
x[:, [0, 2], 1:]
w[n, 0]
w[n, n]
x[:, n, n]
im[n * 0, :, n, 1]
im[:, n, 2:, k[:3]]
x[0, k]
x[:, n, None]
n[:, 0]
b[0]
w[1]
w[k]
w[:, 0] + y
x[:, arange(2)]
arange(4)[None, :] + n[:, :1]
arange(3)
arange(3).unsqueeze(0).expand(2, -1)
arange(0, 1, 0.25)
arange(3, dtype=float32)
x.shape[0] * y
x.view(x.shape[0], -1)
x.view(x.size(0), x.size(-1) * x.size(1))
x.reshape(-1, x.shape[-1])[1:]
x.transpose(1, 2)
x.T if x.ndim == 2 else x.mT
w.T
w.t()
x.permute(2, 0, 1).contiguous()
x.flatten(1).unsqueeze(-1).squeeze(-1)
cat((x, x), -1)
cat([x[:, :1], x], dim=1)
stack((y, y * 2), dim=1)
x.split(1, dim=1)[2]
split(x, 2, 1)[1]
x.split((1, 2), dim=1)[1]
x.chunk(2, -1)[1]
x.chunk(3, 1)[0]
chunk(x, 2, dim=2)[0] + x.chunk(2, dim=2)[1]
x.unbind(0)[1]
unbind(x, dim=-1)[3]
x.unbind(1)[::2][1]
x.expand(5, 2, 3, 4)[4]
z.expand(3, 4) + w[:3]
x.repeat(1, 2, 1)
y.repeat(2, 1)
x.flip(-1)
flip(x, (0, 1))
x.roll(1, 1)
roll(x, shifts=(1, -1), dims=(1, 2))
x.unfold(2, 2, 1)
x.narrow(1, 1, 2)
x.select(1, 2)
movedim(x, 0, -1)
x.swapaxes(0, 1)
x.diagonal(dim1=1, dim2=2)
x.expand_as(x[None])
x.gather(1, n[:, None].expand(-1, 1, 3)[..., :1])
index_select(x, 1, k)
zeros(2, 3)
ones((2, 3), dtype=int64)
zeros(x.shape) + x
zeros_like(x)
full((2, 2), 0.5)
full_like(n, 7)
tril(w)
triu(ones(3, 3), diagonal=1)
eye(3)
tensor([1, 0, 2])
repeat_interleave(x, 2, dim=1)
x.repeat_interleave(2, 1)
x.tile(2, 1)
""".strip().splitlines()]

# What is refused, with the exit code: 1 the shapes don't fit, which PyTorch must say too; 2 not checked.
REFUSED = [
    ("x[:, 3]", 1),
    ("x[:, :, :, 0]", 1),
    ("x[0, 0, 0, 0]", 1),
    ("x[::-1]", 1),
    ("x[:, 1.5]", 2),
    ("x[n, k]", 1),
    ("x[k]", 1),
    ("x['a']", 2),
    ("x.view(5, 5)", 1),
    ("x.permute(0, 1)", 1),
    ("x.transpose(0, 3)", 1),
    ("cat((x, y))", 1),
    ("stack((x, y))", 1),
    ("x.split(0)", 1),
    ("x.split((1, 1), 1)", 1),
    ("x.chunk(0)", 1),
    ("x.expand(3, 3, 4)", 1),
    ("x.narrow(1, 2, 2)", 1),
    ("w[n * 4]", 1),
    ("x[b]", 2),
    ("x[..., 0, ...]", 2),
]
