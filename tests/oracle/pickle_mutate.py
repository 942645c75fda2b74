"""Mutations of pickle programs, instruction by instruction: each bends a list of instructions in place. Everything is chosen by a
random.Random, so that a seed names a program."""
import pickletools
import struct

from pickle_programs import long_bytes, sized

ARGUMENT = {op.code.encode("latin-1"): op.arg.name if op.arg else None for op in pickletools.opcodes}
SAME_ARGUMENT = {}
for code, argument in ARGUMENT.items():
    SAME_ARGUMENT.setdefault(argument, []).append(code)
NAMES = [("collections", "OrderedDict"), ("collections", "Counter"), ("collections", "defaultdict"), ("collections", "deque"),
         ("builtins", "set"), ("__builtin__", "set"), ("builtins", "frozenset"), ("builtins", "bytearray"), ("builtins", "complex"),
         ("builtins", "list"), ("builtins", "bytes"), ("_codecs", "encode"), ("torch", "Size"), ("torch", "FloatStorage"), ("torch", "float32"),
         ("torch", "Tensor"), ("torch", "device"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
         ("torch.nn.parameter", "Parameter"), ("argparse", "Namespace"), ("copy_reg", "_reconstructor"), ("builtins", "object"),
         ("os", "getppid"), ("builtins", "eval"), ("__main__", "Model"), ("torch.nn.modules.linear", "Linear"), ("torch", "os.system"),
         ("", ""), ("a.b", "c.d")]


def split(program):
    """The instructions of a whole program."""
    starts = [at for _, _, at in pickletools.genops(program)]
    return [program[a:b] for a, b in zip(starts, starts[1:])] + [program[starts[-1]:starts[-1] + 1]]


def remove(r, program, _):
    at = r.randrange(len(program))
    del program[at:at + r.choice((1, 1, 1, 2, 5))]


def repeat(r, program, _):
    at, n = r.randrange(len(program)), r.choice((1, 1, 2, 4))
    program[at:at] = program[at:at + n]


def swap(r, program, _):
    a, b = r.randrange(len(program)), r.randrange(len(program))
    if r.random() < 0.5:
        b = min(a + 1, len(program) - 1)
    program[a], program[b] = program[b], program[a]


def move(r, program, _):
    at, n = r.randrange(len(program)), r.choice((1, 2, 3, 8))
    part = program[at:at + n]
    del program[at:at + n]
    to = r.randrange(len(program) + 1)
    program[to:to] = part


def other_opcode(r, program, _):
    """Another opcode with the same kind of argument."""
    at = r.randrange(len(program))
    code = program[at][:1]
    program[at] = r.choice(SAME_ARGUMENT[ARGUMENT.get(code)]) + program[at][1:]


def any_byte(r, program, _):
    at = r.randrange(len(program))
    data = bytearray(program[at])
    data[r.randrange(len(data))] = r.randrange(256)
    program[at] = bytes(data)


def other_argument(r, program, _):
    places = [i for i, x in enumerate(program) if len(x) > 1]
    if not places:
        return
    at = r.choice(places)
    code, data = program[at][:1], bytearray(program[at][1:])
    if code in b"KhqC\x8cU\x82\x80" or len(data) > 8:
        data[r.randrange(len(data))] = r.choice((0, 1, 2, 10, 34, 46, 92, 127, 128, 255, r.randrange(256)))
    elif data[-1:] == b"\n":
        data = bytearray(r.choice((b"0", b"00", b"01", b"-1", b"+1", b" 1", b"1L", b"1_0", b"0x1", b"1e3", b"nan", b"", b"9" * 30)) + b"\n")
    else:
        data = bytearray(r.choice((0, 1, 2, 3, 6, 24, -1, 2**31 - 1, r.getrandbits(8 * len(data)))).to_bytes(9, "little", signed=True)[:len(data)])
        data += bytes(len(program[at]) - 1 - len(data))
    program[at] = code + bytes(data)


def other_name(r, program, _):
    places = [i for i, x in enumerate(program) if x[:1] in b"ci"]
    if places:
        at = r.choice(places)
        program[at] = program[at][:1] + ("%s\n%s\n" % r.choice(NAMES)).encode()


def insert_simple(r, program, _):
    index = r.choice((0, 1, 2, 5, 255, r.randrange(40)))
    simple = r.choice((b"0", b"1", b"2", b"(", b"N", b")", b"]", b"}", b"K\1", b"a", b"s", b"u", b"e", b"t", b"\x85", b"\x86", b"R", b"b", b"\x81",
                       b"Q", b"\x94", b"\x8f", b"\x90", b"\x91", b"o", b"l", b"d", b".", b"\x93", b"\x80\2", b"\x80\4", b"q" + bytes([index]),
                       b"h" + bytes([index]), b"r" + struct.pack("<I", index), b"j" + struct.pack("<I", index), b"p%d\n" % index, b"g%d\n" % index,
                       b"\x95" + struct.pack("<Q", index), b"cos\ngetppid\n", b"ccollections\nOrderedDict\n"))
    at = r.randrange(len(program) + 1)
    program[at:at] = [simple]


def splice(r, program, donors):
    donor = r.choice(donors)
    a = r.randrange(len(donor))
    part = donor[a:a + r.choice((1, 2, 4, 10, 40))]
    at = r.randrange(len(program) + 1)
    program[at:at + r.choice((0, 0, 1, len(part)))] = part


def cut(r, program, _):
    del program[r.randrange(len(program)):]


def append_bytes(r, program, _):
    program.append(r.choice((b"\0", b".", b"\x80\2N.", r.randbytes(5))))


def reframe(r, program, _):
    """A FRAME around what is left of the program, or around too much or too little."""
    at = r.randrange(1, len(program) + 1)
    length = sum(map(len, program[at:])) + r.choice((0, 0, 0, 1, -1, 7))
    program[at:at] = [b"\x95" + struct.pack("<Q", max(0, length))]


def juggle(r, program, _):
    """Instructions that leave the stack as it was."""
    at = r.randrange(1, max(2, len(program)))
    program[at:at] = r.choice(([b"N", b"0"], [b"(", b"1"], [b"(", b"0"], [b"(", b"N", b"K\1", b"1"], [b"2", b"0"], [b"q\xfe", b"0", b"h\xfe"],
                               [b"\x80" + program[0][1:2]], [b"(", b"("], [b"q\xfd", b"h\xfd", b"0"]))


def other_number(r, program, _):
    """The same number in another form."""
    forms = {b"K": 1, b"M": 2, b"J": 4}
    places = [i for i, x in enumerate(program) if x[:1] in forms]
    if not places:
        return
    at = r.choice(places)
    n = int.from_bytes(program[at][1:], "little", signed=program[at][:1] == b"J")
    data = long_bytes(n) + bytes(r.choice((0, 0, 1)) if n >= 0 else 0)
    program[at] = r.choice((b"J" + struct.pack("<i", n), b"I%d\n" % n, b"L%d\n" % n, b"L%dL\n" % n, b"\x8a" + bytes([len(data)]) + data,
                            b"G" + struct.pack(">d", n), b"F%d\n" % n))


def other_text(r, program, _):
    """The same text in another form."""
    places = [i for i, x in enumerate(program) if x[:1] == b"X" and len(x) < 200]
    if places:
        at = r.choice(places)
        data = program[at][5:]
        program[at] = r.choice((sized(b"\x8c", b"X", data), sized(b"U", b"T", data), b"\x8d" + struct.pack("<Q", len(data)) + data,
                                sized(b"C", b"B", data), b"S'" + data + b"'\n", b"V" + data + b"\n"))


MUTATIONS = [remove, repeat, swap, move, other_opcode, any_byte, other_argument, other_argument, other_name, insert_simple, insert_simple,
             splice, splice, cut, append_bytes, reframe, juggle, juggle, other_number, other_number, other_text, other_text]


def mutate(r, program, donors):
    """A bent copy, and how it was bent."""
    bent, how = list(program), []
    for _ in range(r.choice((1, 1, 1, 2, 3))):
        mutation = r.choice(MUTATIONS)
        if bent:
            mutation(r, bent, donors)
            how.append(mutation.__name__)
    return bent, "+".join(how)
