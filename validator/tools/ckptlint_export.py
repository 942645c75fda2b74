"""Writes an architecture file for ckptlint from a PyTorch model, and records what the model computes.

It builds and runs the model: use it where you trust the model's code. ckptlint itself does neither.

    from ckptlint_export import export
    export(model, {"x": torch.rand(1, 3, 224, 224)}, "model.json")

    ckptlint_export.py MODULE:EXPRESSION --input "x=float32[B, 3, 224, 224]" [--weights FILE] -o model.json

Needs torch 1.13 or later and numpy. What it can and what it can't: validator/doc/exporter.md."""
import argparse
import copy
import importlib
import inspect
import json
import keyword
import math
import operator
import os
import re
import sys
from unittest import mock

import numpy
import torch
from torch import fx, nn


class Refused(Exception):
    """The model has something that the language of architecture files has no words for."""


# ---- modules: a line is the constructor's call ----

# These call their children one by one: the children are lines, what is between them is statements.
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict, nn.Transformer, nn.TransformerEncoder,
              nn.TransformerDecoder)
# Arguments that say nothing of the model.
NO_MATTER = ("device", "dtype", "_weight", "_freeze", "process_group")
NEEDED = inspect.Parameter.empty
# torch hides these behind *args
RNN_PARAMETERS = {"input_size": NEEDED, "hidden_size": NEEDED, "num_layers": 1, "nonlinearity": "tanh", "bias": True,
                  "batch_first": False, "dropout": 0.0, "bidirectional": False, "proj_size": 0}
RNN_LACKS = {"RNN": ["proj_size"], "GRU": ["nonlinearity", "proj_size"], "LSTM": ["nonlinearity"]}
# Where (2, 2) is not 2.
AS_THEY_ARE = ("output_size", "unflattened_size", "weight", "pos_weight", "_random_samples", "cutoffs")
# What a module does not keep under its parameter's name.
KEPT = {
    "add_bias_kv": lambda m: m.bias_k is not None,
    "p": lambda m: m.norm if isinstance(m, nn.PairwiseDistance) else m.p,
    "init": lambda m: 0.25,  # where PReLU's weight began
    "d_model": lambda m: m.linear1.in_features,
    "nhead": lambda m: m.self_attn.num_heads,
    "dim_feedforward": lambda m: m.linear1.out_features,
    "layer_norm_eps": lambda m: m.norm1.eps,
    "batch_first": lambda m: m.self_attn.batch_first if hasattr(m, "self_attn") else m.batch_first,
    "min_value": lambda m: None,  # old names of Hardtanh's min_val and max_val
    "max_value": lambda m: None,
    "cutoffs": lambda m: m.cutoffs[:-1],
    "size_average": lambda m: None,  # old names of a loss's reduction
    "reduce": lambda m: None,
}


def is_leaf(module):
    return type(module).__module__.startswith("torch.nn.") and not isinstance(module, CONTAINERS)


def base_type(module):
    """The class that torch.nn names: parametrizations and attention's own projection derive from it."""
    return next(t for t in type(module).__mro__ if t.__module__.startswith("torch.nn.modules.") and hasattr(nn, t.__name__))


def literal(value):
    """A plain value as the language writes it."""
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, str) and value.isprintable() and not set(value) & set("'\\"):
        return f"'{value}'"
    if isinstance(value, torch.dtype):
        return str(value)[len("torch."):]
    if isinstance(value, float) and math.isinf(value):
        return f"float('{value}')"
    if type(value) is int and value == -2**63:  # the sign is an operator, and what it stands before is too large
        return f"({value + 1} - 1)"
    if value is None or isinstance(value, (bool, int)) or isinstance(value, float) and not math.isnan(value):
        return repr(value)
    raise Refused(f"the value {value!r} of type {type(value).__name__}")


def one_for_all(value):
    """(3, 3) is 3: torch makes a pair of a number."""
    if isinstance(value, (tuple, list)) and value and all(type(v) is int and v == value[0] for v in value):
        return value[0]
    return value


def parameters_of(module):
    """(name, default) of what the constructor takes."""
    if isinstance(module, nn.RNNBase):
        lacks = RNN_LACKS[base_type(module).__name__]
        return [(name, default) for name, default in RNN_PARAMETERS.items() if name not in lacks]
    taken = inspect.signature(base_type(module).__init__).parameters.values()
    return [(p.name, p.default) for p in list(taken)[1:] if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in NO_MATTER]


def kept(module, name):
    """The value of a parameter of the constructor, from the module."""
    if name in KEPT:
        return KEPT[name](module)
    if name == "bias" and hasattr(module, "linear1"):  # layers of transformers
        return module.linear1.bias is not None
    if name == "bias" and not isinstance(getattr(module, name, None), bool):
        return getattr(module, "in_proj_bias" if isinstance(module, nn.MultiheadAttention) else "bias") is not None
    value = getattr(module, name)
    if isinstance(value, nn.Dropout):
        return value.p
    if isinstance(value, torch.Tensor):  # a loss's weight, which the state dict has
        return tuple(value.shape)
    return value.__name__ if inspect.isroutine(value) else value  # activation=F.relu is 'relu'


def reparametrized(module, line):
    """What torch.nn.utils and its parametrizations put around a module."""
    for hook in module._forward_pre_hooks.values():
        kind = type(hook).__name__
        if kind == "WeightNorm":
            line = f"weight_norm({line}, '{hook.name}', {hook.dim})"
        elif kind == "SpectralNorm":
            line = f"spectral_norm({line}, '{hook.name}', dim={hook.dim})"
        elif hasattr(hook, "_tensor_name"):
            line = f"prune({line}, '{hook._tensor_name}')"
        else:
            raise Refused(f"a hook before the forward of {type(module).__name__}: {kind}")
    for name, kinds in getattr(module, "parametrizations", {}).items():
        kind = type(kinds[0]).__name__
        if len(kinds) > 1 or kind not in ("_WeightNorm", "_SpectralNorm"):
            raise Refused(f"the parametrization of {type(module).__name__}.{name} by {kind}")
        function = "weight_norm" if kind == "_WeightNorm" else "spectral_norm"
        line = f"parametrizations.{function}({line}, '{name}', dim={kinds[0].dim})"
    return line


def constructor(module):
    words, named = [], False
    for name, default in parameters_of(module):
        value = kept(module, name)
        if name not in AS_THEY_ARE and (name != "normalized_shape" or len(value) == 1):
            value = one_for_all(value)
        if default is not NEEDED and value == (default.__name__ if inspect.isroutine(default) else default):
            named = True  # those behind it need their names
            continue
        words.append(f"{name}={literal(value)}" if named else literal(value))
    return reparametrized(module, f"{base_type(module).__name__}({', '.join(words)})")


def bare_tensor(kind, tensor):
    dtype = "" if tensor.dtype.is_floating_point else f", {literal(tensor.dtype)}"
    return f"{kind}({literal(tuple(tensor.shape))}{dtype})"


def modules_of(module, before=""):
    """A model's lines in the order in which it registers, which is that of its state dict."""
    lines = {}
    for name, tensor in module._parameters.items():
        if tensor is not None:
            lines[before + name] = bare_tensor("Parameter", tensor)
    for name, tensor in module._buffers.items():
        if tensor is not None and name not in module._non_persistent_buffers_set:
            lines[before + name] = bare_tensor("Buffer", tensor)
    for name, child in module._modules.items():
        if child is not None and is_leaf(child):
            lines[before + name] = constructor(child)
        elif child is not None:
            lines.update(modules_of(child, f"{before}{name}."))
    return lines


def ties_of(model):
    """Parameters that stand under several names: each, and the first name of it."""
    first, ties = {}, []
    for name, tensor in model.state_dict(keep_vars=True).items():
        if isinstance(tensor, nn.Parameter) and first.setdefault(id(tensor), name) != name:
            ties.append([name, first[id(tensor)]])
    return ties


# ---- the graph: torch.fx, with the values of one run beside it ----

# Never part of the model: answered as they are.
KNOWN_ATTRIBUTES = ("device", "dtype", "layout", "is_cuda", "is_nested", "is_sparse", "is_quantized", "requires_grad", "_is_param")
# torch.fx sees a call by its arguments, which of these are no tensors.
FACTORIES = ("arange", "zeros", "ones", "full", "eye", "linspace", "tril_indices", "triu_indices")


class Known(fx.Proxy):
    """A proxy whose value is known, so that Python can count, compare and branch."""

    def known(self):
        return self.tracer.value_of(self.node)

    @property
    def __class__(self):
        return torch.Tensor if isinstance(self.known(), torch.Tensor) else Known

    def __getattr__(self, name):
        return getattr(self.known(), name) if name in KNOWN_ATTRIBUTES else KnownAttribute(self, name)

    def __iter__(self):
        return (self[i] for i in range(len(self.known())))

    def __setitem__(self, index, value):
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})

    def __len__(self):
        return len(self.known())

    def __bool__(self):
        return bool(self.known())

    def __int__(self):
        return int(self.known())

    def __index__(self):
        return operator.index(self.known())

    def __float__(self):
        return float(self.known())


class KnownAttribute(Known):
    """x.shape, or the method of a call that is about to come."""

    def __init__(self, owner, name):
        super().__init__(None, owner.tracer)
        self.owner, self.name, self.made = owner, name, None

    @property
    def node(self):
        if self.made is None:
            self.made = self.tracer.create_proxy("call_function", getattr, (self.owner, self.name), {}).node
        return self.made

    @node.setter
    def node(self, value):
        pass

    def __call__(self, *args, **kwargs):
        return self.tracer.create_proxy("call_method", self.name, (self.owner,) + args, kwargs)


class Tracer(fx.Tracer):
    """Traces a model while it computes: the graph is the one way that it goes with these inputs."""

    proxy_buffer_attributes = True

    def __init__(self, inputs):
        super().__init__(autowrap_modules=())
        self.inputs, self.values, self.computing = inputs, {}, False

    def is_leaf_module(self, m, module_qualified_name):
        return is_leaf(m)

    def proxy(self, node):
        return Known(node, self)

    def create_args_for_root(self, root_fn, is_module, concrete_args=None):
        proxies = {}
        for name, tensor in self.inputs.items():
            node = self.create_node("placeholder", name, (), {})
            self.values[node], proxies[name] = tensor.clone(), self.proxy(node)
        try:
            bound = inspect.signature(self.root.forward).bind(**proxies)
        except TypeError as error:
            raise Refused(f"these inputs for forward{inspect.signature(self.root.forward)}: {error}") from error
        return lambda: root_fn(self.root, *bound.args, **bound.kwargs), []

    def create_arg(self, a):
        try:
            return a.node if isinstance(a, fx.Proxy) else super().create_arg(a)
        except NotImplementedError as error:
            raise Refused(f"an argument of type {type(a).__name__}") from error

    def create_proxy(self, kind, target, args, kwargs, *more, **named):
        if target is torch._assert:
            return torch._assert(bool(args[0]), *args[1:])  # it goes the one way, as other asserts do
        if kind == "call_function" and inspect.isfunction(target) and not f"{target.__module__}.".startswith("torch."):
            return target(*args, **kwargs)  # fx.wrap hides it: it is the model's own
        if kind == "call_method" and target in ("zero_", "fill_") and args[0].node.target is operator.getitem:
            whole, index = fx.node.map_arg(args[0].node.args, self.proxy)
            whole[index] = args[1] if target == "fill_" else 0
            return args[0]
        proxy = super().create_proxy(kind, target, args, kwargs, *more, **named)
        self.values[proxy.node] = self.compute(proxy.node)
        return proxy

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        return attr_val if self.computing else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m, forward, args, kwargs):
        return forward(*args, **kwargs) if self.computing else super().call_module(m, forward, args, kwargs)

    def value_of(self, node):
        if node.op == "get_attr" and node not in self.values:
            self.values[node] = self.compute(node)
        return self.values[node]

    def compute(self, node):
        """The node's value; what its code does by the way is no part of the graph."""
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), self.value_of)
        before, self.computing = self.computing, True
        try:
            if node.op == "call_function":
                return node.target(*args, **kwargs)
            if node.op == "call_method":
                return getattr(args[0], node.target)(*args[1:], **kwargs)
            found = attribute(self.root, node.target)
            return found(*args, **kwargs) if node.op == "call_module" else found
        finally:
            self.computing = before

    def factory(self, function):
        def called(*args, **kwargs):
            return function(*args, **kwargs) if self.computing else self.create_proxy("call_function", function, args, kwargs)
        return called

    def graph_of(self, model):
        made = {name: self.factory(getattr(torch, name)) for name in FACTORIES}
        with mock.patch.multiple(torch, as_tensor=as_it_is(torch.as_tensor), **made), \
                mock.patch.object(torch._VF, "_pack_padded_sequence", no_packed_sequences, create=True):
            return self.trace(model)


def as_it_is(as_tensor):
    """torch.as_tensor, which does not know a proxy."""
    def called(data, dtype=None, device=None):
        if not isinstance(data, Known):
            return as_tensor(data, dtype=dtype, device=device)
        return data if dtype in (None, data.known().dtype) else data.to(dtype)
    return called


def no_packed_sequences(*args):
    raise Refused("a packed sequence (pack_padded_sequence): its steps differ from row to row")


def attribute(model, path):
    for name in path.split("."):
        model = getattr(model, name)
    return model


# ---- the forward: a graph as statements ----

OPERATORS = {operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//", operator.mod: "%",
             operator.pow: "**", operator.matmul: "@", operator.eq: "==", operator.ne: "!=", operator.lt: "<", operator.le: "<=",
             operator.gt: ">", operator.ge: ">=", operator.iadd: "+", operator.isub: "-", operator.imul: "*", operator.itruediv: "/"}
FUNCTIONS = {operator.and_: "bitwise_and", operator.or_: "bitwise_or", operator.xor: "bitwise_xor", operator.invert: "bitwise_not"}
IN_PLACE = {operator.iadd: "add_", operator.isub: "sub_", operator.imul: "mul_", operator.itruediv: "div_"}
NOT_SHOWN = ("device", "layout", "requires_grad", "pin_memory", "memory_format", "non_blocking", "_stacklevel")
LONGEST = 100  # characters of a value that stands where it is taken
FEW = 64  # numbers of a tensor that is written out


def function_name(target):
    """The name that users call it by: torch.nn.functional.max_pool2d traces as _max_pool2d."""
    for space in (torch.nn.functional, torch):
        for name, function in vars(space).items():
            if function is target and not name.startswith("_"):
                return name
    return target.__name__.strip("_")


class Writer:
    def __init__(self, model, tracer):
        self.model, self.tracer = model, tracer
        self.members = set(model._modules) | set(model._parameters) | set(model._buffers)
        self.statements, self.text, self.open = [], {}, set()  # open: operators, which need parentheses beside another one

    def member(self, path):
        """a.b[0]; what is no name of the language stands in brackets, behind self if need be."""
        text = ""
        for name in path.split("."):
            if name.isidentifier() and not keyword.iskeyword(name):
                text += "." * bool(text) + name
            else:
                text = (text or "self") + (f"[{int(name)}]" if name.isdigit() else f"[{literal(name)}]")
        return text

    def constant(self, tensor, path):
        """A tensor that is no part of the state dict."""
        flat = tensor.flatten()
        if tensor.numel() == 1 and tensor.ndim == 0:
            return f"tensor({literal(tensor.item())})"
        if tensor.numel() and bool((flat == flat[0]).all()):
            return f"full({literal(tuple(tensor.shape))}, {literal(flat[0].item())}, dtype={literal(tensor.dtype)})"
        if tensor.dtype == torch.int64 and torch.equal(flat, torch.arange(tensor.numel())):
            return f"arange({tensor.numel()}).view({literal(tuple(tensor.shape))})"
        if tensor.dtype == torch.int64 and tensor.ndim == 1 and 0 < tensor.numel() <= FEW:
            return f"tensor({literal(tuple(tensor.tolist()))})"
        raise Refused(f"{path} is a tensor that the state dict does not have")

    def value(self, a):
        """A value between commas."""
        if isinstance(a, fx.Node):
            return self.text[a]
        if isinstance(a, (tuple, list)) and any(isinstance(x, (fx.Node, tuple, list)) for x in a):
            return "(" + ", ".join(map(self.value, a)) + ("," if len(a) == 1 else "") + ")"
        return literal(a)

    def operand(self, a):
        """A value beside an operator, a dot or a bracket."""
        text = self.value(a)
        return f"({text})" if a in self.open or text.startswith("-") else text

    def index(self, a):
        if isinstance(a, slice):
            parts = ["" if x is None else self.value(x) for x in (a.start, a.stop, a.step)]
            return ":".join(parts[:2] + parts[2:] * bool(parts[2]))
        return "..." if a is Ellipsis else self.value(a)

    def arguments(self, node, args):
        words = [self.value(a) for a in args if not isinstance(a, torch.device)]
        words += [f"{name}={self.value(a)}" for name, a in node.kwargs.items() if a is not None and name not in NOT_SHOWN]
        return ", ".join(words)

    def function(self, node):
        target, args = node.target, node.args
        if target is operator.getitem:
            parts = args[1] if isinstance(args[1], tuple) else (args[1],)
            return f"{self.operand(args[0])}[{', '.join(map(self.index, parts))}]"
        if target is getattr:
            return f"{self.operand(args[0])}.{args[1]}"
        if target is operator.neg:
            return f"-{self.operand(args[0])}"
        if target in IN_PLACE and isinstance(self.tracer.value_of(args[0]), torch.Tensor):
            return f"{self.operand(args[0])}.{IN_PLACE[target]}({self.value(args[1])})"
        if target in OPERATORS:
            return f"{self.operand(args[0])} {OPERATORS[target]} {self.operand(args[1])}"
        name = FUNCTIONS.get(target) or function_name(target)
        if name not in self.members:
            return f"{name}({self.arguments(node, args)})"
        if not args or not isinstance(args[0], fx.Node):
            raise Refused(f"the function {name} beside an attribute of that name")
        return f"{self.operand(args[0])}.{name}({self.arguments(node, args[1:])})"

    def part(self, axis, start, stop):
        return "[" + ":, " * axis + ":".join("" if x is None else self.value(x) for x in (start, stop)) + "]"

    def with_part(self, whole, parts, value, axis=0):
        """`whole` with `value` in a part of it, as the parts of an axis one behind the other."""
        if axis == len(parts):
            return f"full_like({whole}, {self.value(value)})" if not isinstance(value, fx.Node) else f"{self.operand(value)}.expand_as({whole})"
        start, stop = parts[axis].start or None, parts[axis].stop
        inner = self.with_part(whole if (start, stop) == (None, None) else whole + self.part(axis, start, stop), parts, value, axis + 1)
        pieces = [whole + self.part(axis, None, start)] * (start is not None) + [inner] + [whole + self.part(axis, stop, None)] * (stop is not None)
        return inner if len(pieces) == 1 else f"cat(({', '.join(pieces)}), {axis})"

    def dtype_of(self, a):
        return getattr(self.tracer.value_of(a), "dtype", None) if isinstance(a, fx.Node) else getattr(a, "dtype", None)

    def with_masked(self, base, mask, value):
        """x[mask] = 0"""
        if isinstance(value, fx.Node) and self.tracer.value_of(value).numel() != 1:
            raise Refused("an assignment to x[mask] of as many numbers as the mask has")
        added = self.tracer.value_of(base).ndim - self.tracer.value_of(mask).ndim
        mask = self.operand(mask) + f"[...{', None' * added}]" * (added > 0)
        value = f"{self.operand(value)}.view(())" if isinstance(value, fx.Node) else self.value(value)
        return f"{self.operand(base)}.masked_fill({mask}, {value})"

    def with_places(self, base, parts, value):
        """x[:, 0, i] = y: the places of what is assigned to, and y there."""
        if any(self.dtype_of(part) == torch.bool or isinstance(part, bool) for part in parts):
            raise Refused(f"an assignment to x[{', '.join(map(self.index, parts))}]")
        x, places = self.operand(base), f"v{len(self.statements)}"
        self.statements.append(f"{places} = arange({x}.numel()).view({x}.shape)[{', '.join(map(self.index, parts))}]")
        if isinstance(value, fx.Node):
            value = f"{self.operand(value)}.to({x}).expand_as({places}).flatten()"
        else:
            value = self.value(value)
        return f"scatter({x}.flatten(), 0, {places}.flatten(), {value}).view({x}.shape)"

    def assignment(self, node, nodes):
        """x[2:, :3] = y; x is another value from here on."""
        base, index, value = node.args
        parts = index if isinstance(index, tuple) else (index,)
        memory = self.tracer.value_of(base).storage().data_ptr()
        later = nodes[nodes.index(node) + 1:]
        for other in nodes[:nodes.index(node)]:
            held = self.tracer.value_of(other)
            if other is not base and isinstance(held, torch.Tensor) and held.storage().data_ptr() == memory and set(other.users) & set(later):
                raise Refused("an assignment to a part of a tensor that another name shows too")
        if all(isinstance(part, slice) and part.step is None for part in parts):
            changed = self.with_part(self.operand(base), parts, value)
        elif len(parts) == 1 and self.dtype_of(index) == torch.bool:
            changed = self.with_masked(base, index, value)
        else:
            changed = self.with_places(base, parts, value)
        name = f"v{len(self.statements)}"
        self.statements.append(f"{name} = {changed}")
        self.text[base] = name

    def expression(self, node):
        if node.op == "call_module":
            return f"{self.member(node.target)}({self.arguments(node, node.args)})"
        if node.op == "call_method" and node.target in ("new_zeros", "new_ones", "new_full", "new_empty"):
            dtype = literal(self.tracer.value_of(node).dtype)
            return f"{node.target[len('new_'):].replace('empty', 'zeros')}({self.arguments(node, node.args[1:])}{'' if 'dtype' in node.kwargs else f', dtype={dtype}'})"
        if node.op == "call_method":
            return f"{self.operand(node.args[0])}.{node.target}({self.arguments(node, node.args[1:])})"
        if node.op == "call_function":
            return self.function(node)
        tensor = attribute(self.model, node.target)
        held = node.target in self.model.state_dict(keep_vars=True)
        return self.member(node.target) if held else self.constant(tensor, node.target)

    def handed_on(self, node):
        """The argument that a call answers with in evaluation, if it does nothing else."""
        first = node.args[0] if node.args else None
        if node.target is nn.functional.dropout and node.kwargs.get("p") == 0:
            return first
        moved = node.op == "call_method" and node.target in ("to", "cuda", "cpu", "contiguous", "detach")
        given = (*node.args[1:], *node.kwargs.values())
        return first if moved and not any(isinstance(a, (fx.Node, torch.dtype)) for a in given) else None

    def in_place(self, node):
        if node.op == "call_module":
            return getattr(attribute(self.model, node.target), "inplace", False)
        if node.op == "call_method":
            return node.target.endswith("_")
        return node.target in IN_PLACE or node.target is operator.setitem or node.kwargs.get("inplace", False) or getattr(node.target, "__name__", "").endswith("_")

    def needed(self, graph):
        """The nodes that the result depends on, in order."""
        live = set()
        for node in reversed(graph.nodes):
            if node.op == "output" or node.op != "placeholder" and (live & set(node.users) or self.in_place(node)):
                live.add(node)
        return [node for node in graph.nodes if node in live]

    def write(self, graph):
        """The last statement is the result. A value that the very next node alone takes stands where it is taken: the order stays."""
        nodes = self.needed(graph)
        self.text = {node: node.target for node in graph.nodes if node.op == "placeholder"}
        for node, following in zip(nodes, nodes[1:]):
            if node.target is operator.setitem:
                self.assignment(node, nodes)
                continue
            same = self.handed_on(node)
            text = self.text[same] if same else self.expression(node)
            users = [user for user in node.users if user in nodes]
            if same or node.op == "get_attr" or users == [following] and len(text) < LONGEST:
                self.text[node] = text
                if same in self.open or node.op == "call_function" and node.target in OPERATORS:
                    self.open.add(node)
                continue
            self.text[node] = f"v{len(self.statements)}"
            self.statements.append(f"{self.text[node]} = {text}" if users else text)
        result = nodes[-1].args[0]
        result = list(result.values()) if isinstance(result, dict) else result
        self.statements.append(", ".join(map(self.value, result)) if isinstance(result, (tuple, list)) else self.value(result))
        return self.statements


def forward_of(model, inputs):
    tracer = Tracer(inputs)
    graph = tracer.graph_of(model)
    clash = sorted(set(inputs) & set(model._modules))
    if clash:
        raise Refused(f"an input and a module that are both called {clash[0]}")
    return Writer(model, tracer).write(graph)


# ---- a file ----


def tensors_in(result):
    """The outputs in order: a tensor, or those of a tuple or a dict."""
    if isinstance(result, torch.Tensor):
        return [result]
    parts = list(result.values() if isinstance(result, dict) else result) if isinstance(result, (dict, tuple, list)) else [None]
    if not parts or not all(isinstance(part, torch.Tensor) for part in parts):
        raise Refused("a result that is neither a tensor nor a tuple or a dict of tensors")
    return parts


def port(dtype, dims):
    return f"{dtype}[{', '.join(map(str, dims))}]" if dims else dtype


def dims_of(text):
    """The dimensions of "int64[B, T] < 1000"."""
    inside = re.search(r"\[(.*)\]", text)
    return [dim.strip() for dim in inside[1].split(",")] if inside else []


def sizes_of(ports, inputs):
    """What the symbols among the inputs' dimensions stand for in this run."""
    return {dim: size for name, text in ports.items() for dim, size in zip(dims_of(text), inputs[name].shape) if not dim.isdigit()}


def explained(sizes, runs):
    """A dimension of an output that has these sizes in the runs: a number, a symbol, or a * symbol + b."""
    if len(set(sizes)) == 1:
        return sizes[0]
    for symbol in runs[0]:
        if sizes == [run[symbol] for run in runs]:
            return symbol
    for symbol in runs[0]:
        x = [run[symbol] for run in runs]
        a, rest = divmod(sizes[1] - sizes[0], x[1] - x[0]) if x[0] != x[1] else (0, 0)
        b = sizes[0] - a * x[0]
        if not rest and a > 0 and sizes == [a * n + b for n in x]:
            return f"{a} * {symbol}" * (a > 1) + symbol * (a == 1) + (f" + {b}" if b > 0 else f" - {-b}" if b else "")
    raise Refused(f"an output dimension of {sizes[0]} and {sizes[1]} that no symbol explains: give the inputs' sizes as numbers")


def save_numbers(tensor, path):
    """npy has no bfloat16."""
    numpy.save(path, (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy())
    return {"file": os.path.basename(path)}


ATOL = 1e-5  # ckptlint's own
ROUNDINGS = 10  # that two correct implementations may lie apart


def rounded_away(model, runs, results):
    """How far the results lie from the same in float64: what rounding alone does. 0 for a model that can't compute so."""
    try:
        exact = copy.deepcopy(model).double()
        wide = [tensors_in(exact(**{name: t.double() if t.is_floating_point() else t.clone() for name, t in inputs.items()})) for inputs in runs]
    except Exception:
        return 0.0
    return max((float((a.double() - b).abs().nan_to_num(0, 0).max()) for result, row in zip(results, wide) for a, b in zip(result, row)
                if a.is_floating_point() and a.shape == b.shape and a.numel()), default=0.0)


def record(model, runs, ports, path, tolerance):
    """Ports of the outputs and the tests, whose numbers go to files beside the architecture file."""
    stem = os.path.splitext(path)[0]
    results = [tensors_in(model(**{name: t.clone() for name, t in inputs.items()})) for inputs in runs]
    if tolerance is None:
        room = ROUNDINGS * rounded_away(model, runs, results)
        tolerance = {"atol": float(f"{room:.1e}")} if room > ATOL else {}
    names = ["y"] if len(results[0]) == 1 else [f"y{i}" for i in range(len(results[0]))]
    sizes = [sizes_of(ports, inputs) for inputs in runs]
    outputs = {name: port(literal(results[0][i].dtype), [explained(list(dim), sizes) for dim in zip(*(r[i].shape for r in results))])
               for i, name in enumerate(names)}
    tests = []
    for n, (inputs, result) in enumerate(zip(runs, results)):
        end = f".{n}.npy" if len(runs) > 1 else ".npy"
        test = dict(sizes[n])
        test.update({name: save_numbers(t, f"{stem}.{name}{end}") for name, t in inputs.items()})
        test.update({name: {**save_numbers(t, f"{stem}.{name}{end}"), **tolerance} for name, t in zip(names, result)})
        tests.append(test)
    return outputs, tests


def rows(value):
    """JSON with a line for each module, statement and test."""
    items = [json.dumps(item) for item in value] if isinstance(value, list) else [
        f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()] if isinstance(value, dict) else None
    if items is None:
        return json.dumps(value)
    return "[{"[isinstance(value, dict)] + "\n    " + ",\n    ".join(items) + "\n  " + "]}"[isinstance(value, dict)]


def export(model, inputs, path, ports=None, forward=True, goldens=True, tolerance=None):
    """Writes PATH, and with goldens PATH's stem with .NAME.npy for each input and output.

    inputs: the arguments of model.forward by name, all of them tensors; or a list of such dicts, of which the first one is traced and
    each is recorded. ports: what the file says of an input, as in "float32[B, 3, 224, 224]"; default the first one's dtype and sizes.
    forward False: the modules alone, which is all that `ckptlint check` needs. tolerance: {"rtol": …, "atol": …} for the outputs;
    default ckptlint's own, or more where the model's own rounding asks for it. Raises Refused, and then writes nothing."""
    runs = inputs if isinstance(inputs, list) else [inputs]
    ports = ports or {name: port(literal(t.dtype), t.shape) for name, t in runs[0].items()}
    modes = [(m, m.training) for m in model.modules()]
    nested = [m for m in model.modules() if getattr(m, "enable_nested_tensor", False)]
    model.eval()
    for module in nested:
        module.enable_nested_tensor = False  # its results depend on whether gradients are on: 0 where src_key_padding_mask blocks
    try:
        with torch.no_grad():
            told = {"arch": 1, "name": type(model).__name__, "modules": modules_of(model), "tie": ties_of(model)}
            if forward:
                told[f"forward({', '.join(runs[0])})"] = forward_of(model, runs[0])
                told["inputs"] = ports
            if forward and goldens:
                told["outputs"], told["tests"] = record(model, runs, ports, path, tolerance)
    finally:
        for module, mode in modes:
            module.training = mode
        for module in nested:
            module.enable_nested_tensor = True
    with open(path, "w", encoding="utf-8") as out:
        out.write("{\n" + ",\n".join(f"  {json.dumps(key)}: {rows(value)}" for key, value in told.items() if value != []) + "\n}\n")


# ---- the command ----

SIZES = ((2, 3), (7, 5), (11, 13), (17, 19))  # of symbols, in the first run and in the second one


def random_input(text, sizes, generator):
    """A tensor for "int64[B, T] < 1000" with B and T as in sizes."""
    said = re.fullmatch(r"(\w+)(\[[\w\s,]*\])?(?:\s*<\s*(\d+))?", text)
    dtype = getattr(torch, said[1], None) if said else None
    if not isinstance(dtype, torch.dtype):
        raise Refused(f"{text!r} as an input; expected something like float32[B, 3, 224, 224] or int64[B, T] < 1000")
    shape = [int(dim) if dim.isdigit() else sizes[dim] for dim in dims_of(text)]
    if dtype.is_floating_point:
        return torch.rand(shape, generator=generator).to(dtype)
    return torch.randint(2 if dtype == torch.bool else int(said[3] or 2), shape, generator=generator).to(dtype)


def pairs(words, option):
    """NAME=VALUE of an option that may be given several times."""
    wrong = next((text for text in words if "=" not in text), None)
    if wrong:
        raise Refused(f"{option} {wrong}; expected NAME=…")
    return dict(text.split("=", 1) for text in words)


def random_runs(ports, given):
    symbols = list(dict.fromkeys(dim for text in ports.values() for dim in dims_of(text) if not dim.isdigit()))
    if len(symbols) > len(SIZES):
        raise Refused(f"more than {len(SIZES)} symbols in the inputs")
    generator = torch.Generator().manual_seed(0)
    count = max([len(sizes) for sizes in given.values()] + [2]) if symbols else 1
    for run in range(count):
        sizes = {s: (given.get(s) or SIZES[i])[min(run, len(given.get(s) or SIZES[i]) - 1)] for i, s in enumerate(symbols)}
        yield {name: random_input(text, sizes, generator) for name, text in ports.items()}


def build(words):
    """MODULE:EXPRESSION, which is evaluated among the module's names, and called if it is no model yet."""
    where, _, expression = words.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        made = eval(expression, dict(vars(importlib.import_module(where))))
        made = made if isinstance(made, nn.Module) else made()
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise Refused(f"{words}: {type(error).__name__}: {error}") from error
    if not isinstance(made, nn.Module):
        raise Refused(f"{words} makes a {type(made).__name__}, not a torch.nn.Module")
    return made


def load(model, path, key):
    held = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(held[key] if key else held)


def main():
    parser = argparse.ArgumentParser(description="Writes an architecture file for ckptlint from a PyTorch model. It runs the model's code.")
    parser.add_argument("model", metavar="MODULE:EXPRESSION", help="as in torchvision.models:resnet18, or nets:Net(10, hidden=20)")
    parser.add_argument("--input", metavar="NAME=PORT", action="append", default=[], help="as in 'x=float32[B, 3, 224, 224]' or 'ids=int64[B, T] < 1000'")
    parser.add_argument("--size", metavar="NAME=N[,N]", action="append", default=[], help="what a symbol stands for, in one run each")
    parser.add_argument("--weights", metavar="FILE", help="the checkpoint whose results are recorded; without it none are")
    parser.add_argument("--key", help="where in FILE the state dict is")
    parser.add_argument("-o", "--output", metavar="FILE.json", required=True)
    said = parser.parse_args()
    try:
        ports = pairs(said.input, "--input")
        given = {name: [int(n) for n in sizes.split(",")] for name, sizes in pairs(said.size, "--size").items()}
        model = build(said.model)
        if said.weights:
            load(model, said.weights, said.key)
        export(model, list(random_runs(ports, given)), said.output, ports, forward=bool(ports), goldens=bool(said.weights))
    except (Refused, ValueError, OSError, ImportError, RuntimeError) as error:
        sys.exit(f"ckptlint_export: {error}")


if __name__ == "__main__":
    main()
