"""Whenever readers of zip archives disagree about a file, ckptlint must not accept it. Five readers of Debian (unzip, bsdtar,
Python's zipfile, 7z, ziptool of libzip) list names, sizes and bytes of every zip of the corpus and of mutated ones.
Disagreement is: two readers give different members, or one reads what another refuses. Accepted is: neither unsafe nor not
checked. A mutated file that ckptlint refuses needs no second opinion, but for a sample of them, which shows that there is
something to disagree about.
   CKPTLINT, GEN   the programs
   ZIP_SECONDS     how long (else the same cases every time); ZIP_SEED where the random numbers start (1)"""
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

from zip_mutate import Base, mutate, with_checksums

CKPTLINT = os.environ.get("CKPTLINT", "build/release/ckptlint")
GEN = os.environ.get("GEN", os.path.join(os.path.dirname(CKPTLINT), "corpus/gen"))
LEAST = 1600  # mutated files
SECONDS = float(os.environ.get("ZIP_SECONDS", "0"))
SEED = int(os.environ.get("ZIP_SEED", "1"))
BATCH = 200
# torch.serialization.set_crc32_options(False) leaves every checksum 0: torch reads it, ckptlint notes it, others complain.
# They must be of one mind when the checksums stand there.
NOT_COMPUTED = "FMT105/not-computed"


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    return done.returncode, done.stdout


class Refused(Exception):
    pass


def cut(sizes, data):
    """The bytes of members that a reader wrote one behind the other."""
    at = 0
    if sum(n for _, n in sizes) != len(data):
        raise Refused("fewer or more bytes than listed")
    for name, n in sizes:
        yield name, data[at:at + n]
        at += n


def by_zipfile(path):
    try:
        with zipfile.ZipFile(path) as z:
            for info in z.infolist():
                data = z.read(info)
                if len(data) != info.file_size:
                    raise Refused("short")
                yield info.filename.encode("utf-8", "surrogateescape"), data
    except Exception as error:  # whatever it raises is its way to refuse
        raise Refused(str(error)) from error


def by_unzip(path):
    """Sizes from -l: zipinfo's own table overflows a buffer where a version is above 9.9."""
    code, listing = run("unzip", "-l", path)
    code2, names = run("unzip", "-Z", "-1", path)
    code3, data = run("unzip", "-p", "-P", "", path)
    if code or code2 or code3:
        raise Refused(f"exit {code} {code2} {code3}")
    rows = [r for r in listing.split(b"\n")[3:] if r][:-2]
    sizes = [(name, int(row.split()[0])) for name, row in zip(names.rstrip(b"\n").split(b"\n"), rows)]
    yield from cut(sizes, data)


def by_7z(path):
    code, listing = run("7z", "l", "-tzip", "-slt", "-ba", "-sccUTF-8", path)
    code2, data = run("7z", "x", "-tzip", "-so", "-p", path)
    if code or code2:
        raise Refused(f"exit {code} {code2}")
    sizes, fields = [], {}
    for line in listing.split(b"\n"):
        key, _, value = line.partition(b" = ")
        fields[key] = value
        if key == b"Size":
            sizes.append((fields[b"Path"], 0 if fields.get(b"Folder") == b"+" else int(value or 0)))
    yield from cut(sizes, data)


def by_bsdtar(path):
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(["bsdtar", "-P", "-c", "-f", "-", "--format=pax", "@" + path], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.DEVNULL, timeout=20, env={**os.environ, "LC_ALL": "C.UTF-8"})
        if done.returncode:
            raise Refused(f"exit {done.returncode}")
        out.seek(0)
        with tarfile.open(fileobj=out, mode="r:") as tar:
            for entry in tar:
                data = tar.extractfile(entry).read() if entry.isreg() else b""
                yield entry.name.encode("utf-8", "surrogateescape"), data


def by_ziptool(path):
    code, count = run("ziptool", path, "get_num_entries", "0")
    if code:
        raise Refused(f"exit {code}")
    n = min(int(count.split()[0]), 500)
    if n == 0:
        return
    code, stats = run("ziptool", "-r", path, *(word for i in range(n) for word in ("stat", str(i))))
    code2, data = run("ziptool", path, *(word for i in range(n) for word in ("cat", str(i))))
    if code or code2:
        raise Refused(f"exit {code} {code2}")
    names = [line[7:-1] for line in stats.split(b"\n") if line.startswith(b"name: '")]
    yield from cut(list(zip(names, [int(line[7:-1]) for line in stats.split(b"\n") if line.startswith(b"size: '")])), data)


READERS = {"zipfile": by_zipfile, "unzip": by_unzip, "7z": by_7z, "bsdtar": by_bsdtar, "ziptool": by_ziptool}


def view(reader, path):
    """What a reader sees, in no order: readers list by directory or by place. None: it refuses."""
    try:
        return sorted((name.rstrip(b"/"), len(data), hashlib.sha256(data).hexdigest()[:16]) for name, data in reader(path))
    except (Refused, subprocess.TimeoutExpired, tarfile.TarError, ValueError, IndexError, KeyError):
        return None  # a listing that can't be read is no answer either


def disagreement(path):
    """None, or which readers differ."""
    views = {name: view(reader, path) for name, reader in READERS.items()}
    groups = {}
    for name, seen in views.items():
        groups.setdefault(repr(seen), []).append(name + ("" if seen is not None else " refuses"))
    if len(groups) == 1:
        return None
    return " | ".join(" ".join(g) for g in groups.values())


def agree_with_checksums(path):
    copy = path + ".checked"
    with open(path, "rb") as f, open(copy, "wb") as out:
        out.write(with_checksums(f.read()))
    differ = disagreement(copy)
    os.unlink(copy)
    return differ is None


def judge(folder):
    """ckptlint's verdict of every file of a folder, with the reasons that it gives."""
    done = subprocess.run([CKPTLINT, "--format", "ndjson", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    judged, reasons = {}, set()
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "file":
            reasons = set()
            judged[os.path.basename(event["path"])] = (event["verdict"], reasons)
        elif event["type"] == "finding":
            reasons.add(event["rule"] + "/" + event["reason"])
    return judged


def accepted(verdict):
    return verdict in ("clean", "findings")


class Tally:
    def __init__(self):
        self.judged = self.accepted = self.read = self.disagreed = self.tolerated = 0
        self.failed = []

    def add(self, name, verdict, reasons, differ, keep):
        self.read += 1
        self.disagreed += differ is not None
        if differ is None or not accepted(verdict):
            return
        if NOT_COMPUTED in reasons and agree_with_checksums(keep):
            self.tolerated += 1
            return
        self.failed.append(name)
        print(f"FAILED {name}: {verdict} ({', '.join(sorted(reasons)) or 'nothing'}), but {differ}")
        if os.environ.get("ZIP_KEEP"):
            shutil.copy(keep, os.environ["ZIP_KEEP"])

    def line(self, what):
        return f"{what}: {self.judged} files, {self.accepted} accepted; {self.read} read by {len(READERS)} readers, which disagree on " \
               f"{self.disagreed}, {self.tolerated} of them tolerated, {len(self.failed)} accepted wrongly"


def compare(pool, folder, names, verdicts, tally):
    paths = [os.path.join(folder, n) for n in names]
    for name, path, differ in zip(names, paths, pool.map(disagreement, paths)):
        verdict, reasons = verdicts[name]
        tally.add(name, verdict, reasons, differ, path)


def torch_like(path, method, **how):
    """A torch archive as Python's zipfile would write it: another, as valid form."""
    with zipfile.ZipFile(path, "w", method) as z:
        for name, data in (("a/data.pkl", b"\x80\x02N."), ("a/byteorder", b"little"), ("a/data/0", bytes(24)), ("a/version", b"3\n")):
            if how.get("wide"):
                with z.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                    member.write(data)
            else:
                z.writestr(zipfile.ZipInfo(name), data, method)


def corpus(pool, work):
    """Every zip of the corpus; gives the accepted ones, from which the mutations start."""
    folder = os.path.join(work, "corpus")
    os.mkdir(folder)
    subprocess.run([GEN, os.path.join(work, "cases")], check=True)
    for source in (os.path.join(work, "cases"), "corpus/benign"):
        for name in sorted(os.listdir(source)):
            path = os.path.join(source, name)
            if os.path.isfile(path) and open(path, "rb").read(4) == b"PK\3\4":
                shutil.copy(path, os.path.join(folder, name))
    torch_like(os.path.join(folder, "written-stored.pt"), zipfile.ZIP_STORED)
    torch_like(os.path.join(folder, "written-deflated.pt"), zipfile.ZIP_DEFLATED)
    torch_like(os.path.join(folder, "written-zip64.pt"), zipfile.ZIP_STORED, wide=True)
    verdicts = judge(folder)
    tally = Tally()
    tally.judged = len(verdicts)
    bases = [n for n in sorted(verdicts) if accepted(verdicts[n][0])]
    tally.accepted = len(bases)
    compare(pool, folder, sorted(verdicts), verdicts, tally)
    print(tally.line("corpus"))
    small = [n for n in bases if os.path.getsize(os.path.join(folder, n)) < 8192 and n not in tally.failed]
    return tally, [Base(open(os.path.join(folder, n), "rb").read()) for n in small]


def mutations(pool, work, bases, until):
    tally, seen, number = Tally(), Tally(), 0
    while time.monotonic() < until or tally.judged < LEAST:
        folder = os.path.join(work, "mutated")
        os.mkdir(folder)
        for _ in range(BATCH):
            r = random.Random(f"{SEED}/{number}")
            data, how = mutate(r, r.choice(bases))
            with open(os.path.join(folder, f"{number:07d}-{how}.pt"), "wb") as out:
                out.write(data)
            number += 1
        verdicts = judge(folder)
        tally.judged += len(verdicts)
        good = [n for n in sorted(verdicts) if accepted(verdicts[n][0])]
        tally.accepted += len(good)
        compare(pool, folder, good, verdicts, tally)
        refused = [n for n in sorted(verdicts) if n not in good][::20]
        seen.judged += len(refused)
        compare(pool, folder, refused, verdicts, seen)
        shutil.rmtree(folder)
    print(tally.line("mutated"))
    print(seen.line("a sample of the refused"))
    return tally, seen


def main():
    for program in ("unzip", "7z", "bsdtar", "ziptool"):
        if not shutil.which(program):
            print(f"SKIPPED zip_readers: {program} is not installed")
            return 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(2) as pool:
        known, bases = corpus(pool, work)
        tally, seen = mutations(pool, work, bases, start + SECONDS)
    failed = len(known.failed) + len(tally.failed)
    if seen.disagreed == 0:
        print("FAILED too little was compared to mean anything")
        failed += 1
    print(f"{known.read + tally.judged - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
