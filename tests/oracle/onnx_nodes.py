"""ONNX operators as statements of a forward, by what the operator's specification says. A translator gets the model so
far and a node and answers the expressions of its outputs, or raises Skip with the reason."""
import numpy

TYPES = {1: "float32", 2: "int64", 3: "int64", 5: "int64", 6: "int64", 7: "int64", 9: "bool", 10: "float32", 11: "float32", 12: "int64"}


class Skip(Exception):
    pass


def text(values):
    values = [int(v) for v in values]
    return "(%s,)" % ", ".join(map(str, values))


def one(values):
    return str(values[0]) if len(set(values)) == 1 else text(values)


def number(v):
    v = v.item()
    return "float('%s')" % v if v in (float("inf"), float("-inf")) else repr(v)


class Model:
    """A case as an architecture file: modules, their weights, statements. A value is known when it is constant; in a model of one
    node what stands behind the first input is (weights, axes), where a translator asks for it."""

    def __init__(self, case):
        self.case, self.modules, self.state, self.statements = case, {}, {}, []
        self.known = dict(case.constants)
        self.names, self.used = {}, set()
        self.behind = dict(case.inputs) if len(case.nodes) == 1 else {}

    def array(self, node, i, what="a value"):
        """The constant input i, or None where it is left out."""
        if i >= len(node.inputs) or not node.inputs[i]:
            return None
        name = node.inputs[i]
        if name in self.known:
            return self.known[name]
        if name in self.behind and i > 0:
            return self.behind[name]
        raise Skip("%s is computed by the graph" % what)

    def value(self, node, i):
        """The expression of input i, or None where it is left out."""
        if i >= len(node.inputs) or not node.inputs[i]:
            return None
        name = node.inputs[i]
        if name in self.names:
            return self.names[name]
        if name in self.known:
            return self.buffer(name, self.known[name])
        self.used.add(name)
        self.names[name] = "x%d" % list(self.case.inputs).index(name)
        return self.names[name]

    def buffer(self, name, array):
        key = self.names[name] = "k%d" % len(self.modules)
        self.modules[key] = "Buffer(%s)" % (text(array.shape) if array.shape else "()")
        self.state[key] = array
        return key

    def module(self, line, weights):
        key = "m%d" % len(self.modules)
        self.modules[key] = line
        self.state.update({"%s.%s" % (key, name): w for name, w in weights.items() if w is not None})
        return key

    def dtype(self, node, i):
        """numpy's kind of an input: f, i, u or b; None where it is computed."""
        name = node.inputs[i]
        array = self.known.get(name, self.case.inputs.get(name))
        return None if array is None else array.dtype.kind

    def rank(self, node, i=0):
        array = self.known.get(node.inputs[i], self.case.inputs.get(node.inputs[i]))
        if array is None:
            raise Skip("the rank of a computed value is needed")
        return array.ndim

    def run(self):
        for node in self.case.nodes:
            if node.op not in OPS:
                raise Skip("operator %s" % node.op)
            results = OPS[node.op](self, node)
            for name, result in zip(node.outputs, results if isinstance(results, tuple) else (results,)):
                if isinstance(result, numpy.ndarray):
                    self.known[name] = result
                elif name:
                    self.names[name] = "v%d" % len(self.statements)
                    self.statements.append("%s = %s" % (self.names[name], result))
        if len(node.outputs) > 1 and not isinstance(results, tuple) and any(node.outputs[1:]):
            raise Skip("a second output")


def call(pattern):
    """'{0} + {1}': the inputs by number."""
    return lambda m, n: pattern.format(*[m.value(n, i) for i in range(len(n.inputs))])


def variadic(pattern):
    def translate(m, n):
        result = m.value(n, 0)
        for i in range(1, len(n.inputs)):
            result = pattern.format(result, m.value(n, i))
        return result + " * 1" if len(n.inputs) == 1 else result
    return translate


def symmetric(n, rank, key="pads"):
    pads = n.attr.get(key, [0] * 2 * rank)
    return pads[:rank] if pads[:rank] == pads[rank:] else None


def padded(m, n, rank, fill="0.0"):
    """The input and the padding of a window op: asymmetric padding comes first, as a step of its own."""
    if n.attr.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID", ""):
        raise Skip("auto_pad depends on the input's size")
    pads = symmetric(n, rank)
    if pads is not None:
        return m.value(n, 0), pads
    before, after = n.attr["pads"][:rank], n.attr["pads"][rank:]
    flat = [v for pair in reversed(list(zip(before, after))) for v in pair]
    return "pad(%s, %s, value=%s)" % (m.value(n, 0), text(flat), fill), [0] * rank


def conv(m, n):
    w, b = m.array(n, 1, "the weight"), m.array(n, 2, "the bias")
    rank, groups = w.ndim - 2, n.attr.get("group", 1)
    x, pads = padded(m, n, rank)
    line = "Conv%dd(%d, %d, %s, %s, %s, %s, %d, %s)" % (rank, w.shape[1] * groups, w.shape[0], one(w.shape[2:]), one(n.attr.get("strides", [1] * rank)), one(pads),
                                                        one(n.attr.get("dilations", [1] * rank)), groups, b is not None)
    return "%s(%s)" % (m.module(line, {"weight": w, "bias": b}), x)


def conv_transpose(m, n):
    w, b = m.array(n, 1, "the weight"), m.array(n, 2, "the bias")
    rank, groups = w.ndim - 2, n.attr.get("group", 1)
    if "output_shape" in n.attr or n.attr.get("auto_pad", "NOTSET") != "NOTSET":
        raise Skip("output_shape splits the padding in another way than PyTorch")
    pads = symmetric(n, rank)
    if pads is None:
        raise Skip("asymmetric padding of a transposed convolution")
    line = "ConvTranspose%dd(%d, %d, %s, %s, %s, %s, %d, %s, %s)" % (rank, w.shape[0], w.shape[1] * groups, one(w.shape[2:]), one(n.attr.get("strides", [1] * rank)), one(pads),
                                                                     one(n.attr.get("output_padding", [0] * rank)), groups, b is not None, one(n.attr.get("dilations", [1] * rank)))
    return "%s(%s)" % (m.module(line, {"weight": w, "bias": b}), m.value(n, 0))


def batch_norm(m, n):
    if n.attr.get("training_mode"):
        raise Skip("training mode")
    v = [m.array(n, i, "a statistic") for i in (1, 2, 3, 4)]
    state = dict(zip(("weight", "bias", "running_mean", "running_var"), v), num_batches_tracked=numpy.array(0))
    line = "BatchNorm%dd(%d, %r)" % (max(1, m.rank(n) - 2), v[0].size, n.attr.get("epsilon", 1e-5))
    return "%s(%s)" % (m.module(line, state), m.value(n, 0))


def instance_norm(m, n):
    scale = m.array(n, 1)
    line = "InstanceNorm%dd(%d, %r, affine=True)" % (m.rank(n) - 2, scale.size, n.attr.get("epsilon", 1e-5))
    return "%s(%s)" % (m.module(line, {"weight": scale, "bias": m.array(n, 2)}), m.value(n, 0))


def layer_norm(m, n):
    shape = m.case.inputs[n.inputs[0]].shape[n.attr.get("axis", -1):]
    state = {name: None if v is None else numpy.broadcast_to(v, shape).copy() for name, v in (("weight", m.array(n, 1)), ("bias", m.array(n, 2)))}
    line = "LayerNorm(%s, %r, bias=%s)" % (text(shape), n.attr.get("epsilon", 1e-5), state["bias"] is not None)
    m.case.outputs = {n.outputs[0]: m.case.outputs[n.outputs[0]]}  # the mean and deviation beside it are not PyTorch's
    return "%s(%s)" % (m.module(line, state), m.value(n, 0)), None, None


def pool(kind):
    def translate(m, n):
        kernel = n.attr["kernel_shape"]
        rank = len(kernel)
        if m.dtype(n, 0) not in ("f", None):
            raise Skip("a pooling of integers")
        if len(n.outputs) > 1:
            raise Skip("positions of maxima count over the whole batch")
        dilations = n.attr.get("dilations", [1] * rank)
        x, pads = padded(m, n, rank, "float('-inf')")
        if kind == "avg" and x.startswith("pad("):
            raise Skip("asymmetric padding of an average")
        if any(2 * p > k for p, k in zip(pads, kernel)):
            raise Skip("padding of more than half a kernel, which PyTorch refuses")
        more = ", %s, ceil_mode=%s" % (one(dilations), bool(n.attr.get("ceil_mode"))) if kind == "max" else ", %s, %s" % (bool(n.attr.get("ceil_mode")), bool(n.attr.get("count_include_pad", 0)))
        return "%s_pool%dd(%s, %s, %s, %s%s)" % (kind, rank, x, one(kernel), one(n.attr.get("strides", [1] * rank)), one(pads), more)
    return translate


def global_pool(kind):
    return lambda m, n: "%s(%s, %s, keepdim=True)" % (kind, m.value(n, 0), text(range(2, m.rank(n))))


def gemm(m, n):
    a = m.value(n, 0) + (".t()" if n.attr.get("transA") else "")
    b = m.value(n, 1) + (".t()" if n.attr.get("transB") else "")
    y = "(%s @ %s) * %r" % (a, b, n.attr.get("alpha", 1.0))
    return y if m.value(n, 2) is None else "%s + %s * %r" % (y, m.value(n, 2), n.attr.get("beta", 1.0))


def softmax(name):
    def translate(m, n):
        axis, rank = n.attr.get("axis", -1 if m.case.opset >= 13 else 1), m.rank(n)
        if m.case.opset < 13 and axis % rank != rank - 1:
            raise Skip("before opset 13 softmax flattens")
        return "%s(%s, %d)" % (name, m.value(n, 0), axis)
    return translate


def recurrent(kind, gates, order):
    def translate(m, n):
        w, r, b = m.array(n, 1), m.array(n, 2), m.array(n, 3)
        if kind == "GRU" and not n.attr.get("linear_before_reset"):
            raise Skip("linear_before_reset=0 is not PyTorch's GRU")
        if any(len(n.inputs) > i and n.inputs[i] for i in (4, 7)) or n.attr.get("layout") or n.attr.get("direction", "forward") != "forward" or n.attr.get("clip"):
            raise Skip("lengths, peepholes, layout or direction")
        hidden = n.attr["hidden_size"]
        turn = lambda v: numpy.concatenate([v[g * hidden:(g + 1) * hidden] for g in order])  # noqa: E731
        state = {"weight_ih_l0": turn(w[0]), "weight_hh_l0": turn(r[0])}
        if b is not None:
            state.update({"bias_ih_l0": turn(b[0][:gates * hidden]), "bias_hh_l0": turn(b[0][gates * hidden:])})
        module = m.module("%s(%d, %d, bias=%s)" % (kind, w.shape[2], hidden, b is not None), state)
        h, c = m.value(n, 5), m.value(n, 6)
        given = ", (%s, %s)" % (h, c) if kind == "LSTM" and h and c else ", " + h if h and kind != "LSTM" else ""
        m.statements.append("r = %s(%s%s)" % (module, m.value(n, 0), given))
        last = "r[1][0]" if kind == "LSTM" else "r[1]"
        return "r[0].unsqueeze(1)", last + " * 1", "r[1][1] * 1"
    return translate


def axes_of(m, n, i):
    axes = m.array(n, i, "the axes") if len(n.inputs) > i else n.attr.get("axes")
    return None if axes is None else [int(v) for v in axes]


def reduction(pattern):
    def translate(m, n):
        axes = axes_of(m, n, 1)
        if not axes and n.attr.get("noop_with_empty_axes"):
            return m.value(n, 0) + " * 1"
        x, keep = m.value(n, 0), bool(n.attr.get("keepdims", 1))
        axes = axes or list(range(m.rank(n)))
        return pattern.format(x=x, a=text(axes), k=keep, one=axes[0], n=len(axes))
    return translate


def reduce_prod(m, n):
    axes, x, keep = axes_of(m, n, 1) or list(range(m.rank(n))), m.value(n, 0), bool(n.attr.get("keepdims", 1))
    for a in sorted((a % m.rank(n) for a in axes), reverse=True):
        x = "%s.prod(%d, %s)" % (x, a, keep)
    return x


def arg(name):
    def translate(m, n):
        if n.attr.get("select_last_index"):
            raise Skip("the last of equal elements is not what PyTorch answers")
        return "%s(%s, %d, %s)" % (name, m.value(n, 0), n.attr.get("axis", 0), bool(n.attr.get("keepdims", 1)))
    return translate


def reshape(m, n):
    shape = [int(v) for v in (m.array(n, 1, "the shape") if len(n.inputs) > 1 else n.attr["shape"])]
    if 0 in shape and n.attr.get("allowzero"):
        return "%s.reshape(%s)" % (m.value(n, 0), text(shape))
    x = m.value(n, 0)
    return "%s.reshape((%s,))" % (x, ", ".join("%s.shape[%d]" % (x, i) if s == 0 else str(s) for i, s in enumerate(shape)))


def flatten(m, n):
    axis, x, rank = n.attr.get("axis", 1), m.value(n, 0), m.rank(n)
    axis = axis + rank if axis < 0 else axis
    if axis == 0:
        return "%s.reshape(1, -1)" % x
    return "%s.flatten(0, %d).flatten(1)" % (x, axis - 1) if axis < rank else "%s.reshape(-1, 1)" % x


def unsqueeze(m, n):
    axes, x = axes_of(m, n, 1), m.value(n, 0)
    rank = m.rank(n) + len(axes)
    for a in sorted(a % rank for a in axes):
        x = "%s.unsqueeze(%d)" % (x, a)
    return x


def squeeze(m, n):
    axes = axes_of(m, n, 1)
    return "%s.squeeze(%s)" % (m.value(n, 0), "" if axes is None else text(axes))


def split(m, n):
    parts = m.array(n, 1, "the parts") if len(n.inputs) > 1 else n.attr.get("split")
    axis, x = n.attr.get("axis", 0), m.value(n, 0)
    if parts is None:
        size = m.case.inputs[n.inputs[0]].shape[axis]
        each = -(-size // len(n.outputs))
        parts = [min(each, size - i * each) for i in range(len(n.outputs))]
    return tuple("%s.split(%s, %d)[%d] * 1" % (x, text(parts), axis, i) for i in range(len(n.outputs)))


def slice_(m, n):
    if len(n.inputs) > 1:
        starts, ends, axes, steps = [m.array(n, i, "a bound") for i in (1, 2, 3, 4)]
    else:
        starts, ends, axes, steps = n.attr["starts"], n.attr["ends"], n.attr.get("axes"), None
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if any(s < 0 for s in steps):
        raise Skip("a negative step, which PyTorch refuses")
    x = m.value(n, 0)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        x = "slice(%s, %d, %d, %d, %d)" % (x, axis, start, end, step)
    return x


def gather(m, n):
    axis, rank, index = n.attr.get("axis", 0), m.rank(n), m.value(n, 1)
    return "%s[%s]" % (m.value(n, 0), ", ".join([":"] * (axis % rank) + [index]))


def pad(m, n):
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}.get(n.attr.get("mode", "constant"))
    pads = m.array(n, 1, "the padding") if len(n.inputs) > 1 else n.attr["pads"]
    fill = m.array(n, 2) if len(n.inputs) > 2 else numpy.array(n.attr.get("value", 0.0))
    rank = len(pads) // 2
    pairs = list(zip(pads[:rank], pads[rank:]))[::-1]
    if mode is None or m.dtype(n, 0) != "f":
        raise Skip("a mode or dtype that PyTorch's pad does not have")
    while mode != "constant" and pairs and pairs[-1] == (0, 0):
        pairs.pop()
    flat = text([v for pair in pairs for v in pair])
    return "pad(%s, %s%s)" % (m.value(n, 0), flat, ", value=" + number(fill) if mode == "constant" else ", mode='%s'" % mode)


def depth_to_space(m, n):
    b, x = n.attr["blocksize"], m.value(n, 0)
    if n.attr.get("mode", "DCR") == "CRD":
        return "pixel_shuffle(%s, %d)" % (x, b)
    m.statements.append("d = %s.reshape(%s.shape[0], %d, %d, -1, %s.shape[2], %s.shape[3]).permute(0, 3, 4, 1, 5, 2)" % (x, x, b, b, x, x))
    return "d.reshape(d.shape[0], d.shape[1], d.shape[2] * %d, -1)" % b


def space_to_depth(m, n):
    b, x = n.attr["blocksize"], m.value(n, 0)
    m.statements.append("d = %s.reshape(%s.shape[0], %s.shape[1], -1, %d, divided(%s.shape[3], %d), %d).permute(0, 3, 5, 1, 2, 4)" % (x, x, x, b, x, b, b))
    return "d.reshape(d.shape[0], -1, d.shape[4], d.shape[5])"


def constant(m, n):
    for key, make in (("value", lambda v: v), ("value_float", numpy.float32), ("value_int", numpy.int64), ("value_floats", numpy.float32), ("value_ints", numpy.int64)):
        if key in n.attr:
            return numpy.array(make(n.attr[key]))
    raise Skip("a constant that is no plain tensor")


def cast(m, n):
    if n.attr.get("to") not in TYPES:
        raise Skip("a cast to strings, bfloat16 or a float8")
    if n.attr["to"] == 10:
        raise Skip("a cast to float16: everything is computed in float32")
    return "%s.to(%s)" % (m.value(n, 0), TYPES[n.attr["to"]])


def clip(m, n):
    bounds = [m.value(n, i) for i in (1, 2)] if len(n.inputs) > 1 or m.case.opset >= 11 else [n.attr.get("min"), n.attr.get("max")]
    if bounds == [None, None]:
        return m.value(n, 0) + " * 1"
    return "clamp(%s, %s, %s)" % (m.value(n, 0), bounds[0], bounds[1])


def power(m, n):
    if m.dtype(n, 0) in ("i", "u") and m.dtype(n, 1) == "f":
        raise Skip("an integer base keeps its type, PyTorch's result is a float")
    return call("{0} ** {1}")(m, n)


def div(m, n):
    return call("div({0}, {1}, rounding_mode='trunc')" if m.dtype(n, 0) in ("i", "u") else "{0} / {1}")(m, n)


def mod(m, n):
    return call("fmod({0}, {1})" if n.attr.get("fmod") else "{0} % {1}")(m, n)


def cumsum(m, n):
    axis, x = int(m.array(n, 1, "the axis")), m.value(n, 0)
    x = "flip(%s, %d)" % (x, axis) if n.attr.get("reverse") else x
    y = "cumsum(%s, %d)" % (x, axis) + (" - " + x if n.attr.get("exclusive") else "")
    return "flip(%s, %d)" % (y, axis) if n.attr.get("reverse") else y


def trilu(m, n):
    k = m.array(n, 1, "the diagonal")
    return "%s(%s, %d)" % ("triu" if n.attr.get("upper", 1) else "tril", m.value(n, 0), 0 if k is None else int(k))


def eye_like(m, n):
    x, k = m.value(n, 0), n.attr.get("k", 0)
    y = "eye(%s.shape[0], %s.shape[1], dtype=%s)" % (x, x, TYPES.get(n.attr.get("dtype", 1 if m.dtype(n, 0) == "f" else 7), "float32"))
    if k:
        raise Skip("an identity beside the diagonal")
    return y


def prelu(m, n):
    if m.case.opset < 7:
        return "prelu(%s, %s)" % (m.value(n, 0), m.value(n, 1))
    slope = m.value(n, 1)
    return "where({0} > 0, {0}, {0} * {1})".format(m.value(n, 0), slope)


def resize(m, n):
    mode, how = n.attr.get("mode", "nearest"), n.attr.get("coordinate_transformation_mode", "half_pixel")
    sizes = m.array(n, 3, "the sizes") if len(n.inputs) > 3 else None
    scales = m.array(n, 2, "the scales") if len(n.inputs) > 2 else m.array(n, 1, "the scales") if n.op == "Upsample" else None
    if n.op == "Upsample" or (mode == "nearest" and how == "asymmetric" and n.attr.get("nearest_mode") == "floor"):
        names = ("nearest", "")
    elif mode == "nearest":
        raise Skip("a rounding of nearest that PyTorch has not")
    elif how not in ("half_pixel", "align_corners") or n.attr.get("exclude_outside") or (how == "align_corners" and sizes is None):
        raise Skip("%s with this coordinate transformation" % mode)
    elif mode == "cubic" and n.attr.get("cubic_coeff_a", -0.75) != -0.75:
        raise Skip("another cubic coefficient")
    else:
        names = ({"linear": "bilinear", "cubic": "bicubic"}[mode], ", align_corners=%s" % (how == "align_corners"))
    if m.rank(n) != 4:
        raise Skip("not two-dimensional")
    to = "size=%s" % text(sizes[2:]) if sizes is not None and sizes.size else "scale_factor=(%s)" % ", ".join(repr(float(s)) for s in scales[2:])
    return "interpolate(%s, %s, mode='%s'%s)" % (m.value(n, 0), to, names[0], names[1])


def lrn(m, n):
    return "%s(%s)" % (m.module("LocalResponseNorm(%d, %r, %r, %r)" % (n.attr["size"], n.attr.get("alpha", 1e-4), n.attr.get("beta", 0.75), n.attr.get("bias", 1.0)), {}), m.value(n, 0))


def same(names, pattern="{name}({{0}})"):
    return {op: call(pattern.format(name=name)) for op, name in (pair.split(":") for pair in names.split())}


def loss(name):
    def translate(m, n):
        ignored, reduction = n.attr.get("ignore_index", -100), n.attr.get("reduction", "mean")
        value = "%s(%s, %s, %s, None, %d, None, '%s')" % (name, m.value(n, 0), m.value(n, 1), m.value(n, 2), ignored, reduction)
        return (value, "log_softmax(%s, 1)" % m.value(n, 0)) if len(n.outputs) > 1 else value
    return translate


def grid_sample(m, n):
    mode, outside = n.attr.get("mode", "bilinear"), n.attr.get("padding_mode", "zeros")
    if mode == "bicubic":
        raise Skip("the output was written down with four digits")
    return "grid_sample(%s, %s, '%s', '%s', %r)" % (m.value(n, 0), m.value(n, 1), mode, outside, bool(n.attr.get("align_corners", 0)))


def scatter_elements(m, n):
    how = {"none": "", "add": ", 'add'", "mul": ", 'multiply'"}.get(n.attr.get("reduction", "none"))
    if how is None:
        raise Skip("a reduction that PyTorch's scatter does not have")
    return "scatter({0}, {3}, where({1} < 0, {1} + {0}.shape[{3}], {1}), {2}{4})".format(m.value(n, 0), m.value(n, 1), m.value(n, 2), n.attr.get("axis", 0), how)


OPS = {
    "SoftmaxCrossEntropyLoss": loss("cross_entropy"), "NegativeLogLikelihoodLoss": loss("nll_loss"), "GridSample": grid_sample,
    "ScatterElements": scatter_elements, "Scatter": scatter_elements,
    **same("Abs:abs Exp:exp Log:log Sqrt:sqrt Reciprocal:reciprocal Floor:floor Ceil:ceil Round:round Sign:sign Sin:sin Cos:cos Tan:tan Asin:asin Acos:acos Atan:atan "
           "Sinh:sinh Cosh:cosh Asinh:asinh Acosh:acosh Atanh:atanh Erf:erf Not:logical_not IsNaN:isnan Relu:relu Sigmoid:sigmoid Tanh:tanh Softplus:softplus Softsign:softsign "
           "Mish:mish HardSwish:hardswish"),
    "Neg": call("-{0}"), "Add": call("{0} + {1}"), "Sub": call("{0} - {1}"), "Mul": call("{0} * {1}"), "Div": div, "Mod": mod, "Pow": power,
    "Equal": call("{0} == {1}"), "Less": call("{0} < {1}"), "LessOrEqual": call("{0} <= {1}"), "Greater": call("{0} > {1}"), "GreaterOrEqual": call("{0} >= {1}"),
    "And": call("logical_and({0}, {1})"), "Or": call("logical_or({0}, {1})"), "Xor": call("logical_xor({0}, {1})"), "Where": call("where({0}, {1}, {2})"),
    "Max": variadic("maximum({0}, {1})"), "Min": variadic("minimum({0}, {1})"), "Sum": variadic("({0} + {1})"), "MatMul": call("{0} @ {1}"),
    "Mean": lambda m, n: "(%s) / %d" % (variadic("({0} + {1})")(m, n), len(n.inputs)),
    "Identity": call("{0} * 1"), "Dropout": lambda m, n: m.value(n, 0) + " * 1" if len(n.outputs) == 1 and not m.value(n, 2) else not_evaluation(),
    "Elu": lambda m, n: "elu(%s, %r)" % (m.value(n, 0), n.attr.get("alpha", 1.0)), "Celu": lambda m, n: "celu(%s, %r)" % (m.value(n, 0), n.attr.get("alpha", 1.0)),
    "Selu": lambda m, n: "where({0} > 0, {0}, ({0}.exp() - 1) * {1!r}) * {2!r}".format(m.value(n, 0), n.attr.get("alpha", 1.67326319217681884765625), n.attr.get("gamma", 1.05070102214813232421875)),
    "LeakyRelu": lambda m, n: "leaky_relu(%s, %r)" % (m.value(n, 0), n.attr.get("alpha", 0.01)), "PRelu": prelu,
    "HardSigmoid": lambda m, n: "clamp(%s * %r + %r, 0.0, 1.0)" % (m.value(n, 0), n.attr.get("alpha", 0.2), n.attr.get("beta", 0.5)),
    "ThresholdedRelu": lambda m, n: "where({0} > {1!r}, {0}, 0.0)".format(m.value(n, 0), n.attr.get("alpha", 1.0)),
    "Shrink": lambda m, n: "where({0} > {1!r}, {0} - {2!r}, where({0} < -{1!r}, {0} + {2!r}, 0.0))".format(m.value(n, 0), n.attr.get("lambd", 0.5), n.attr.get("bias", 0.0)),
    "IsInf": lambda m, n: "isinf({0})".format(m.value(n, 0)) if n.attr.get("detect_negative", 1) and n.attr.get("detect_positive", 1) else "logical_and(isinf({0}), {0} {1} 0)".format(m.value(n, 0), "<" if n.attr.get("detect_negative", 1) else ">"),
    "Clip": clip, "Cast": cast, "CastLike": call("{0}.type_as({1})"), "Softmax": softmax("softmax"), "LogSoftmax": softmax("log_softmax"),
    "Conv": conv, "ConvTranspose": conv_transpose, "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm, "LayerNormalization": layer_norm, "LRN": lrn,
    "MaxPool": pool("max"), "AveragePool": pool("avg"), "GlobalAveragePool": global_pool("mean"), "GlobalMaxPool": global_pool("amax"), "Gemm": gemm,
    "LSTM": recurrent("LSTM", 4, [0, 2, 3, 1]), "RNN": recurrent("RNN", 1, [0]), "GRU": recurrent("GRU", 3, [1, 0, 2]),
    "ReduceSum": reduction("{x}.sum({a}, {k})"), "ReduceMean": reduction("{x}.mean({a}, {k})"), "ReduceMax": reduction("amax({x}, {a}, {k})"), "ReduceMin": reduction("amin({x}, {a}, {k})"),
    "ReduceL1": reduction("{x}.abs().sum({a}, {k})"), "ReduceL2": reduction("({x} * {x}).sum({a}, {k}).sqrt()"), "ReduceSumSquare": reduction("({x} * {x}).sum({a}, {k})"),
    "ReduceLogSum": reduction("{x}.sum({a}, {k}).log()"), "ReduceLogSumExp": reduction("logsumexp({x}, {a}, {k})"), "ReduceProd": reduce_prod,
    "ArgMax": arg("argmax"), "ArgMin": arg("argmin"), "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Split": split, "Slice": slice_,
    "Transpose": lambda m, n: "%s.permute(%s)" % (m.value(n, 0), text(n.attr.get("perm", range(m.rank(n))[::-1]))),
    "Concat": lambda m, n: "cat((%s,), %d)" % (", ".join(m.value(n, i) for i in range(len(n.inputs))), n.attr["axis"]),
    "Expand": lambda m, n: "(%s * ones(%s))" % (m.value(n, 0), text(m.array(n, 1, "the shape"))), "Tile": lambda m, n: "%s.repeat(%s)" % (m.value(n, 0), text(m.array(n, 1, "the repetitions"))),
    "Gather": gather, "GatherElements": lambda m, n: "gather({0}, {2}, where({1} < 0, {1} + {0}.shape[{2}], {1}))".format(m.value(n, 0), m.value(n, 1), n.attr.get("axis", 0)),
    "Pad": pad, "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth, "Constant": constant, "CumSum": cumsum, "Trilu": trilu, "EyeLike": eye_like,
    "Einsum": lambda m, n: "einsum('%s', %s)" % (n.attr["equation"], ", ".join(m.value(n, i) for i in range(len(n.inputs)))),
    "ConstantOfShape": lambda m, n: numpy.full([int(v) for v in m.array(n, 0, "the shape")], n.attr.get("value", numpy.zeros(1, "f4"))[0]),
    "Resize": resize, "Upsample": resize,
}


def not_evaluation():
    raise Skip("a mask, or training mode")
