"""The rules of safetensors, said again from the format's public description (README of huggingface/safetensors, "Format"), against
ckptlint on files that are made and bent at random: what breaks a rule must not be clean, what keeps all of them must not be
refused.
   CKPTLINT                the program
   CKPTLINT_REAL           a folder of real checkpoints, whose .safetensors files keep the rules
   SAFETENSORS_SECONDS     how long (else the same cases every time); SAFETENSORS_SEED where the random numbers start (1)"""
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CKPTLINT = os.environ.get("CKPTLINT", os.path.join(TOP, "build/release/ckptlint"))
SECONDS = float(os.environ.get("SAFETENSORS_SECONDS", "0"))
SEED = os.environ.get("SAFETENSORS_SEED", "1")
BATCH, LEAST = 500, 8000
HEADER_MAX = 100_000_000  # bytes
BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
        "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
        "U64": 64}


class Broken(Exception):
    """A rule, in words."""


class Undecided(Exception):
    """The description leaves it open."""


def need(holds, rule):
    if not holds:
        raise Broken(rule)


# ---- the rules ----

def pairs(items):
    """An object of the header: no key twice."""
    need(len({k for k, _ in items}) == len(items), "a key stands once")
    return dict(items)


def integer(text):
    need(re.fullmatch("0|[1-9][0-9]*", text), "sizes and offsets are plain integers, 0 or more")
    return int(text)


def no_fraction(text):
    raise Broken("a number is an integer")


def no_constant(text):
    raise Broken("NaN and Infinity are not JSON")


def header_of(data):
    """The table of the header, and the bytes behind it."""
    need(len(data) >= 8, "8 bytes of length")
    n = int.from_bytes(data[:8], "little")
    need(n <= HEADER_MAX, "a header of at most 100 MB")
    need(8 + n <= len(data), "the header lies in the file")
    raw = data[8:8 + n]
    need(raw[:1] == b"{", "the header begins with {")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken("the header is UTF-8") from error
    if re.search(r"\\u0000", text):
        raise Undecided("a NUL in a text, where some readers end it")
    need(not lone_surrogate(text), "escapes name characters")
    try:
        table, end = json.JSONDecoder(object_pairs_hook=pairs, parse_int=integer, parse_float=no_fraction,
                                      parse_constant=no_constant).raw_decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Broken("the header is JSON") from error
    need(text[end:].strip(" ") == "", "only spaces follow the object")
    return table, data[8 + n:]


def lone_surrogate(text):
    """Any escape that is half of a pair: json of Python takes it."""
    try:
        json.loads(text)
    except ValueError:
        return False  # said elsewhere
    joined = re.sub(r"\\\\", "", text)
    joined = re.sub(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", "", joined)
    return re.search(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", joined) is not None


def counts(x, what):
    need(isinstance(x, list) and all(type(n) is int for n in x), f"{what} is a list of integers")
    need(all(n < 2**64 for n in x), "numbers fit 64 bits")
    if any(n > 2**53 for n in x):
        raise Undecided("numbers that readers with doubles round")
    return x


def tensor(entry, room):
    """The run of bytes of one tensor."""
    need(isinstance(entry, dict), "a tensor is an object")
    need(set(entry) == {"dtype", "shape", "data_offsets"}, "a tensor has dtype, shape and data_offsets")
    need(isinstance(entry["dtype"], str) and entry["dtype"] in BITS, "the dtype is one of the format")
    bits, empty = BITS[entry["dtype"]], False
    for n in counts(entry["shape"], "shape"):
        empty = empty or n == 0
        bits *= n or 1
        if bits >= 2**64 and (empty or 0 in entry["shape"]):
            raise Undecided("a size that a 0 beside it makes nothing")
        need(bits < 2**64, "the size fits 64 bits")
    offsets = counts(entry["data_offsets"], "data_offsets")
    need(len(offsets) == 2 and offsets[0] <= offsets[1] <= room, "data_offsets are a begin and an end inside the data")
    bits = 0 if empty else bits
    need(bits % 8 == 0 and bits // 8 == offsets[1] - offsets[0], "shape and dtype fill the bytes")
    return tuple(offsets)


def rules(data):
    """None, or the rule that is broken."""
    try:
        table, rest = header_of(data)
        runs = []
        for name, entry in table.items():
            if name == "__metadata__":
                if entry is None:
                    continue  # as if it were not there: mlx writes it
                need(isinstance(entry, dict) and all(isinstance(v, str) for v in entry.values()), "__metadata__ maps text to text")
            else:
                runs.append(tensor(entry, len(rest)))
        end = 0
        for first, last in sorted(runs):
            need(first == end, "tensors tile the data: no hole, no overlap")
            end = last
        need(end == len(rest), "nothing lies behind the last tensor")
    except Broken as broken:
        return str(broken)
    return None


# ---- files ----

def made(r):
    """A file that keeps the rules, as (header, data)."""
    table, at = {}, 0
    for i in range(r.choice((0, 1, 2, 5))):
        dtype = r.choice(list(BITS))
        shape = r.choice(([], [0], [3], [2, 4], [2, 0, 3], [8], [1, 1, 8]))
        bits = BITS[dtype]
        for n in shape:
            bits *= n
        if bits % 8:
            shape, bits = [4] + shape, bits * 4
        table[f"layer.{i}.{r.choice(('weight', 'é', '/', ''))}"] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + bits // 8]}
        at += bits // 8
    names = list(table)
    r.shuffle(names)
    table = {name: table[name] for name in names}
    if r.random() < 0.3:
        table["__metadata__"] = {"format": "pt", "": "x"} if r.random() < 0.8 else {}
    text = json.dumps(table, separators=r.choice(((",", ":"), (", ", ": "))), ensure_ascii=r.random() < 0.5).encode()
    return text + b" " * r.choice((0, 0, -len(text) % 8, 5)), bytes(at)


NUMBERS = (b"0", b"1", b"2", b"3", b"4", b"7", b"8", b"00", b"-1", b"-0", b"1.0", b"1e0", b"4294967296", b"9007199254740993", b"4611686018427387904",
           b"9223372036854775807", b"18446744073709551615", b"18446744073709551616", b"null", b"\"1\"", b"true", b"[]", b"NaN")
WORDS = (b"F32", b"F64", b"I8", b"U16", b"F4", b"F6_E2M3", b"BOOL", b"f32", b"F33", b"", b"dtype", b"shape", b"data_offsets", b"__metadata__", b"format",
         b"layer.0.weight", b"layer.1.weight", b"\\u0000", b"\\ud800", b"\\ud83d\\ude00", b"\xff", b"\xc3\xa9", b"x\n", b"\\/")


def bend(r, header, data):
    """One change of the header's text, of a number or word in it, of the data, or of the length."""
    how = r.randrange(9)
    if how == 0:
        at = r.randrange(len(header) or 1)
        header = header[:at] + bytes([r.randrange(256)]) + header[at + r.choice((0, 1)):]
    elif how in (1, 2):
        places = list(re.finditer(rb"[0-9]+(?=[,\]])", header))
        if places:
            m = r.choice(places)
            near = str(max(0, int(m[0]) + r.choice((1, -1, 4)))).encode()
            header = header[:m.start()] + r.choice((near, near, r.choice(NUMBERS))) + header[m.end():]
    elif how in (3, 4):
        m = r.choice(list(re.finditer(rb'"([^"\\]*)"', header)) or [None])
        if m:
            header = header[:m.start(1)] + r.choice(WORDS) + header[m.end(1):]
    elif how == 5:
        data = r.choice((data + b"\0", data[:-1], data + bytes(8), b""))
    elif how == 6:
        header = r.choice((header + b" ", header + b"\n", b" " + header, header + b"\0", header + b"{}", header[:-1], b"\xef\xbb\xbf" + header,
                           header.replace(b"{", b"{ ", 1), header.replace(b":", b":\t", 1), header.replace(b"}", b",}", 1), b"{}", b"[]", b"",
                           header.replace(b"{", b"{/**/", 1)))
    elif how == 7:
        m = r.choice(list(re.finditer(rb'"[^"\\]*": ?(\{[^{}]*\}|\[[^\[\]]*\]|"[^"\\]*")', header)) or [None])
        if m:
            header = header[:m.start()] + m[0] + b"," + header[m.start():]  # the same key twice
    else:
        header = header.replace(b'"dtype"', r.choice((b'"extra":1,"dtype"', b'"dtype":"F32","dtype"', b'"Dtype"', b'"\\u0064type"')), 1)
    return header, data


def file_of(r):
    header, data = made(r)
    for _ in range(r.choice((0, 1, 1, 1, 2))):
        header, data = bend(r, header, data)
    n = len(header) if r.random() < 0.95 else max(0, r.choice((len(header) + r.choice((-1, 1, 8)), 2**63, 2**64 - 1, HEADER_MAX + 1, 0)))
    return n.to_bytes(8, "little") + header + data


def verdicts(paths):
    run = subprocess.run([CKPTLINT, "--format", "ndjson", "--files-from", "-"], input="\n".join(paths), stdout=subprocess.PIPE, text=True, check=False)
    events = map(json.loads, run.stdout.splitlines())
    return {e["path"]: e["verdict"] for e in events if e["type"] == "file"}


class Counts:
    def __init__(self):
        self.kept = self.broken = self.undecided = self.failed = 0

    def check(self, path, data, verdict):
        try:
            rule = rules(data)
        except Undecided:
            self.undecided += 1
            return
        self.kept, self.broken = self.kept + (rule is None), self.broken + (rule is not None)
        wrong = verdict == "clean" if rule else verdict not in ("clean", "findings")
        if wrong:
            self.failed += 1
            print(f"FAILED {os.path.basename(path)}: {verdict}, the rules: {rule or 'kept'}: {data[:400]!r}")


def main():
    seen, number, until = Counts(), 0, time.monotonic() + SECONDS
    real = os.environ.get("CKPTLINT_REAL")
    fixed = glob.glob(TOP + "/corpus/benign/*.safetensors") + (glob.glob(real + "/*.safetensors") if real else [])
    judged = verdicts(fixed)
    for path in fixed:
        seen.check(path, open(path, "rb").read(), judged[path])
    while time.monotonic() < until or number < LEAST:
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for i in range(number, number + BATCH):
                files[os.path.join(folder, f"{i}.safetensors")] = file_of(random.Random(f"{SEED}/{i}"))
            number += BATCH
            for path, data in files.items():
                with open(path, "wb") as out:
                    out.write(data)
            judged = verdicts(list(files))
            for path, data in files.items():
                seen.check(path, data, judged.get(path))
    print(f"{seen.kept} files keep the rules, {seen.broken} break one, {seen.undecided} are left open")
    if min(seen.kept, seen.broken) < number // 10:
        print("FAILED too few of one kind to mean anything")
        seen.failed += 1
    print(f"{seen.kept + seen.broken - seen.failed} passed, {seen.failed} failed")
    return seen.failed != 0


if __name__ == "__main__":
    sys.exit(main())
