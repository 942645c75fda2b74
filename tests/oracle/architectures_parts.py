"""What a state dict holds, in torch's order, as the accounts of models put it together: entries of (what, key, dtype, sizes)."""


def parameter(key, *sizes):
    return [("parameter", key, "float", sizes)]


def position_ids(key, n):
    """A buffer that older files have: torch.arange(n) as a row."""
    return [("optional", key, "int64", (1, n))]


def linear(name, inputs, outputs, bias=True):
    return parameter(name + ".weight", outputs, inputs) + (parameter(name + ".bias", outputs) if bias else [])


def norm(name, n, bias=True):
    return parameter(name + ".weight", n) + (parameter(name + ".bias", n) if bias else [])


def table(name, n, width):
    return parameter(name + ".weight", n, width)


def conv(name, inputs, outputs, *kernel, groups=1, bias=True):
    return parameter(name + ".weight", outputs, inputs // groups, *kernel) + (parameter(name + ".bias", outputs) if bias else [])


def transposed_conv(name, inputs, outputs, *kernel):
    return parameter(name + ".weight", inputs, outputs, *kernel) + parameter(name + ".bias", outputs)


def batch_norm(name, n):
    return norm(name, n) + [("buffer", name + ".running_mean", "float", (n,)), ("buffer", name + ".running_var", "float", (n,)),
                            ("buffer", name + ".num_batches_tracked", "int64", ())]


def below(prefix, *parts):
    """The parts as attributes of a module of that name."""
    return [(what, prefix + "." + key, dtype, sizes) for part in parts for what, key, dtype, sizes in part]


def each(prefix, n, part):
    """A ModuleList: part(i) for each of n."""
    return [entry for i in range(n) for entry in below(f"{prefix}.{i}", part(i))]


def tied(alias, target, c):
    return {alias: target} if c.tie_word_embeddings else {}


def labels(default=2):
    """The field num_labels of every config: the length of id2label where it is not given."""
    return lambda full: len(full.get("id2label") or {}) or default
