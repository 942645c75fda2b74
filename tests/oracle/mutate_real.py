"""Checkpoints with bits flipped, cut off, spliced, lengths changed. Whatever happens, the worker lives, answers within two
seconds, and what is not refused is what an oracle reads as well: the checksums of a zip hold, torch's weights_only loads
the same tensors (clean), CPython builds the same tree (torch zips), the rules of safetensors are kept.
   CKPTLINT, GEN     the programs
   CKPTLINT_REAL     a folder of real checkpoints; without it those of the corpus are bent
   MUTATE_SECONDS    how long (else the same cases every time), at least MUTATE_COUNT cases (7000)
   MUTATE_SEED       where the random numbers start (1); MUTATE_KEEP a folder for what is wrong
`make mutate-real SECS=3600`, or COUNT=100000, is the long run."""
import collections
import glob
import io
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

import differential
import safetensors_rules
import torch_archive
from differential import CKPTLINT, GEN, OLD, TOP
from zip_mutate import with_checksums

SECONDS = float(os.environ.get("MUTATE_SECONDS", "0"))
SEED = os.environ.get("MUTATE_SEED", "1")
BATCH, LEAST = 250, int(os.environ.get("MUTATE_COUNT", "7000"))
SMALL = 64 << 10  # bytes of a checkpoint that is bent
SLOW = 2.0  # seconds of processor time for one file
# Rules, or reasons: died, was killed at its time, or at the fence behind its memory (the budget itself is LIM805/memory).
DEATHS = {"RUN001", "RUN002", "RUN003", "RUN004", "LIM804", "LIM805/worker-memory"}


# ---- mutations: bytes in, bytes out ----

def place(r, data):
    """Somewhere: anywhere, near the beginning, or near the end, where the tables are."""
    n = len(data)
    return r.choice((r.randrange(n), r.randrange(min(n, 300)), n - 1 - r.randrange(min(n, 600))))


def flip_bits(r, data, _):
    for _ in range(r.choice((1, 1, 1, 2, 8))):
        data[place(r, data)] ^= 1 << r.randrange(8)


def set_bytes(r, data, _):
    at, n = place(r, data), r.choice((1, 2, 4, 8, 64))
    data[at:at + n] = r.choice((bytes(n), b"\xff" * n, r.randbytes(n)))[:len(data) - at]


def truncate(r, data, _):
    del data[r.choice((place(r, data), len(data) - 1, len(data) // 2)):]


def insert(r, data, _):
    at = place(r, data)
    data[at:at] = r.choice((bytes(r.choice((1, 8, 64))), r.randbytes(r.choice((1, 4, 30))), data[at:at + 50]))


def remove(r, data, _):
    at = place(r, data)
    del data[at:at + r.choice((1, 2, 4, 16, 200))]


def splice(r, data, donor):
    """A run of another checkpoint, or of this one, in the place of another, or between."""
    source = r.choice((donor, bytes(data)))
    a, b, n = place(r, source), place(r, data), r.choice((4, 16, 100, 1000))
    data[b:b + r.choice((0, n))] = source[a:a + n]


def length_edit(r, data, _):
    """A number that may be a length or an offset, a little or far off."""
    width = r.choice((1, 2, 4, 4, 8))
    for _ in range(50):
        at = place(r, data)
        number = int.from_bytes(data[at:at + width], "little")
        if 0 < number <= 2 * len(data) and at + width <= len(data):
            number = r.choice((number + 1, number - 1, number + 4, number * 2, 0, len(data), 2**31, 2**63, 2**64 - 1))
            data[at:at + width] = (number % 2**(8 * width)).to_bytes(width, "little")
            return


def in_member(r, data, donor):
    """Changed bytes of one member of a zip, whose checksum is made right again: only the contents can tell."""
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        infos = [i for i in archive.infolist() if i.compress_size]
        info = r.choice([i for i in infos if r.random() < 0.3 or i.filename.endswith(".pkl")] or infos)
    start = info.header_offset + 30 + sum(int.from_bytes(data[info.header_offset + o:info.header_offset + o + 2], "little") for o in (26, 28))
    if start + info.compress_size > len(data):
        raise ValueError("its length was bent: the rest would be made up, gigabytes of it")
    part = bytearray(data[start:start + info.compress_size])
    if part:
        r.choice((flip_bits, flip_bits, set_bytes, length_edit))(r, part, donor)
    data[start:start + info.compress_size] = part[:info.compress_size].ljust(info.compress_size, b"\0")
    data[:] = with_checksums(bytes(data), absent_only=False)


ANY = [flip_bits] * 4 + [set_bytes, truncate, insert, remove, splice, splice, length_edit, length_edit, length_edit]


def bend(r, base, donor):
    data, names = bytearray(base), []
    for _ in range(r.choice((1, 1, 1, 2))):
        mutation = r.choice(ANY + [in_member] * (8 if data[:4] == b"PK\3\4" else 0))
        try:
            mutation(r, data, donor)
        except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, LookupError, RuntimeError):
            continue  # the first change left nothing for the second
        names.append(mutation.__name__)
        if not data:
            data = bytearray(b"\0")
    return bytes(data), "+".join(names) or "none"


# ---- oracles ----

def wrong_zip(path, report):
    """A member whose checksum is not its own, or a program of another tree."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        case = None if broken else torch_archive.read(path)
    except Exception as error:
        return f"zipfile refuses it: {error}"
    if broken:
        return f"the checksum of {broken} is wrong"
    return case and differential.compare(differential.Case("", *case, ""), report, differential.ALLOWED[OLD], path)[1]


def wrong(path, data, report):
    """None, or why what ckptlint accepted is not what it seems; the second is whether an oracle looked at all."""
    kind = report.event.get("format")
    if kind == "torch zip":
        return wrong_zip(path, report), True
    if kind == "safetensors":
        try:
            return safetensors_rules.rules(data), True
        except safetensors_rules.Undecided:
            return None, False
    if kind == "torch legacy" and report.verdict == "clean" and differential.torch:
        return differential.compare_torch(report, path), True
    return None, False


# ---- files ----

def checkpoints():
    real = os.environ.get("CKPTLINT_REAL")
    if real:
        paths = [p for p in sorted(glob.glob(real + "/*")) if not p.endswith((".json", ".jsonl", ".md"))]
        found = [open(p, "rb").read() for p in paths if os.path.getsize(p) <= SMALL]
    else:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([GEN, folder], check=True)
            made = [glob.glob(pattern) for pattern in (folder + "/z-*", TOP + "/corpus/benign/*.pt", TOP + "/corpus/benign/*.safetensors")]
            paths = sorted(sum(made, []), key=os.path.basename)  # the same cases wherever the folders lie
            found = [open(p, "rb").read() for p in paths]
    return found


def processor_seconds(path):
    """Of a scan that waits for its workers, whatever else the machine does meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([CKPTLINT, path], stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def check(path, data, report):
    """(what it came to, what is wrong)."""
    if report is None:
        return "nothing", "ckptlint gives no report"
    died = sorted(r for r in report.reasons() if r in DEATHS or r[:6] in DEATHS)
    if died:
        return "dead", f"{died}"
    if report.event.get("timing", {}).get("seconds", 0) > SLOW and (seconds := processor_seconds(path)) > SLOW:
        return "slow", f"{seconds:.1f} seconds"
    if report.verdict not in differential.ACCEPTED:
        return report.verdict, None
    trouble, looked = wrong(path, data, report)
    return report.verdict + (", oracle agrees" if looked else ", no oracle"), trouble


def batch(folder, bases, number):
    files = {}
    for i in range(number, number + BATCH):
        r = random.Random(f"{SEED}/{i}")
        data, how = bend(r, r.choice(bases), r.choice(bases))
        files[f"{i:08d}-{how}.pt"] = data
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
    reports, code = differential.judge(folder, OLD, "--timings")
    for name, data in files.items():
        yield (name, *check(os.path.join(folder, name), data, reports.get(name)))
    if code not in (0, 1, 2):
        yield "the run", "exit", f"exit {code}"


def main():
    sys.setrecursionlimit(differential.DEEP)
    bases, counts, failed, number = checkpoints(), collections.Counter(), 0, 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until or number < LEAST:
        with tempfile.TemporaryDirectory() as folder:
            for name, what, trouble in batch(folder, bases, number):
                counts[what] += 1
                if trouble is None:
                    continue
                failed += 1
                print(f"FAILED {name}: {what}: {trouble}", flush=True)
                if os.environ.get("MUTATE_KEEP") and os.path.exists(os.path.join(folder, name)):
                    shutil.copy(os.path.join(folder, name), os.environ["MUTATE_KEEP"])
        number += BATCH
    print(f"{number} changes of {len(bases)} checkpoints: " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    print(f"{number - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
