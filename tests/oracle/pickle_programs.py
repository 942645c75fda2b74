"""Pickle programs for the oracles, from a generator that knows the stack and the memo. Everything is chosen by a random.Random,
so that a seed names a program. A program is a list of instructions, the bytes of an opcode with its argument."""
import struct

STORAGES = ("FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "IntStorage", "ShortStorage", "CharStorage",
            "ByteStorage", "BoolStorage", "ComplexFloatStorage")


def long_bytes(n):
    return n.to_bytes(n.bit_length() // 8 + 1, "little", signed=True) if n else b""


def sized(short, long, data):
    return short + bytes([len(data)]) + data if short and len(data) < 256 else long + struct.pack("<I", len(data)) + data


class Maker:
    """One program. `plain` keeps to the opcodes that torch writes; `room` is how many storages the file around it may hold."""

    def __init__(self, r, plain, room):
        self.r, self.plain, self.room = r, plain, room
        self.proto = 2 if plain else r.choice((2, 2, 3, 4, 4, 5))
        self.out, self.memo, self.indexes, self.fresh, self.storages, self.budget = [], [], 0, 0, {}, r.choice((8, 30, 120))

    def add(self, *instructions):
        self.out.extend(instructions)

    # ---- memo and stack ----

    def keep(self, kind, likely=0.3):
        """The top of the stack may go into the memo."""
        if self.r.random() >= likely:
            return
        if self.proto >= 4 and self.r.random() < 0.8:
            index = self.indexes
            self.add(b"\x94")
        else:
            index = self.indexes
            self.add(b"q" + bytes([index]) if index < 256 else b"r" + struct.pack("<I", index))
        self.indexes += 1
        self.memo.append((index, kind))

    def fetch(self, kinds):
        """Pushes a memo entry of one of these kinds, if there is one."""
        known = [i for i, kind in self.memo if kind in kinds]
        if not known or self.r.random() < 0.6:
            return False
        index = self.r.choice(known)
        if not self.plain and self.r.random() < 0.1:
            self.add(b"g%d\n" % index)
        else:
            self.add(b"h" + bytes([index]) if index < 256 else b"j" + struct.pack("<I", index))
        return True

    def juggle(self):
        """Something that leaves the stack as it was."""
        how = self.r.randrange(4)
        if how == 0:
            self.scalar()
            self.add(b"0")
        elif how == 1:
            self.add(b"(")
            for _ in range(self.r.randrange(3)):
                self.scalar()
            self.add(b"1")
        elif how == 2:
            self.add(b"(", b"0")
        else:
            self.add(b"2", b"0")

    # ---- values: each pushes one ----

    def integer(self, n):
        forms = []
        if 0 <= n < 256:
            forms.append(b"K" + bytes([n]))
        if 0 <= n < 65536:
            forms.append(b"M" + struct.pack("<H", n))
        if -2**31 <= n < 2**31:
            forms += [b"J" + struct.pack("<i", n)] * 2
        if not self.plain:
            forms += [b"I%d\n" % n, b"L%dL\n" % n, b"\x8b" + struct.pack("<i", len(long_bytes(n))) + long_bytes(n)]
        if not forms or self.r.random() < 0.1:
            forms.append(b"\x8a" + bytes([len(long_bytes(n))]) + long_bytes(n))
        self.add(forms[0] if self.r.random() < 0.6 else self.r.choice(forms))

    def text(self, s):
        if self.fetch([("text", s)]):
            return
        data = s.encode("utf-8", "surrogatepass")
        if self.proto >= 4 and self.r.random() < 0.8:
            self.add(sized(b"\x8c", b"X", data))
        elif not self.plain and self.r.random() < 0.1 and s.isprintable() and s.isascii():
            self.add(self.r.choice((b"V%s\n" % data.replace(b"\\", b"\\u005c"), sized(b"U", b"T", data))))
        else:
            self.add(b"X" + struct.pack("<I", len(data)) + data)
        self.keep(("text", s))

    def scalar(self):
        r = self.r
        pick = r.randrange(9)
        if pick == 0:
            self.add(b"N")
        elif pick == 1:
            if self.plain or r.random() < 0.8:
                self.add(r.choice((b"\x88", b"\x89")))
            else:
                self.add(r.choice((b"I01\n", b"I00\n")))
        elif pick <= 3:
            self.integer(r.choice((0, 1, 7, 255, 256, 65535, 65536, -1, 2**31 - 1, -2**31, 2**31, 2**62, -2**63, 2**63, 2**70, r.randrange(-300, 300))))
        elif pick <= 5:
            number = r.choice((0.0, -0.0, 1.5, 1e-8, 0.999, float("inf"), float("nan"), 5e-324, 1e300, r.random()))
            if not self.plain and r.random() < 0.1 and number == number and abs(number) < 1e308:
                self.add(b"F%s\n" % repr(number).encode())
            else:
                self.add(b"G" + struct.pack(">d", number))
        elif pick == 6 and not self.plain:
            data = r.choice((b"", b"abc", b"\x00\xff", bytes(300)))
            self.add(sized(b"C", b"B", data) if self.proto >= 3 else sized(b"U", b"T", b"ab"))
        else:
            self.text(r.choice(("", "a", "lr", "weight", "x/y", "é名", "a\n\x1b", "\\", "'", "z" * 300, "cpu", "\u202e")))

    def key(self):
        r = self.r
        pick = r.random()
        self.fresh += 1
        if pick < 0.6:
            self.text(f"layer.{self.fresh}.weight")
        elif pick < 0.8:
            self.integer(self.fresh)
        elif pick < 0.88:
            self.integer(self.fresh)
            self.text("k")
            self.add(b"\x86")
        elif pick < 0.96:
            self.text(r.choice(("a", "b", "state", "é")))
        else:
            self.scalar()

    def name(self, module, attribute):
        if self.fetch([("name", module, attribute)]):
            return
        if self.proto >= 4 and self.r.random() < 0.8:
            self.text(module)
            self.text(attribute)
            self.add(b"\x93")
        else:
            self.add(b"c%s\n%s\n" % (module.encode(), attribute.encode()))
        self.keep(("name", module, attribute))

    def items(self, depth, one, many, push):
        """Items added to what lies on top: all at once, one by one, or in batches."""
        for _ in range(self.r.choice((0, 0, 1, 1, 2))):
            n = self.r.choice((0, 1, 1, 2, 3, 5)) if many else 1
            if n == 1 and one and self.r.random() < 0.7:
                push(depth)
                self.add(one)
            elif many:
                self.add(b"(")
                for _ in range(n):
                    push(depth)
                self.add(many)

    def pair(self, depth):
        self.key()
        self.value(depth)

    def run(self, depth, push):
        self.add(b"(")
        for _ in range(self.r.choice((0, 1, 2, 4))):
            push(depth)

    def list(self, depth):
        if not self.plain and self.r.random() < 0.1:
            self.run(depth, self.value)
            self.add(b"l")
        else:
            self.add(b"]")
        self.keep("list")
        self.items(depth, b"a", b"e", self.value)

    def tuple(self, depth):
        n = self.r.choice((0, 1, 2, 3, 3, 5))
        small = n <= 3 and self.r.random() < 0.8
        if not small:
            self.add(b"(")
        for _ in range(n):
            self.value(depth)
        self.add((b")", b"\x85", b"\x86", b"\x87")[n] if small else b"t")
        self.keep("tuple")

    def dict(self, depth):
        if not self.plain and self.r.random() < 0.1:
            self.run(depth, self.pair)
            self.add(b"d")
        else:
            self.add(b"}")
        self.keep("dict")
        self.items(depth, b"s", b"u", self.pair)

    def set(self, depth):
        if self.proto >= 4 and self.r.random() < 0.7:
            if self.r.random() < 0.5:
                self.add(b"\x8f")
                self.keep("set")
                self.items(depth, None, b"\x90", lambda _: self.key())
            else:
                self.run(depth, lambda _: self.key())
                self.add(b"\x91")
        else:
            self.name(self.r.choice(("builtins", "__builtin__")), self.r.choice(("set", "set", "frozenset")))
            self.add(b"]")
            self.items(depth, b"a", b"e", lambda _: self.key())
            self.add(b"\x85", b"R")
        self.keep("made")

    def ordered(self, depth):
        self.name("collections", "OrderedDict")
        if self.r.random() < 0.15:
            self.add(b"]")
            for _ in range(self.r.randrange(3)):
                self.key()
                self.value(depth)
                self.add(b"\x86", b"a")
            self.add(b"\x85")
        else:
            self.add(b")")
        self.add(b"R")
        self.keep("made")
        self.items(depth, b"s", b"u", self.pair)
        if self.r.random() < 0.1:
            self.add(b"}")
            self.text("_metadata")
            self.dict(depth)
            self.add(b"s", b"b")

    def call(self, depth):
        """What torch and Python write as a call."""
        r = self.r
        pick = r.randrange(8)
        if pick == 0:
            self.name("_codecs", "encode")
            self.text("".join(map(chr, r.choices(range(256), k=r.choice((0, 1, 40))))))
            self.text(r.choice(("latin1", "latin1", "latin-1", "utf-8")))
            self.add(b"\x86", b"R")
        elif pick == 1:
            self.name("builtins", "bytearray")
            if r.random() < 0.5:
                self.text("ab\xff")
                self.text("latin-1")
                self.add(b"\x86", b"R")
            else:
                self.add(b")", b"R")
        elif pick == 2:
            self.name("builtins", "complex")
            self.add(b"G" + struct.pack(">d", 1.5), b"G" + struct.pack(">d", -2.0), b"\x86", b"R")
        elif pick == 3:
            self.name("torch", "Size")
            self.integer(3)
            self.integer(r.choice((0, 4, -1)))
            self.add(b"\x86", b"\x85", r.choice((b"R", b"R", b"\x81")))
        elif pick == 4:
            self.name("torch", "device")
            self.text(r.choice(("cpu", "cuda")))
            self.integer(0)
            self.add(b"\x86", b"R")
        elif pick == 5:
            self.name("collections", "Counter")
            self.dict(0)
            self.add(b"\x85", b"R")
        elif pick == 6:
            self.name(*r.choice((("collections", "defaultdict"), ("collections", "deque"), ("argparse", "Namespace"), ("builtins", "set"))))
            self.add(b")", r.choice((b"R", b"\x81")))
        else:
            self.name("torch", r.choice(("float32", "int64", "float8_e5m2", "bool")))
        self.keep("made")

    def record(self, depth):
        """An instance of some class with its attributes."""
        self.name(*self.r.choice((("__main__", "Model"), ("argparse", "Namespace"), ("torch.nn.modules.linear", "Linear"), ("uuid", "UUID"))))
        self.add(b")", self.r.choice((b"\x81", b"\x81", b"R")))
        self.keep("made")
        if self.r.random() < 0.8:
            self.dict(depth)
            if self.r.random() < 0.1:
                self.dict(depth)
                self.add(b"\x86")
            self.add(b"b")

    def storage(self):
        """A persistent id; returns the elements that it names."""
        r = self.r
        if len(self.storages) >= self.room or (self.storages and r.random() < 0.3):
            key = r.choice(list(self.storages))
        else:
            key = len(self.storages)
            self.storages[key] = (r.choice(STORAGES), r.choice((0, 1, 6, 24)))
        cls, numel = self.storages[key]
        self.add(b"(")
        self.text("storage")
        self.name("torch", cls)
        self.text(str(key))
        self.text("cpu")
        self.integer(numel)
        self.add(b"t", b"Q")
        return numel

    def hooks(self):
        self.name("collections", "OrderedDict")
        self.add(b")", b"R")

    def view(self, numel):
        """Offset, sizes and strides in a storage of so many elements; now and then just outside."""
        r = self.r
        shapes = [s for s in ((), (1,), (2, 3), (3, 2), (6,), (2, 3, 4), (0, 3), (4, 1, 6)) if product(s) <= numel]
        shape, stride, step = list(r.choice(shapes or [(0,)])), [], 1
        for n in reversed(shape):
            stride.insert(0, step)
            step *= n
        room = max(0, numel - product(shape))
        offset = r.choice((0, 0, room, room // 2, r.randrange(-1, numel + 2)))
        if r.random() < 0.3:
            order = r.sample(range(len(shape)), len(shape))
            shape, stride = [shape[i] for i in order], [stride[i] for i in order]
        elif r.random() < 0.15:
            stride = [r.choice((s, 0, s + 1, 1)) for s in stride]
        return offset, shape, stride

    def dense(self):
        self.name("torch._utils", "_rebuild_tensor_v2")
        self.add(b"(")
        offset, shape, stride = self.view(self.storage())
        self.integer(offset)
        for numbers in (shape, stride):
            self.add(b"(")
            for n in numbers:
                self.integer(n)
            self.add(b"t")
        self.add(self.r.choice((b"\x89", b"\x89", b"\x88")))
        self.hooks()
        self.add(b"t", b"R")
        self.keep("tensor")

    def tensor(self):
        if self.r.random() < 0.8:
            self.dense()
            return
        self.name("torch._utils", "_rebuild_parameter")
        self.dense()
        self.add(self.r.choice((b"\x88", b"\x89")))
        self.hooks()
        self.add(b"\x87", b"R")
        self.keep("tensor")

    def value(self, depth):
        self.budget -= 1
        r = self.r
        if not self.plain and r.random() < 0.03:
            self.scalar()
            self.juggle()
            return
        if r.random() < 0.15 and self.fetch(("list", "dict", "tuple", "set", "made", "tensor")):
            return
        if depth <= 0 or self.budget <= 0:
            self.scalar()
            return
        pick = r.randrange(12)
        if pick < 3:
            self.scalar()
        elif pick == 3:
            self.list(depth - 1)
        elif pick == 4:
            self.tuple(depth - 1)
        elif pick == 5:
            self.dict(depth - 1)
        elif pick == 6:
            self.ordered(depth - 1)
        elif pick == 7:
            self.call(depth - 1)
        elif pick == 8 and not (self.plain and r.random() < 0.9):
            self.set(depth - 1)
        elif pick == 9 and r.random() < 0.3:
            self.record(depth - 1)
        elif self.room:
            self.tensor()
        else:
            self.scalar()


def product(numbers):
    n = 1
    for k in numbers:
        n *= k
    return n


def storage_bytes(r, cls, numel):
    """Bytes of a storage's record: small whole numbers, so that no dtype makes NaN of them."""
    formats = {"FloatStorage": "f", "DoubleStorage": "d", "HalfStorage": "e", "LongStorage": "q", "IntStorage": "i", "ShortStorage": "h",
               "CharStorage": "b", "ByteStorage": "B", "BoolStorage": "?"}
    numbers = [r.randrange(2) if cls == "BoolStorage" else r.randrange(100) for _ in range(numel)]
    if cls in formats:
        return struct.pack(f"<{numel}{formats[cls]}", *numbers)
    if cls == "BFloat16Storage":
        return b"".join(struct.pack("<f", n)[2:] for n in numbers)
    return b"".join(struct.pack("<ff", n, 1) for n in numbers)


def make(r, plain=False, room=0):
    """A program's instructions, and the records of the storages that it names, by key."""
    maker = Maker(r, plain, room)
    root = r.choice((maker.dict, maker.ordered, maker.value, maker.list, maker.tuple))
    root(r.choice((1, 2, 3, 6)))
    program = [b"\x80" + bytes([maker.proto])] + maker.out + [b"."]
    return program, {str(key): storage_bytes(r, *storage) for key, storage in maker.storages.items()}
