"""What a loader would build of a pickle, without a loader's powers. CPython's own unpicklers run the program, the one in C and
the one in Python, but find_class writes down the name and gives an inert stub: a class or function of this file, which
imports, opens and calls nothing. The result is compared with the tree and the tensors that ckptlint reports."""
import _compat_pickle
import base64
import hashlib
import io
import pickle
import struct

DTYPES = {"FloatStorage": ("float32", 4), "DoubleStorage": ("float64", 8), "HalfStorage": ("float16", 2), "BFloat16Storage": ("bfloat16", 2),
          "LongStorage": ("int64", 8), "IntStorage": ("int32", 4), "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1),
          "ByteStorage": ("uint8", 1), "BoolStorage": ("bool", 1), "ComplexFloatStorage": ("complex64", 8),
          "ComplexDoubleStorage": ("complex128", 16)}


class Unmodelled(Exception):
    """Something that this twin has no stub for: nothing is said about the value."""


# ---- stubs: every class of the names below is a new class of these, so that a value knows its name ----

class Record:
    """An instance of a class of which nothing but the name is known."""
    def __new__(cls, *args, **_):
        self = object.__new__(cls)
        self.args, self.states, self.pairs, self.appended = args, [], [], []
        return self

    def __init__(self, *_, **__):
        pass

    def __setstate__(self, state):
        self.states.append(state)

    def __setitem__(self, key, value):
        self.pairs.append((key, value))

    def append(self, item):
        self.appended.append(item)

    def extend(self, items):
        self.appended.extend(items)

    def add(self, item):
        self.appended.append(item)


class Attribute(Record):
    """What getattr answers. That of a time zone's constructor is a function, of which there is no stub."""
    def __call__(self, *_):
        if [*map(name_of, self.args[:1]), *self.args[1:]] != ["zoneinfo.ZoneInfo", "_unpickle"]:
            raise TypeError("an attribute, of which nothing says that it may be called")
        raise Unmodelled("a time zone")


class Dict(dict):
    pass


class Counter(dict):
    def __init__(self, counts=None):
        if not isinstance(counts, (dict, type(None))):
            raise TypeError("a Counter of things to count")
        super().__init__(counts or {})


class DefaultDict(dict):
    __slots__ = ()

    def __init__(self, factory=None, *args):
        if factory is not None and not isinstance(factory, type):
            raise TypeError("first argument must be callable or None")
        super().__init__(*args)


class Deque(list):
    __slots__ = ()

    def __init__(self, items=(), maxlen=None):
        super().__init__(items)
        if maxlen is not None:
            del self[:max(0, len(self) - maxlen)]


class Set(set):
    __slots__ = ()


class FrozenSet(frozenset):
    __slots__ = ()


class Complex(complex):
    __slots__ = ()


class Bytes(bytes):
    __slots__ = ()

    def __new__(cls, *args):
        if args and isinstance(args[0], int):
            raise TypeError("so many zeros")
        return bytes.__new__(cls, *args)


class Encoded(Bytes):
    __slots__ = ()


class ByteArray(bytearray):
    __slots__ = ()

    def __init__(self, *args):
        if args and isinstance(args[0], int):
            raise TypeError("so many zeros")
        super().__init__(*args)


class Size(tuple):
    __slots__ = ()

    def __new__(cls, sizes=()):
        if not all(type(n) is int for n in sizes):
            raise TypeError("sizes are integers")
        return tuple.__new__(cls, sizes)


class Device:
    def __init__(self, name, index=None):
        if not isinstance(name, str):
            raise TypeError("a device has a name")
        self.text = name if index is None else f"{name}:{index}"


class Value:
    """A name that stands for a value: a dtype, a memory format, a class that nothing may call."""
    def __init__(self, kind):
        self.kind = kind


class Storage:
    def __init__(self, key, dtype, size, numel, data):
        if len(data) != numel * size:
            raise ValueError("the record is longer or shorter than declared")
        self.key, self.dtype, self.size, self.numel, self.data = key, dtype, size, numel, data


class Tensor:
    def __init__(self, storage, offset, shape, stride):
        lists = isinstance(shape, (tuple, list)) and isinstance(stride, (tuple, list)) and len(shape) == len(stride)
        if not isinstance(storage, Storage) or not lists:
            raise TypeError("not a storage, an offset, sizes and strides")
        if not all(type(n) is int and 0 <= n < 2**63 for n in (offset, *shape, *stride)):
            raise ValueError("a number is none or negative")
        last = offset + sum((n - 1) * k for n, k in zip(shape, stride))
        if offset > storage.numel or (0 not in shape and last >= storage.numel):
            raise ValueError("outside the storage")
        self.storage, self.offset, self.shape, self.stride = storage, offset, tuple(shape), tuple(stride)

    def facts(self):
        return {"dtype": self.storage.dtype, "shape": list(self.shape), "stride": list(self.stride), "storage_offset": self.offset,
                "sha256": self.digest()}

    def digest(self):
        """Of the elements in their order, or None where they are too many to be walked here."""
        numel = 1
        for n in self.shape:
            numel *= n
        if numel > 10000:
            return None
        places = [self.offset] if numel else []
        for n, k in zip(self.shape, self.stride):
            places = [p + i * k for p in places for i in range(n)]
        size = self.storage.size
        return hashlib.sha256(b"".join(self.storage.data[p * size:(p + 1) * size] for p in places)).hexdigest()


def no_hooks(hooks):
    if hooks:
        raise ValueError("backward hooks, which would be called")


def encode(text, encoding):
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("not what a pickler writes")
    return Encoded(text.encode("latin-1"))


def rebuild_tensor(storage, offset, shape, stride):
    return Tensor(storage, offset, shape, stride)


def rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks, metadata=None):
    no_hooks(hooks)
    if metadata:
        raise Unmodelled("conjugates and negatives")
    return Tensor(storage, offset, shape, stride)


def rebuild_parameter(data, requires_grad, hooks):
    no_hooks(hooks)
    return Tensor(data.storage, data.offset, data.shape, data.stride)


def rebuild_parameter_with_state(data, requires_grad, hooks, state):
    return rebuild_parameter(data, requires_grad, hooks)


CLASSES = {("collections", "OrderedDict"): Dict, ("collections", "Counter"): Counter, ("collections", "defaultdict"): DefaultDict,
           ("collections", "deque"): Deque, ("builtins", "set"): Set, ("builtins", "frozenset"): FrozenSet, ("builtins", "complex"): Complex,
           ("builtins", "bytes"): Bytes, ("builtins", "bytearray"): ByteArray, ("torch", "Size"): Size, ("torch", "device"): Device}
FUNCTIONS = {("_codecs", "encode"): encode, ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
             ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor_v2, ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
             ("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter_with_state}
DTYPE_NAMES = {"float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool", "complex32", "complex64",
               "complex128", "float8_e5m2", "float8_e4m3fn"}
BUILT = tuple(CLASSES.values())
PLAIN = {("argparse", "Namespace"), ("types", "SimpleNamespace"), ("datetime", "datetime"), ("datetime", "timedelta"), ("pathlib", "PosixPath")}
stubs, names = {}, {id(Encoded): "_codecs.encode"}


def models(module, name):
    """Whether a stub does what the name does, or the name is one that is kept as a record."""
    return (module, name) in CLASSES or (module, name) in FUNCTIONS or (module, name) in PLAIN or is_value(module, name)


def is_value(module, name):
    return module.split(".")[0] == "torch" and (name in DTYPE_NAMES or name.endswith("Storage") or name.endswith("Tensor"))


def stub(module, name):
    """The one stub of a name."""
    key = (module, name)
    if key not in stubs:
        if key in FUNCTIONS:
            function = FUNCTIONS[key]
            made = lambda *args: function(*args)  # a function of its own for each name
        elif is_value(module, name):
            made = Value("dtype" if name in DTYPE_NAMES else "global")
        else:
            base = CLASSES.get(key, Attribute if key == ("builtins", "getattr") else Record)
            made = type(base.__name__, (base,), {"__slots__": ()} if "__slots__" in vars(base) else {})
        stubs[key] = made
        names[id(made)] = f"{module}.{name}"
    return stubs[key]


def name_of(x):
    return names.get(id(x))


# ---- the two unpicklers ----

class Recorder:
    """What both have in common. `protos`: the protocol that each name is looked up under, for the one in C, which does not say."""
    records = None
    protos = None

    def find_class(self, module, name):
        proto = self.protos[len(self.asked)] if self.protos and len(self.asked) < len(self.protos) else getattr(self, "proto", 0)
        if not module or not name:
            raise AttributeError("no module and no attribute has an empty name")
        self.looked_up.append(proto)
        if proto < 3:
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
            module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        self.asked.append((module, name))
        return stub(module, name)

    def persistent_load(self, pid):
        if self.records is None or not isinstance(pid, tuple) or len(pid) != 5 or pid[0] not in ("storage", b"storage"):
            raise pickle.UnpicklingError("not a persistent id of torch's")
        name = (name_of(pid[1]) or "").rpartition(".")[2]
        if name not in DTYPES or not isinstance(pid[2], str) or pid[2] not in self.records or type(pid[4]) is not int:
            raise Unmodelled("a storage of another kind")
        return Storage(pid[2], *DTYPES[name], pid[4], self.records[pid[2]])


class InC(Recorder, pickle.Unpickler):
    pass


class InPython(Recorder, pickle._Unpickler):
    pass


class Outcome:
    """`value`, or the `error` that a loader ends with; the names that were `asked` for, in order."""

    def __init__(self, unpickler, program, records, protos=None):
        loader = unpickler(io.BytesIO(program), encoding="utf-8")  # torch.load's default
        loader.asked, loader.looked_up, loader.records, loader.protos = [], [], records, protos
        self.value = self.error = None
        try:
            self.value = loader.load()
        except Exception as error:
            self.error = error
        self.asked, self.protos, self.unmodelled = loader.asked, loader.looked_up, isinstance(self.error, Unmodelled)


# ---- a value as the tree that ckptlint would show ----

class Node:
    __slots__ = ("key", "kind", "cls", "text", "children")

    def __init__(self, key, kind, cls=None, text=None, children=()):
        self.key, self.kind, self.cls, self.text, self.children = key, kind, cls, text, children


def key_text(key):
    """The bytes that stand for a key, or None where only a loader's notation would tell."""
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    if isinstance(key, bytes) and type(key) is bytes:
        return key
    if key is None or isinstance(key, (bool, int)) and abs(key) < 2**63:
        return str(key).encode()
    return None


class Tree:
    """The nodes of a value, and its tensors by path. A container that was shown already is a reference, unless it holds tensors,
    which are shown at each of their paths."""

    def __init__(self, value):
        self.seen, self.tensors = {}, []
        self.root = self.node(value, b"", b"")

    def node(self, x, key, path):
        if isinstance(x, Tensor):
            self.tensors.append((path, x.facts()))
            return Node(key, "tensor", None, f"{x.storage.dtype} [{', '.join(map(str, x.shape))}]")
        leaf = self.leaf(x, key)
        shareable = isinstance(x, (Record, *BUILT)) or (leaf is None and len(x) > 0)
        if not shareable:
            return leaf or Node(key, self.kind(x))
        first = self.seen.get(id(x))
        if first and (first["open"] or not first["tensors"]):
            return Node(key, "shared", None, first["key"])
        place = self.seen.setdefault(id(x), {"key": key, "x": x})
        before, place["open"] = len(self.tensors), True
        if leaf is None:
            leaf = Node(key, self.kind(x), name_of(type(x)), None, [self.node(v, k, join(path, k)) for k, v in self.parts(x)])
        place["open"], place["tensors"] = False, len(self.tensors) > before
        return leaf

    def leaf(self, x, key):
        if x is None:
            return Node(key, "none")
        if isinstance(x, bool):
            return Node(key, "bool", None, str(x))
        if isinstance(x, int):
            return Node(key, "int", None, x)
        if isinstance(x, float):
            return Node(key, "float", None, x)
        if isinstance(x, str):
            return Node(key, "text", None, x.encode("utf-8", "surrogatepass"))
        if isinstance(x, (bytes, bytearray)):
            return Node(key, "bytes", name_of(type(x)), bytes(x))
        if isinstance(x, Device):
            return Node(key, "device", name_of(type(x)), x.text.encode())
        if isinstance(x, Storage):
            return Node(key, "storage", None, x.key.encode())
        if isinstance(x, Value):
            return Node(key, x.kind, name_of(x), name_of(x).rpartition(".")[2].encode() if x.kind == "dtype" else None)
        if name_of(x):
            return Node(key, "global", name_of(x))
        if isinstance(x, (Record, Complex, dict, list, tuple, set, frozenset)):
            return None
        raise Unmodelled(type(x).__name__)

    def kind(self, x):
        if isinstance(x, (Record, Complex)):
            return "record"
        if isinstance(x, Size):
            return "size"
        for kind, types in (("dict", dict), ("list", list), ("tuple", tuple), ("set", (set, frozenset))):
            if isinstance(x, types):
                return kind
        raise Unmodelled(type(x).__name__)

    def parts(self, x):
        """The children with their keys."""
        if isinstance(x, Record):
            yield from ((b"__arg%d" % i, v) for i, v in enumerate(x.args))
            for state in x.states[:2]:
                yield from self.state(state)
            yield from ((key_text(k), v) for k, v in x.pairs)
            yield from numbered(x.appended)
        elif isinstance(x, Complex):
            yield from ((b"__arg%d" % i, v) for i, v in enumerate((x.real, x.imag)))
        elif isinstance(x, dict):
            yield from ((key_text(k), v) for k, v in x.items())
        else:
            yield from numbered(x)

    def state(self, state):
        """Attributes, or (attributes, slots)."""
        slots = isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict)
        for part in state if slots else (state,):
            if isinstance(part, dict):
                yield from ((key_text(k), v) for k, v in part.items())
            elif isinstance(part, (list, tuple, set, frozenset)):
                yield from numbered(part)
            elif part is not None:
                yield b"__state", part


def numbered(items):
    return ((b"%d" % i, v) for i, v in enumerate(items))


def join(path, key):
    return (path + b"/" + key if path else key) if key is not None and path is not None else None


# ---- what ckptlint reported ----

def field(row, name):
    """A field that has its exact bytes beside it where they are not the text."""
    return base64.b64decode(row[name + "_b64"]) if name + "_b64" in row else row[name].encode("utf-8", "surrogatepass")


def reported(rows):
    """The value rows, which come in preorder, as a tree of (row, children)."""
    top = []
    stack = [top]
    for row in rows:
        node = (row, [])
        del stack[row["depth"] + 1:]
        stack[-1].append(node)
        stack.append(node[1])
    return top[0] if len(top) == 1 else None


def plain(data):
    return len(data) <= 256 and data.isascii() and data.decode().isprintable()


def same_number(text, want):
    got = float(text)
    return struct.pack("<d", got) == struct.pack("<d", want) or (got != got and want != want)


def wrong_text(row, node):
    """Whether what a row says of its value is not so."""
    text, want = row.get("text", ""), node.text
    if node.kind in ("text", "bytes"):
        return row["items"] != len(want) or (plain(want) and text != want.decode())
    if node.kind == "int":
        return not text.startswith(str(want)[:500])
    if node.kind == "float":
        return not same_number(text, want)
    if node.kind == "shared":
        return want is not None and plain(want) and text != want.decode()
    if isinstance(want, bytes):
        return plain(want) and text != want.decode()
    return want is not None and text != want


def difference(found, node, in_set=False):
    """None, or the first place where ckptlint's tree and the loader's value differ."""
    row, children = found
    place = row["key"] or "the root"
    if row["kind"] != node.kind:
        return f"{place}: {row['kind']}, a loader has {node.kind}"
    if not in_set and node.key is not None and field(row, "key") != node.key:
        return f"key {row['key']!r}, a loader has {node.key!r}"
    if row.get("class") != node.cls:
        return f"{place}: class {row.get('class')}, a loader has {node.cls}"
    if wrong_text(row, node):
        return f"{place}: {node.kind} {row.get('text')!r}, a loader has {node.text!r}"
    if len(children) != len(node.children):
        return f"{place}: {len(children)} children, a loader has {len(node.children)}"
    if node.kind == "set":
        return in_any_order(children, node.children, place)
    for child, wanted in zip(children, node.children):
        wrong = difference(child, wanted)
        if wrong:
            return wrong
    return None


def in_any_order(children, wanted, place):
    """Sets: each element of a loader's is found once; those first that can be told from all others."""
    left = list(children)
    for node in sorted(wanted, key=lambda n: isinstance(n.text, bytes) and not plain(n.text)):
        match = next((i for i, child in enumerate(left) if difference(child, node, True) is None), None)
        if match is None:
            return f"{place}: an element of a loader's set ({node.kind} {node.text!r}) is missing"
        del left[match]
    return None


def wrong_tensors(rows, tensors):
    """None, or how the tensors that are listed differ from those that were built. A path of None is one that was not told."""
    if len(rows) != len(tensors):
        return f"{len(rows)} tensors, a loader has {len(tensors)}"
    if any(path is None for path, _ in tensors):
        return None
    found = sorted(((field(row, "key"), row) for row in rows), key=lambda x: x[0])
    for (key, row), (path, facts) in zip(found, sorted(tensors, key=lambda x: x[0])):
        if key != path:
            return f"tensor {key!r}, a loader has {path!r}"
        for name, want in facts.items():
            if want is not None and row[name] != want:
                return f"tensor {key!r}: {name} {row[name]!r}, a loader has {want!r}"
    return None
