"""What `inspect --pickle` writes, run as Python, must give what pickle.loads gives: equal values of equal types, shared in the
same places, in the same order of effects. Generated values, and programs that no pickler writes."""
import ast
import collections
import copyreg
import datetime
import io
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import tempfile
import types

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CKPTLINT = os.environ.get("CKPTLINT", os.path.join(TOP, "build/release/ckptlint"))
ROUNDS = 40  # of generated values, each in every protocol
EXTENSION = 7


# ---- a module whose calls are recorded ----

calls = []


class Plain:
    """Attributes only: BUILD sets them."""
    def __new__(cls, *args, **kwargs):
        calls.append(("new", cls.__name__, len(args), sorted(kwargs)))
        self = super().__new__(cls)
        self.made_of = (args, kwargs)
        return self


class Inited:
    """An instance of protocol 0 without arguments is made without __init__."""
    def __init__(self, *args):
        calls.append(("init", len(args)))
        self.args = args


class Setting(Plain):
    def __setstate__(self, state):
        calls.append(("setstate", type(state).__name__))
        self.state = state


class Slots:
    __slots__ = ("a", "b")


class Extending(list):
    def extend(self, items):
        calls.append(("extend", len(items)))
        super().extend(items)


def call(*args):
    calls.append(("call", len(args)))
    return list(args)


class Outer:
    class Inner(Plain):
        pass


class Kinds(dict):
    pass


stub = types.ModuleType("stub")
for thing in (Plain, Inited, Setting, Slots, Extending, Outer, Kinds):
    thing.__module__ = "stub"
    setattr(stub, thing.__name__, thing)
call.__module__ = Outer.Inner.__module__ = "stub"
stub.call = call
setattr(stub, "odd name", call)
sys.modules["stub"] = stub
copyreg.add_extension("stub", "call", EXTENSION)


class Unpickler(pickle.Unpickler):
    def persistent_load(self, pid):
        calls.append(("persistent_load", type(pid).__name__))
        return ["persistent", pid]


# ---- running the lines ----

class Pickles(ast.NodeTransformer):
    """x.__setstate__(state) as BUILD, C(…) without arguments as INST where the line says so."""
    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "__setstate__":
            return ast.Call(ast.Name("build", ast.Load()), [node.func.value] + node.args, [])
        return node


def build(target, state):
    """load_build of pickle.py."""
    if hasattr(target, "__setstate__"):
        return target.__setstate__(state)
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        target.__dict__.update(state)
    for key, value in (slots or {}).items():
        setattr(target, key, value)
    return None


def bare(line):
    """_varN = C() of an instance that protocol 0 makes: its __init__ does not run."""
    name, _, made = line.partition(" = ")
    cls = made[:-2]
    return f"{name} = {cls}.__new__({cls}) if isinstance({cls}, type) else {made}"


def run(statements):
    helper = Unpickler(io.BytesIO(b""))
    space = {"persistent_load": helper.persistent_load, "find_class": helper.find_class, "build": build,
             "get_extension": lambda code: getattr(stub, copyreg._inverted_registry[code][1])}
    for s in statements:
        code = bare(s["code"]) if "__init__" in s.get("comment", "") else s["code"]
        if not code:
            raise ValueError(s["comment"])
        exec(compile(ast.fix_missing_locations(Pickles().visit(ast.parse(code))), code, "exec"), space)
        if code.startswith("import "):
            found = space
            for part in s["comment"].split("."):
                found = found[part] if isinstance(found, dict) else getattr(found, part)
    return space["result"]


def shape(root):
    """A value as plain text: types, contents, and which places are one object."""
    seen, out, todo = {}, [], [root]
    while todo:
        x = todo.pop()
        if isinstance(x, (int, float, str, bytes, bool, type(None), datetime.date, types.ModuleType, types.FunctionType, type)):
            out.append(f"{type(x).__name__} {x!r}")
            continue
        if id(x) in seen:
            out.append(f"same as {seen[id(x)]}")
            continue
        seen[id(x)] = len(seen)
        out.append(f"{type(x).__name__} {len(x) if hasattr(x, '__len__') else ''}")
        parts = []
        if isinstance(x, dict):
            parts += [part for pair in x.items() for part in pair]
        elif isinstance(x, (set, frozenset)):
            parts += sorted(x, key=repr)
        elif isinstance(x, (list, tuple, collections.deque, bytearray)):
            parts += list(x)
        if not isinstance(x, (bytearray, complex, datetime.datetime)) and hasattr(x, "__dict__"):
            parts += [part for pair in sorted(vars(x).items()) for part in pair]
        parts += [getattr(x, s) for s in getattr(type(x), "__slots__", ()) if isinstance(x, Slots) and hasattr(x, s)]
        if isinstance(x, complex):
            parts += [x.real, x.imag]
        todo += reversed(parts)
    return out


# ---- programs ----

def short(s):
    return b"\x8c" + bytes([len(s)]) + s.encode()


def name(module, attribute):
    return short(module) + short(attribute) + b"\x93"


CALL, PLAIN, PROTO4 = name("stub", "call"), name("stub", "Plain"), b"\x80\x04"
HAND = {
    "dup": PROTO4 + b"]2K\x01a\x86.",
    "dup call": PROTO4 + CALL + b")R2\x86.",
    "pop call": PROTO4 + CALL + b")R0N.",
    "pop mark": PROTO4 + b"(" + CALL + b")RK\x011N.",
    "overwrite": PROTO4 + b"]q\x00K\x01a0}q\x00h\x00h\x00\x86.",
    "overwrite later": PROTO4 + b"(]q\x00h\x00}q\x00h\x00h\x00t.",
    "memoize after put": PROTO4 + b"]q\x05\x94h\x01h\x05\x86\x86.",
    "newobj": PROTO4 + PLAIN + b"K\x01\x85\x81.",
    "newobj_ex": PROTO4 + PLAIN + b"K\x01\x85}" + short("a") + b"K\x02s\x92.",
    "newobj_ex bare": PROTO4 + PLAIN + b")}\x92.",
    "inst": b"(istub\nPlain\n.",
    "inst args": b"(I1\nI2\nistub\nInited\n.",
    "inst bare": b"(istub\nInited\n.",
    "inst function": b"(istub\ncall\n.",
    "obj": PROTO4 + b"(" + name("stub", "Inited") + b"o.",
    "obj args": PROTO4 + b"(" + CALL + b"K\x01]o.",
    "extension": b"\x80\x02\x82" + bytes([EXTENSION]) + b"K\x01\x85R.",
    "extension 4": b"\x80\x02\x84" + struct.pack("<i", EXTENSION) + b")R.",
    "odd name": PROTO4 + name("stub", "odd name") + b"K\x01\x85R.",
    "dotted": PROTO4 + name("stub", "Outer.Inner") + b")\x81.",
    "computed args": PROTO4 + CALL + name("builtins", "tuple") + b"]K\x01a\x85RR.",
    "shared args": PROTO4 + CALL + b"]\x85\x94R" + CALL + b"h\x00R\x86.",
    "persid": b"\x80\x02(X\x01\x00\x00\x00aK\x01tQ.",
    "persid text": b"\x80\x02Pabc\n.",
    "setstate": PROTO4 + name("stub", "Setting") + b")\x81]K\x01ab.",
    "slots": PROTO4 + name("stub", "Slots") + b")\x81N}" + short("a") + b"K\x05s\x86b.",
    "two states": PROTO4 + PLAIN + b")\x81}" + short("a") + b"K\x05sb}" + short("a") + b"]sb.",
    "extend": PROTO4 + name("stub", "Extending") + b")\x81(K\x01K\x02e(e.",
    "append": PROTO4 + name("stub", "Extending") + b")\x81K\x01a.",
    "setitems": PROTO4 + name("stub", "Kinds") + b")\x81(K\x01NK\x02]K\x01Nu.",
    "set of shared": PROTO4 + b"\x8f\x94(K\x01K\x02\x90h\x00\x86.",
    "cycle": PROTO4 + b"]\x94h\x00a(h\x00t.",
    "tuple in itself": PROTO4 + b"]\x94h\x00\x85\x94a0h\x01.",
    "dict in itself": PROTO4 + b"}\x94" + short("x") + b"h\x00s.",
    "same key": PROTO4 + b"}\x94(K\x01NK\x01\x88\x88\x89uh\x00\x86.",
    "order": PROTO4 + b"(" + CALL + b")R]" + CALL + b"K\x01\x85Ra}" + PLAIN + b")\x81Nst.",
    "bytearray": b"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00ab\x94h\x00\x86.",
    "python 2 name": b"\x80\x02c__builtin__\nset\n]K\x01a\x85R.",
    "text opcodes": b"(lp0\nI01\naL-12L\naF1.5\naV\\u20ac\naS'x\\x41'\nag0\na.",
}


def generated(rng, depth, known):
    pick = rng.random()
    if known and pick < 0.15:
        return rng.choice(known)
    if depth == 0 or pick < 0.45:
        return rng.choice([None, True, False, rng.randrange(-3, 300), rng.randrange(-2**70, 2**70), rng.random() * 10**rng.randrange(-9, 9),
                           -0.0, float("inf"), 1e16, 5e-324, "", "a'b\"c\\d\n\t\x00\x7f", "é名\U0001f600", "\udc80", b"", bytes(range(0, 256, 5))])
    n = rng.randrange(5)
    parts = [generated(rng, depth - 1, known) for _ in range(n)]
    keys = rng.sample(["a", "b", 3, 2.5, (1, "x"), None, b"k", True, "'"], n)
    made = rng.choice([lambda: parts, lambda: tuple(parts), lambda: dict(zip(keys, parts)), lambda: set(keys), lambda: frozenset(keys),
                       lambda: collections.OrderedDict(zip(keys, parts)), lambda: collections.deque(parts, 9), lambda: bytearray(b"x\xff"),
                       lambda: complex(1, 2), lambda: Kinds(zip(keys, parts)), lambda: datetime.datetime(2024, 2, 29),
                       lambda: types.SimpleNamespace(a=parts), lambda: Extending(parts)])()
    if not isinstance(made, (complex, datetime.datetime)):
        known.append(made)
    if isinstance(made, (list, dict)) and rng.random() < 0.2:
        made.append(made) if isinstance(made, list) else made.__setitem__("me", made)
    return made


def programs():
    yield from HAND.items()
    rng = random.Random(20240229)
    for i in range(ROUNDS):
        value = generated(rng, 4, [])
        for protocol in range(6):
            try:
                yield f"value {i} protocol {protocol}", pickle.dumps(value, protocol)
            except RecursionError:  # an object that its own reduction holds: no pickler writes it
                pass


def listed(folder, program_list):
    """The statements of each program, by its place in the list."""
    paths = []
    for i, (_, program) in enumerate(program_list):
        paths.append(os.path.join(folder, f"{i}.pkl"))
        with open(paths[-1], "wb") as f:
            f.write(program)
    said = subprocess.run([CKPTLINT, "inspect", "--pickle", "--format", "ndjson", *paths], stdout=subprocess.PIPE, check=False).stdout
    statements, current = {}, None
    for line in said.splitlines():
        event = json.loads(line)
        if event["type"] == "file":
            current = statements[event["path"]] = []
        elif event["type"] == "statement":
            current.append(event)
    return [statements.get(path, []) for path in paths]


def outcome(make):
    calls.clear()
    value = make()
    return shape(value), list(calls)


def main():
    passed = failed = 0
    todo = list(programs())
    with tempfile.TemporaryDirectory() as folder:
        lines = listed(folder, todo)
    for (label, program), statements in zip(todo, lines):
        try:
            want = outcome(lambda program=program: Unpickler(io.BytesIO(program)).load())
            got = outcome(lambda statements=statements: run(statements))
        except Exception as error:
            want, got = None, f"{type(error).__name__}: {error}"
        if want == got:
            passed += 1
            continue
        failed += 1
        print(f"FAILED {label}: {got}\n  wanted {want}")
        print("".join(f"  {s['code']}  # {s.get('comment', '')}\n" for s in statements), end="")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
