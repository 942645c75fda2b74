"""Allocations of a command fail, one a run (and, in a second sweep, with all that come after it), in the broker and in each
of its workers, whether it is of ours, of libc, cJSON, libseccomp, libdeflate or of a library that a worker loads. Then:
  no process dies by a signal, and the exit code is one that the command may have;
  exit 0 only with the very bytes of a run that lacked nothing: no clean by accident, no finding that is missing;
  what is unsafe is never exit 0 either;
  a JSON document is whole, or there is none; a file that was to be written is whole, or is not there.
   CKPTLINT, GEN, OUT   the programs
   OOM_POINTS           of one process, at most so many allocations that come from different stacks of calls, evenly spread
                        (8); stacks: the first and the last from each stack, in the first two commands that have it; all:
                        every one, which takes a day
   OOM_CASES            names of cases, by commas (all)
`make oom` is the long run. Ends with "N passed, N failed": a point is one check."""
import collections
import concurrent.futures
import ctypes
import json
import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.environ.get("OUT", TOP + "/build/release")
CKPTLINT = os.environ.get("CKPTLINT", OUT + "/ckptlint")
GEN = os.environ.get("GEN", OUT + "/corpus/gen")
SHIM = OUT + "/tests/oom/shim.so"
POINTS = os.environ.get("OOM_POINTS", "8")
ONLY = [n for n in os.environ.get("OOM_CASES", "").split(",") if n]
SECONDS = 1800  # a second of processor time, for libseccomp in circles, may take long at idle priority
PROCESSES, PLACES, HEAD = 64, 1 << 18, 7  # plan.h
ADDR_NO_RANDOMIZE, COMMANDS = 0x40000, 2  # equal stacks have equal numbers in all commands; how many of them fail there

UNCHECKED, SANDBOX, BUG, OUTPUT = 2, 5, 70, 74  # exit.def: what lack of memory may come to

# OpenBLAS, which asks for its buffer until it gets it, ends at the limit of its processor time (--timeout).
# name, what it exits with when nothing is missing, files of corpus/gen, command: FILES and OUT stand for folders.
CASES = [
    ("scan", 0, "", "scan BENIGN/simple_linear.pt"),
    ("json", 0, "", "inspect -f json --hash sha256 BENIGN/training_checkpoint.pt"),
    ("hostile", 1, "demo-hostile.pt", "scan -f json FILES/demo-hostile.pt"),
    ("ndjson", 1, "a01-exec.pt", "scan -f ndjson FILES/a01-exec.pt BENIGN/simple_linear.pt"),
    ("legacy", 0, "", "scan BENIGN/simple_linear_legacy.pt"),
    ("safetensors", 0, "", "scan -f json BENIGN/simple_linear.safetensors"),
    ("findings", 1, "", "scan -f json BENIGN/whole_module.pt"),
    ("weights", 1, "", "scan --profile weights BENIGN/whole_module.pt"),
    ("folder", 1, "", "scan -f json BENIGN"),
    ("stdin", 0, "", "scan - <BENIGN/simple_linear.pt"),
    ("nested", 0, "", "scan --nested -f json FILES/inside.zip"),
    ("check", 0, "", "check --timeout 10 -f json BENIGN/simple_cnn.pt --arch BENIGN/simple_cnn.json"),
    ("family", 1, "", "check --timeout 10 BENIGN/simple_cnn.pt --arch resnet18"),
    ("forward", 0, "", "forward --timeout 10 -f json BENIGN/simple_cnn.pt --arch BENIGN/simple_cnn.json --save-output OUT/y.npy"),
    ("inspect", 0, "", "inspect -f json --tensors --tree --globals --members --pickle --opcodes --stats BENIGN/training_checkpoint.pt"),
    ("text", 0, "", "inspect --tensors --tree --globals --members --pickle --opcodes --stats BENIGN/custom_model.pt"),
    ("diff", 0, "", "diff -f json BENIGN/simple_linear.pt BENIGN/simple_linear_legacy.pt"),
    ("record", 0, "", "record --timeout 10 BENIGN/simple_cnn.pt --arch BENIGN/simple_cnn.json -o OUT/goldens.json"),
    ("lock", 0, "", "lock BENIGN/simple_linear.pt"),
    ("locked", 0, "", "check -f json BENIGN/simple_linear.pt --lock FILES/lock.json"),
    ("describe", 0, "", "describe BENIGN/simple_cnn.pt -f json"),
    ("sketch", 0, "", "describe BENIGN/simple_linear.pt --emit-arch"),
    ("policy", 0, "", "policy init BENIGN/whole_module.pt"),
    ("allowed", 0, "", "scan -f json BENIGN/whole_module.pt --policy FILES/policy.json"),
    ("explain", 0, "", "explain GLB301 -f json"),
    ("rules", 0, "", "rules -f json"),
    ("doctor", 0, "", "doctor -f json"),
    ("help", 0, "", "help scan"),
    ("version", 0, "", "version -f json"),
    ("usage", 4, "", "scan -f json --rtol x BENIGN/simple_linear.pt"),
]


class Place:
    """A folder in which one run at a time happens, with its plan."""

    def __init__(self, work, number):
        self.out = f"{work}/{number}"
        os.mkdir(self.out)
        self.path = f"{work}/{number}.plan"
        with open(self.path, "wb") as file:
            file.truncate(4 * (HEAD + PROCESSES + 3 * PLACES))
        with open(self.path, "r+b") as file:
            self.plan = mmap.mmap(file.fileno(), 0)

    def run(self, command, stdin, process=0, at=0, on=False, record=False):
        for name in os.listdir(self.out):
            os.remove(f"{self.out}/{name}")
        head = struct.Struct(f"<{HEAD + PROCESSES}I")
        head.pack_into(self.plan, 0, process, at, on, 0, 0, record, *[0] * (PROCESSES + 1))
        words = [CKPTLINT] + [w.replace("OUT/", self.out + "/") for w in command]
        with open(stdin or os.devnull, "rb") as given:
            try:
                done = subprocess.run(words, stdin=given, capture_output=True, timeout=SECONDS, check=False,
                                      env={"LD_PRELOAD": SHIM, "OOM_PLAN": self.path})
            except subprocess.TimeoutExpired:
                return Run(None, b"", b"", {}, [])
        numbers = head.unpack_from(self.plan, 0)
        places = min(numbers[HEAD - 1], PLACES)
        stacks = list(struct.iter_unpack("<III", self.plan[head.size:head.size + 12 * places]))
        written = {name: open(f"{self.out}/{name}", "rb").read() for name in os.listdir(self.out)}
        text = done.stdout.replace(self.out.encode(), b"OUT")
        return Run(done.returncode, text, done.stderr, written, stacks)


class Run:
    def __init__(self, code, out, err, written, stacks):
        self.code, self.out, self.err, self.written, self.stacks = code, out, err, written, stacks


def is_document(text, lines):
    try:
        for part in text.splitlines() if lines else [text]:
            json.loads(part)
    except ValueError:
        return False
    return True


def wrong(run, fine, command):
    """None, or what the run did that it may not."""
    if run.code is None:
        return "it hangs"
    same = run.code == fine.code and run.out == fine.out and run.written == fine.written
    if run.code not in (fine.code, UNCHECKED, SANDBOX, BUG, OUTPUT):
        return f"exit {run.code}"
    if run.code == 0 and not same:
        return "exit 0 with another report"
    for name, data in run.written.items():
        if data != fine.written.get(name):
            return f"{name} is half-written"
    kind = command[command.index("-f") + 1] if "-f" in command else "text"
    if kind != "text" and run.out and not is_document(run.out, kind == "ndjson"):
        return f"no JSON: …{run.out[-60:]!r}"
    if run.code == fine.code == 1 and not same and b"unsafe" in fine.out.lower() and b"unsafe" not in run.out.lower():
        return "exit 1, but nothing is said to be unsafe"
    if run.code not in (0, fine.code) and not run.out and not run.err:
        return f"exit {run.code} without a word"
    return None


SWEPT = collections.Counter()  # commands by stack


def points(stacks):
    """Which allocations of one process fail, of [(number, stack)]."""
    if POINTS == "all":
        return [at for at, _ in stacks]
    first = {stack: at for at, stack in reversed(stacks)}
    if POINTS == "stacks":
        first = {stack: at for stack, at in first.items() if SWEPT[stack] < COMMANDS}
        last = {stack: at for at, stack in stacks if stack in first}
        SWEPT.update(first.keys())
        return sorted({*first.values(), *last.values()})
    first, n = sorted(first.values()), int(POINTS)
    return first if len(first) <= n else [first[i * (len(first) - 1) // max(n - 1, 1)] for i in range(n)]


class Case:
    def __init__(self, row, work, places, pool):
        self.name, self.exit, _, text = row
        self.places, self.pool = places, pool
        text = text.replace("BENIGN", TOP + "/corpus/benign").replace("FILES", work + "/files")
        self.command = [w for w in text.split() if not w.startswith("<")]
        self.stdin = next((w[1:] for w in text.split() if w.startswith("<")), None)

    def one(self, at):
        place = self.places.pop()
        try:
            return wrong(place.run(self.command, self.stdin, *at), self.fine, self.command)
        finally:
            self.places.append(place)

    def sweep(self):
        self.fine = self.places[0].run(self.command, self.stdin, record=True)
        if self.fine.code != self.exit:
            print(f"FAILED {self.name}: exit {self.fine.code} with all memory there: {self.fine.err[-200:]}")
            return 0, 1
        by_process = {}
        for process, at, stack in self.fine.stacks:
            by_process.setdefault(process, []).append((at, stack))
        if not by_process:
            print(f"FAILED {self.name}: no allocation was seen")
            return 0, 1
        tries = [(process, at, on) for process, stacks in sorted(by_process.items()) for at in points(sorted(stacks)) for on in (False, True)]
        different = len({place[::2] for place in self.fine.stacks})
        bad = 0
        for (process, at, on), what in zip(tries, self.pool.map(self.one, tries)):
            if what:
                bad += 1
                print(f"FAILED {self.name}: process {process}, allocation {at}{' and all behind it' if on else ''}: {what}", flush=True)
        print(f"{self.name}: {len(self.fine.stacks)} allocations from {different} stacks of calls, {len(tries)} runs, {bad} wrong", flush=True)
        return len(tries) - bad, bad


def prepare(work):
    files = work + "/files"
    subprocess.run([GEN, files, *{name for row in CASES for name in row[2].split()}], check=True)
    benign = TOP + "/corpus/benign/"
    import zipfile
    with zipfile.ZipFile(files + "/inside.zip", "w") as archive:
        archive.write(benign + "simple_linear.safetensors", "a.safetensors")
        archive.write(benign + "simple_linear_legacy.pt", "b.pt")
    for name, command in (("lock.json", "lock simple_linear.pt"), ("policy.json", "policy init whole_module.pt")):
        with open(f"{files}/{name}", "wb") as out:
            subprocess.run([CKPTLINT, *command.split()], cwd=benign, stdout=out, stderr=subprocess.DEVNULL, check=True)


def main():
    if os.environ.get("MODE") == "asan":
        print("SKIPPED oom: a sanitizer has an allocator of its own")
        return 0
    passed = failed = 0
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)  # of this process and all that it starts
    work = tempfile.mkdtemp()
    try:
        prepare(work)
        jobs = os.cpu_count() or 1
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            places = [Place(work, i) for i in range(jobs)]
            for row in CASES:
                if ONLY and row[0] not in ONLY:
                    continue
                good, bad = Case(row, work, places, pool).sweep()
                passed, failed = passed + good, failed + bad
    finally:
        shutil.rmtree(work)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
