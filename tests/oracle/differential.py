"""ckptlint against CPython's unpicklers and torch, on programs that are made and bent at random. For every program:
  - what a loader asks find_class for is among the globals that ckptlint lists, whatever its verdict;
  - clean means that only names of torch's weights_only list are asked for;
  - clean or mere findings means that both unpicklers come to the end, with the tree and the tensors that ckptlint shows;
  - clean for torch 1.13 means that its weights_only=True loads the file, with the same tensors (where it is installed).
   CKPTLINT, GEN            the programs
   CKPTLINT_REAL            a folder of real checkpoints, whose programs are bent as well
   DIFFERENTIAL_SECONDS     how long (else the same cases every time); DIFFERENTIAL_SEED where the random numbers start (1)
   DIFFERENTIAL_KEEP        a folder for the counterexamples
`make differential SECS=3600` is the long run."""
import collections
import glob
import json
import os
import random
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time

import pickle_mutate
import pickle_programs
import pickle_twin as twin
import torch_archive

try:
    import torch
except ImportError:
    torch = None

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CKPTLINT = os.environ.get("CKPTLINT", os.path.join(TOP, "build/release/ckptlint"))
GEN = os.environ.get("GEN", os.path.join(os.path.dirname(CKPTLINT), "corpus/gen"))
SECONDS = float(os.environ.get("DIFFERENTIAL_SECONDS", "0"))
SEED = os.environ.get("DIFFERENTIAL_SEED", "1")
BATCH = 500
LEAST = 16 * BATCH
PROGRAM_MAX = 20000  # bytes of a real program that is bent
DEEP = 20000  # Python's own limit would end walks that ckptlint's does not
# A loader that does not come to the end of what is a mere finding, each with its reason.
MAY_FAIL = {
    "PKL213/python2-bytes": "the text is not UTF-8: another encoding= would load it",
    "PKL213/empty-items": "the finding says that some unpicklers raise",
}
# Where the unpickler in Python looks up names that are not in the program, or one more before it fails too.
C_ALONE = {
    "PKL201/no-mark",          # INST: the name first, then the mark
    "PKL201/line-truncated",   # GLOBAL at the very end: a name without its last letter
}
# Where a loader asks for what is not in the program: names are not compared.
NO_NAMES = {
    "PKL204/computed-name",
    "PKL201/straddled-frame",  # what crosses the end of a frame is read in two halves, or one of them is lost
}
ACCEPTED = ("clean", "findings")


def weights_only(version):
    """The names on torch's list, from the tables that tests/globals_torch.sh compares with torch."""
    known = set()
    for path in glob.glob(os.path.join(TOP, "rules/globals/*.def")):
        for row in re.finditer(r'^(?:CORE|ONCE)\("([^"]*)", +"([^"]*)", +\w+, +V\((\d+), (\d+)\)(?:, V\((\d+), (\d+)\))?', open(path).read(), re.M):
            since, until = (int(row[3]), int(row[4])), (int(row[5] or 99), int(row[6] or 0))
            if since <= version <= until:
                known.add((row[1], row[2]))
    return known


# ---- cases ----

class Case:
    """A program, alone or in a torch zip with records."""

    def __init__(self, name, program, records, how):
        self.name, self.program, self.records, self.how = name, program, records, how

    def write(self, folder):
        path = os.path.join(folder, self.name)
        with open(path, "wb") as out:
            out.write(self.program if self.records is None else torch_archive.checkpoint(self.program, self.records))
        return path


def donors():
    """Programs of torch zips, as (instructions, records)."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([GEN, folder], check=True)
        real = os.environ.get("CKPTLINT_REAL")
        places = sorted(glob.glob(folder + "/z-*.pt")) + sorted(glob.glob(TOP + "/corpus/benign/*.pt"))
        for path in places + (sorted(glob.glob(real + "/*")) if real else []):
            try:
                program, records = torch_archive.read(path)
                if len(program) <= PROGRAM_MAX and sum(map(len, records.values())) < 200000:
                    found.append((pickle_mutate.split(program), records))
            except Exception:  # no torch zip, or one that is wrong on purpose
                continue
    return found


def make_case(number, saved):
    r = random.Random(f"{SEED}/{number}")
    zipped = r.random() < 0.5
    if saved and r.random() < 0.15:
        zipped = True
        instructions, records = r.choice(saved)
        how = "saved"
    else:
        instructions, records = pickle_programs.make(r, plain=r.random() < 0.6, room=3 if zipped else 0)
        how = "made"
    if r.random() < 0.6:
        instructions, how = pickle_mutate.mutate(r, instructions, [x for x, _ in r.sample(saved, min(3, len(saved)))] + [instructions])
    program = b"".join(instructions) or b"."
    return Case(f"{number:08d}.{'pt' if zipped else 'pkl'}", program, records if zipped else None, how)


# ---- what ckptlint says ----

class Report:
    """The file event and the rows behind it, by type."""

    def __init__(self, event):
        self.event, self.verdict, self.rows = event, event["verdict"], collections.defaultdict(list)

    def reasons(self):
        return {f["rule"] + "/" + f["reason"] for f in self.rows["finding"]}


def judge(folder, version, *options):
    """A report for each file of a folder, by name, and the exit code. What lies inside a file counts as a part of it."""
    run = subprocess.run([CKPTLINT, "inspect", "--tree", "--tensors", "--globals", "--hash", "sha256", "--format", "ndjson", "--torch-version",
                          f"{version[0]}.{version[1]}", *options, folder], stdout=subprocess.PIPE, check=False)
    reports, current = {}, None
    for line in run.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "file" and "parent" not in event:
            current = reports[os.path.basename(event["path"])] = Report(event)
        elif current:
            current.rows[event["type"]].append(event)
    return reports, run.returncode


# ---- the comparison, in a process of its own: a loader may die of a program ----

def compare_value(report, value):
    tree = twin.Tree(value)
    found = twin.reported(report.rows["value"])
    if found is None:
        return "no tree"
    return twin.difference(found, tree.root) or twin.wrong_tensors(report.rows["tensor"], tree.tensors)


# What 1.13 lacks and later versions have, beside the names and opcodes that ckptlint knows the versions of.
NOT_YET = ("Trying to instantiate unsupported class",  # NEWOBJ of others than Parameter, where torch writes calls
           "rebuilding sparse tensor for layout")      # by the function of COO


def compare_torch(report, path):
    """weights_only=True of the installed torch."""
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if any(text in str(error) for text in NOT_YET):
            return None
        return f"weights_only of torch {torch.__version__}: {type(error).__name__}: {str(error)[-200:]}"
    listed = {twin.field(row, "key"): row for row in report.rows["tensor"]}
    loaded = dict(torch_tensors(value))
    if set(listed) != set(loaded):
        return f"torch has the tensors {sorted(loaded)[:5]}, ckptlint {sorted(listed)[:5]}"
    for key, tensor in loaded.items():
        wrong = [f"{name} {listed[key][name]!r}, torch has {want!r}" for name, want in torch_facts(tensor).items() if listed[key][name] != want]
        if wrong:
            return f"tensor {key!r}: {wrong[0]}"
    return None


def torch_tensors(value):
    """Every tensor by its path; what was walked and holds none is not walked again."""
    barren = set()

    def walk(x, path, open_):
        if isinstance(x, torch.Tensor):
            yield path, x
            if x.layout is torch.sparse_coo:
                yield twin.join(path, b"indices"), x._indices()
                yield twin.join(path, b"values"), x._values()
        if not isinstance(x, (dict, list, tuple)) or id(x) in barren or id(x) in open_:
            return
        any_ = False
        for k, v in x.items() if isinstance(x, dict) else enumerate(x):
            key = twin.key_text(k) if isinstance(x, dict) else b"%d" % k
            for found in walk(v, twin.join(path, key if key is not None else b"(\xe2\x80\xa6)"), open_ | {id(x)}):
                any_ = True
                yield found
        if not any_:
            barren.add(id(x))

    return walk(value, b"", frozenset())


def torch_facts(t):
    t = t.detach()
    facts = {"dtype": str(t.dtype).split(".")[1], "shape": list(t.shape)}
    if t.layout is not torch.strided:
        return facts
    facts.update(stride=list(t.stride()), storage_offset=t.storage_offset())
    if not t.is_quantized and t.numel() < 100000:
        raw = t.contiguous()
        raw = raw.view(torch.int16) if t.dtype is torch.bfloat16 else raw
        facts["sha256"] = twin.hashlib.sha256(raw.numpy().tobytes()).hexdigest()
    return facts


HIDDEN = [(int(first, 16), int(last, 16)) for first, last in
          re.findall(r"^HIDDEN\((0x\w+), (0x\w+)\)", open(os.path.join(TOP, "validator/report/hidden.def")).read(), re.M)]


def visible(text):
    """As a report shows what a reader would not see."""
    def shown(code):
        if not any(first <= code <= last for first, last in HIDDEN):
            return chr(code)
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return "".join(shown(ord(c)) for c in text)


def compare(case, report, allowed, path):
    """(what it came to, what is wrong or None)."""
    of_python = twin.Outcome(twin.InPython, case.program, case.records)
    of_c = twin.Outcome(twin.InC, case.program, case.records, of_python.protos)
    names = of_c.asked if report.reasons() & C_ALONE else of_python.asked + of_c.asked
    asked = {(visible(module), visible(name)) for module, name in names}
    listed = {(g["module"], g["name"]): g["class"] for g in report.rows["global"]}
    if report.verdict != "not checked" and not asked <= set(listed) and not report.reasons() & NO_NAMES:
        return report.verdict, f"a loader asks for {sorted(asked - set(listed))}, which is not listed"
    if report.verdict not in ACCEPTED:
        return report.verdict, None
    if report.verdict == "clean" and not asked <= allowed:
        return "clean", f"a loader asks for {sorted(asked - allowed)}, which weights_only does not take"
    if report.verdict == "clean" and torch and case.records is not None and allowed is ALLOWED[OLD]:
        wrong = compare_torch(report, path)
        if wrong:
            return "clean", wrong
    if "PKL214/several" in report.reasons():
        return report.verdict + ", names only", None  # only the first was loaded
    if any(listed.get(name) in ("core", "modelled", "module") and not twin.models(*name) for name in asked):
        return report.verdict + ", names only", None
    for name, outcome in (("C", of_c), ("Python", of_python)):
        if outcome.unmodelled:
            return report.verdict + ", names only", None
        if outcome.error is not None:
            if report.reasons() & set(MAY_FAIL):
                return "fails, as said", None
            return report.verdict, f"the unpickler in {name} fails: {type(outcome.error).__name__}: {outcome.error}"
        try:
            wrong = compare_value(report, outcome.value)
        except twin.Unmodelled:
            return report.verdict + ", names only", None
        if wrong:
            return report.verdict, f"the unpickler in {name}: {wrong}"
    return report.verdict + ", same tree", None


OLD, NEW = (1, 13), (2, 10)
ALLOWED = {version: weights_only(version) for version in (OLD, NEW)}


def compare_from(cases, start, reports, allowed, folder, out):
    sys.setrecursionlimit(DEEP)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    with os.fdopen(out, "w") as pipe:
        for i in range(start, len(cases)):
            case = cases[i]
            report = reports.get(case.name)
            try:
                what, wrong = compare(case, report, allowed, os.path.join(folder, case.name)) if report else ("none", "ckptlint gives no report")
            except RecursionError:
                what, wrong = "too deep for the oracle", None
            print(json.dumps([i, what, wrong]), file=pipe, flush=True)


def comparisons(cases, reports, allowed, folder):
    """(case, what, wrong) for each. One at which the loader dies or hangs is no answer, but for a file that is accepted."""
    done = 0
    while done < len(cases):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            try:
                compare_from(cases, done, reports, allowed, folder, write)
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            while done < len(cases) and select.select([pipe], [], [], 20)[0]:
                line = pipe.readline()
                if not line.endswith("\n"):
                    break
                i, what, wrong = json.loads(line)
                yield cases[i], what, wrong
                done = i + 1
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if done < len(cases):
            report = reports.get(cases[done].name)
            accepted = report is None or report.verdict in ACCEPTED
            yield cases[done], "the loader dies", "the loader dies or hangs" if accepted else None
            done += 1


def keep(case, wrong):
    print(f"FAILED {case.name} ({case.how}): {wrong}", flush=True)
    if os.environ.get("DIFFERENTIAL_KEEP"):
        case.write(os.environ["DIFFERENTIAL_KEEP"])


def main():
    saved, counts, failed, number = donors(), collections.Counter(), 0, 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until or number < LEAST:
        version = NEW if number // BATCH % 2 else OLD
        cases = [make_case(number + i, saved) for i in range(BATCH)]
        number += BATCH
        with tempfile.TemporaryDirectory() as folder:
            for case in cases:
                case.write(folder)
            for case, what, wrong in comparisons(cases, judge(folder, version)[0], ALLOWED[version], folder):
                counts[what] += 1
                if wrong:
                    failed += 1
                    keep(case, wrong)
    print(", ".join(f"{n} {what}" for what, n in counts.most_common()))
    if counts["clean, same tree"] < number // 20:
        print("FAILED too few were clean to mean anything")
        failed += 1
    print(f"{number - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
