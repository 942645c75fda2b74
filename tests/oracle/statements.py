"""The statements of torch_statements.py. x is float32 [2, 3, 4], y [4], z [3, 1], im [1, 4, 6, 6], n int64 [2, 3] (0 to 2),
k int64 [4] (0 to 2), b bool [2, 3], w a parameter [4, 4], classes an
AdaptiveLogSoftmaxWithLoss of 4 features and 9 classes."""
import math

import torch
import torch.nn.functional as F


def names():
    """What a name means to PyTorch: the function of torch, else of torch.nn.functional."""
    parts = {"%s_%s" % (part, name): f for part in ("linalg", "special") for name, f in vars(getattr(torch, part)).items()}
    return {**vars(F), **vars(torch), **parts, "float": float, "kl_div": F.kl_div, "embedding": F.embedding, "embedding_bag": F.embedding_bag, **HELPERS}


def attention(q, k, v, causal=False, mask=None, scale=None, bias=None, softcap=None, window=None):
    """sdpa of the architecture language, from its definition."""
    share = q.shape[1] // k.shape[1] if q.dim() == 4 else 1
    if share > 1:
        k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
    s = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    s = torch.tanh(s / softcap) * softcap if softcap else s
    s = s if bias is None else s + bias
    back = torch.arange(s.shape[-2])[:, None] + s.shape[-1] - s.shape[-2] - torch.arange(s.shape[-1])[None]
    s = s.masked_fill(back < 0, float("-inf")) if causal else s
    s = s.masked_fill(back >= window, float("-inf")) if window else s
    s = s if mask is None else s.masked_fill(~mask, float("-inf"))
    return torch.softmax(s, -1) @ v


def of_torch2(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    """scaled_dot_product_attention as torch 2 documents it; 1.13 has none."""
    keep = torch.ones(query.shape[-2], key.shape[-2]).tril().bool() if is_causal else attn_mask if attn_mask is not None and attn_mask.dtype == torch.bool else None
    return attention(query, key, value, mask=keep, scale=scale, bias=attn_mask if keep is None else None)


def rope(x, theta=10000.0, dims=None, interleaved=False, start=0, scaling=None, positions=None, trained=None):
    """Rotary embeddings, from the formulas of the papers and of transformers' modeling_rope_utils."""
    d, scaling, attention = dims or x.shape[-1], scaling or {}, 1.0
    kind, length = scaling.get("rope_type", scaling.get("type", "default")), x.shape[-2] + start
    trained = scaling.get("original_max_position_embeddings", trained or (None if kind == "longrope" else positions))
    i = torch.arange(0, d, 2, dtype=torch.float64) / d
    if kind == "dynamic":
        f = scaling["factor"]
        theta = theta * (f * max(length, trained) / trained - (f - 1)) ** (d / (d - 2))
    inverse = 1.0 / theta ** i
    if kind == "linear":
        inverse = inverse / scaling["factor"]
    if kind == "llama3":
        f, low, high = scaling["factor"], scaling["low_freq_factor"], scaling["high_freq_factor"]
        wave = 2 * math.pi / inverse
        s = (trained / wave - low) / (high - low)
        between = (1 - s) * inverse / f + s * inverse
        inverse = torch.where(wave > trained / low, inverse / f, torch.where(wave < trained / high, inverse, between))
    if kind == "yarn":
        f = scaling["factor"]
        scale = lambda m: 0.1 * m * math.log(f) + 1 if f > 1 else 1.0  # noqa: E731
        both = scaling.get("mscale") and scaling.get("mscale_all_dim")
        attention = scaling.get("attention_factor") or (scale(scaling["mscale"]) / scale(scaling["mscale_all_dim"]) if both else scale(1))
        place = lambda turns: d * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(theta))  # noqa: E731
        low, high = place(scaling.get("beta_fast", 32)), place(scaling.get("beta_slow", 1))
        if scaling.get("truncate", True):
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, d - 1)
        slowed = ((torch.arange(d // 2) - low) / (high - low or 0.001)).clamp(0, 1)
        inverse = inverse / f * slowed + inverse * (1 - slowed)
    if kind in ("longrope", "su"):
        f = scaling.get("factor") or positions / trained
        attention = scaling.get("attention_factor") or (math.sqrt(1 + math.log(f) / math.log(trained)) if f > 1 else 1.0)
        inverse = inverse / torch.tensor(scaling["long_factor" if length > trained else "short_factor"], dtype=torch.float64)
    angle = torch.outer(torch.arange(start, length).double(), inverse)
    cosine, sine = (angle.cos() * attention).float(), (angle.sin() * attention).float()
    turned, rest = x[..., :d], x[..., d:]
    a, b = (turned[..., 0::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    pair = [a * cosine - b * sine, b * cosine + a * sine]
    return torch.cat([torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1), rest], -1)


def t5_bucket(queries, keys, bidirectional=True, buckets=32, far=128):
    """relative_position_bucket of transformers' T5."""
    offset = torch.arange(keys)[None] - torch.arange(queries)[:, None]
    out = torch.zeros_like(offset)
    if bidirectional:
        buckets //= 2
        out = (offset > 0).long() * buckets
        offset = offset.abs()
    else:
        offset = -torch.min(offset, torch.zeros_like(offset))
    exact = buckets // 2
    large = exact + (torch.log(offset.float() / exact) / math.log(far / exact) * (buckets - exact)).long()
    return out + torch.where(offset < exact, offset, large.clamp(max=buckets - 1))


def alibi(heads, length):
    """The slopes as ALiBi's authors write them."""
    def slopes(n):
        if math.log2(n).is_integer():
            start = 2 ** (-(2 ** -(math.log2(n) - 3)))
            return [start * start ** i for i in range(n)]
        power = 2 ** math.floor(math.log2(n))
        return slopes(power) + slopes(2 * power)[0::2][:n - power]
    return torch.tensor(slopes(heads))[:, None, None] * torch.arange(length)[None, None]


# What a config may hold; a dict can't be written in a statement.
CONFIG = {
    "linear": {"type": "linear", "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "yarn2": {"type": "yarn", "factor": 40.0, "mscale": 0.7, "mscale_all_dim": 1.0, "beta_fast": 16, "truncate": False, "original_max_position_embeddings": 32},
    "longrope": {"type": "longrope", "short_factor": [1.0, 1.5, 2.0], "long_factor": [1.0, 4.0, 9.0], "original_max_position_embeddings": 8},
    "phi3": {"type": "su", "short_factor": [1.0, 1.5, 2.0], "long_factor": [1.0, 4.0, 9.0]},
    "unknown": {"rope_type": "mrope"},
    "lacking": {"rope_type": "linear"},
}

HELPERS = {
    "rope": rope,
    "t5_bucket": t5_bucket,
    "alibi": alibi,
    "sdpa": attention,
    "scaled_dot_product_attention": of_torch2,
    "heads": lambda x, n: x.reshape(x.shape[0], x.shape[1], n, -1).transpose(1, 2),
    "merge_heads": lambda x: x.transpose(1, 2).flatten(2),
    "lookup": lambda table, ids: table[ids],
    "gather_row": lambda x, i: x[torch.arange(x.shape[0]), i],
    "generate_square_subsequent_mask": torch.nn.Transformer.generate_square_subsequent_mask,
}

TAKEN = [line.strip() for line in """
relu(x @ w) + (x @ w)
gelu(x @ w).transpose(1, 2) @ x
relu(relu(x @ w).view(6, 4)) + y
tanh(gelu(x @ w)[:, 1:])
silu(gelu(x @ w).view(6, 4)) + y
gelu(x @ w) + (x @ w)
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
x ** 2
2 ** x
x.pow(2) + n.float()[..., None]
-n // 2 + n % 2
x // 0.5 - x % 0.5
n == 1
n != k[:3]
x > 0
0 < x
x[..., :3] >= z[:, 0]
(n == n.transpose(0, 1)[0, 0]).float()
where(x > 0, x, 0.0)
where(n > 0, n, -n)
x.masked_fill(b[..., None], -1.5)
x.masked_fill(b[:, :, None] == False, 0)
masked_fill(x, x > 0.5, float('-inf')).exp()
x.clamp(-0.5, 0.5)
x.clamp(min=0)
clamp(x, max=0.25)
x.exp().log()
(x * x).sqrt() + rsqrt(x * x + 1)
x.sin() + cos(x)
x.abs().sign()
abs(x)
round(x * 3)
x.long()
n.float() / 2
n.bool()
n.to(float32)
n.to(x.dtype)
n.type_as(x)
x.to(int64)
logical_and(b, n == 0)
logical_not(b)
maximum(x, -x)
minimum(x, y)
x if y == None else x + 1
x.div(y, rounding_mode='floor')
erf(x)
isnan(log(x))
x.clone()
x.detach() * 2
x.sum()
x.sum(-1)
x.sum((0, 2), keepdim=True)
n.sum(0)
b.sum()
x.mean(1)
x.mean(dim=(0, 1))
mean(x, [1, 2])
n.float().mean()
x.prod(1)
x.var(-1, unbiased=False)
x.var(1, keepdim=True)
x.std()
x.std(dim=-1, keepdim=True)
(x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
x.max()
x.max(1)[0]
x.max(dim=1)[1]
x.max(1).values
x.min(-1, keepdim=True).indices
max(x, -x)
x.min(y)
x.amax((1, 2))
x.amin(1)
x.argmax(-1)
x.argmax()
argmin(x, dim=1, keepdim=True)
x.norm()
x.norm(dim=-1)
x.norm(2, -1, True)
norm(x, p=1, dim=1)
x / x.norm(dim=-1, keepdim=True)
normalize(x, dim=-1)
logsumexp(x, 1)
(x > 0).any()
(x > 0).all(-1)
any(b, 0)
x.cumsum(1)
n.cumsum(-1)
n.cumsum(-1)[:, -1:] - n
b.long().cumsum(1)
b.int().sum(1, keepdim=True)
x.cumprod(0)
w[arange(2), x.argmax(-1)[:, 0]]
x[arange(2), n.argmax(-1)]
addmm(y, x[0], w)
addmm(y, x[0], w, beta=0.5, alpha=2)
baddbmm(x, x[:, :, :3], x)
addcmul(x, x, y, value=0.5)
addcdiv(x, y, x * x + 1)
lerp(x, x * 2, 0.25)
outer(y, z[:, 0])
bmm(x, x.transpose(1, 2))
mm(x[0], w)
mv(w, y)
dot(y, y)
embedding(n, w)
embedding_bag(n, w, mode='sum')
scaled_dot_product_attention(x, x, x)
scaled_dot_product_attention(x, x[:, :2], x[:, :2], is_causal=True)
scaled_dot_product_attention(x, x, x, b[:, None])
scaled_dot_product_attention(x, x, x, x[..., :3] * 2)
scaled_dot_product_attention(x, x[None], x[None] * 2)
scaled_dot_product_attention(x[None], x, x)
kl_div(x, x * 0, reduction='sum')
kl_div(log_softmax(x, -1), softmax(x, -1), reduction='batchmean')
where(isnan(kl_div(x, y / (y * 0), reduction='none')), 1.0, 0.0)
sdpa(x, x, x, causal=True)
sdpa(x[:, 1:], x, x, causal=True)
sdpa(im, im[:, :2], im[:, 1:3])
sdpa(im, im, im, window=2, causal=True)
sdpa(im, im, im, scale=0.3, softcap=0.5, bias=im[:, :1], mask=im > 0.5)
merge_heads(heads(x, 2) * 2)
gather_row(x, k[:2])
lookup(w, k)
generate_square_subsequent_mask(4).exp()
einsum('bij,bkj->bik', x, x)
multi_head_attention_forward(x, x, x, 4, 2, cat((w, w, w)), cat((y, y, y)), None, None, False, 0.0, w, y)[0]
multi_head_attention_forward(x, x, x, 4, 2, cat((w, w, w)), None, y[None, None], y[None, None], True, 0.5, w, y, training=False)[1]
multi_head_attention_forward(x, x, x, 4, 2, None, cat((y, y, y)), None, None, False, 0.0, w, None, use_separate_proj_weight=True, q_proj_weight=w, k_proj_weight=w.T, v_proj_weight=w, need_weights=False)[0]
classes(x[0], k[:3])[0]
classes(x[:, 0] * 9, k[:2] * 4)[1]
classes(y, n[0, 1])[0]
classes.log_prob(x[1])
classes.predict(x[0] * 20 + 3)
conv_tbc(x, stack((w, w, w)), y, 1)
rope(im)
rope(im, 500.0, 4)
rope(im, interleaved=True)
rope(im, 10000.0, None, False, 5)
rope(im, scaling=linear)
rope(im, scaling=dynamic, positions=4)
rope(im, scaling=dynamic, positions=400)
rope(im, 100.0, scaling=llama3)
rope(im, 10000.0, start=100, scaling=llama3)
rope(im, 100.0, scaling=yarn)
rope(im, 10000.0, None, True, 3, yarn2)
rope(im, scaling=longrope, positions=32)
rope(im, start=9, scaling=longrope, positions=32)
rope(im, scaling=phi3, positions=32, trained=8)
rope(x)
t5_bucket(5, 40)
t5_bucket(3, 200, False) + 0 * n[:1, :1]
t5_bucket(20, 20, True, 8, 16)
alibi(8, 5)
alibi(12, 3)
x.topk(2)[0]
x.topk(2, dim=1).indices
topk(x, 2, -1, False)[0]
x.sort(dim=1)[0]
x.sort(-1, True).indices
sort(n)[0]
argsort(x, dim=1, descending=True)
x.scatter(1, n[:, :1, None], 1.5)
zeros(2, 4).scatter(1, n, 1.0)
x.scatter_add(2, n[:, :, None], x)
x[:, :0] + 1
x[:, :0].sum(1)
cat((x[:, :0], x), 1)
x[:, :0] @ w
x[:0].view(0, 12)
embedding(n[:, :0], w)
sdpa(x[:, :0], x, x)
einsum('bij,jk->bik', x[:, :0], w)
x[:, :0].expand(2, 0, 4)
rope(im[:, :, :0])
stack((x[:0], x[:0]))
x[:, :0].any()
x[:, :0].split(1, 1)[0]
einsum('...j,kj->...k', x, w)
einsum('ij,jk,kl->il', [w, w, w])
(x * 1).index_fill_(1, k[:2], 2.0) + 1
(w * 1).index_add_(0, k[:1], w[:1]).tril_() * 2
(w * 1).fill_diagonal_(3.0) @ w.H
(w * 1).copy_(y) + w.mH
(x * 1).zero_() + y
(x * 1).fill_(2) + y
(x * 1).masked_scatter_(x > 0, w) * 2
special_erf(x) + special_expit(x) - special_xlog1py(x * x, y * y)
isnan(where(x > 0, x, float('nan')))
x * x.nelement() + x.ndimension()
row_stack((w, y))
constant_pad_nd(x, (1, 2), 0.5)
upsample(im, scale_factor=2, mode='bilinear', align_corners=True)
tensordot(x, w, 1)
tensordot(x, x, dims=([0, 2], [0, 2]))
linalg_norm(w) + linalg_norm(y, 3) + linalg_norm(w, float('inf')) + linalg_norm(w, 1)
linalg_solve(w + eye(4) * 4, y)
linalg_matrix_power(w, 3)
linalg_inv(w + eye(4) * 4) @ w
median(x, 1)[0]
x.quantile(0.3, dim=1)
broadcast_tensors(y, z)[1] * 2
x.tensor_split(3, 2)[0]
cov(w)
""".strip().splitlines()]

# What is refused, with the exit code: 1 the shapes don't fit, which PyTorch must say too; 2 not checked.
REFUSED = [
    ("scaled_dot_product_attention(x, x, x, dropout_p=0.5)", 2),
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
    ("x + n", 1),
    ("n // 0", 1),
    ("zeros(1099511627776) + x[0, 0, 0]", 2),
    ("ones(4294967296, 4294967296)", 1),
    ("x.expand(1099511627776, 2, 3, 4) * 2", 2),
    ("x.repeat(1048576, 1048576, 1)", 2),
    ("repeat_interleave(x, 4611686018427387904, 0)", 1),
    ("einsum('ij,kl,mn,op->ijklmnop', w, w, w, w).repeat(65536, 1, 1, 1, 1, 1, 1, 1)", 2),
    ("arange(1099511627776)[None] + y[:1]", 2),
    ("eye(1048576) * x[0, 0, 0]", 2),
    ("sdpa(x[:, :0], x[:, :0], x)", 1),
    ("x[:, :0].amax(1)", 1),
    ("rope(im, scaling=unknown)", 2),
    ("rope(im, scaling=lacking)", 2),
    ("rope(im, scaling=phi3, positions=32)", 2),
    ("rope(im, scaling=dynamic)", 2),
    ("rope(im, dims=8)", 1),
    ("t5_bucket(3, 3, True, 2)", 1),
    ("alibi(0, 3)", 1),
    ("embedding(n + 2, w)", 1),
    ("embedding(x, w)", 1),
    ("x @ y[:3]", 1),
    ("x[b]", 2),
    ("x[..., 0, ...]", 2),
]
