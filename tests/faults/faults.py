"""What a machine, a disk, a user or an attacker may do to ckptlint while it works. The verdict must be the right one or none,
the exit code says so, and no output is left half-written. CASES is the table: one row a fault.
   CKPTLINT, GEN, OUT   the programs
   FAULTS_ONLY          a word: only rows whose name has it
   FAULTS_MOMENTS       at most so many moments of a run at which a file is changed (12); 0: all
`make faults` is the long run. Ends with "N passed, N failed"; rows that need root say SKIPPED without it."""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.environ.get("OUT", TOP + "/build/release")
CKPTLINT = os.environ.get("CKPTLINT", OUT + "/ckptlint")
GEN = os.environ.get("GEN", OUT + "/corpus/gen")
SHIM = OUT + "/tests/faults/shim.so"
ONLY = os.environ.get("FAULTS_ONLY", "")
SANITIZED = os.environ.get("MODE") == "asan"  # its runtime wants to be the first library, and address space without end
MOMENTS = int(os.environ.get("FAULTS_MOMENTS", "12"))
BENIGN = TOP + "/corpus/benign"
SECONDS = 300  # of one run: machines may be busy
NOBODY = 65534
MOST_MOMENTS = 120  # more calls than a broker makes for one file

SCAN = "scan BENIGN/simple_linear.pt"
FORWARD = "forward BENIGN/simple_cnn.pt --arch BENIGN/simple_cnn.json --save-output WORK/y.npy"
RECORD = "record BENIGN/simple_cnn.pt --arch BENIGN/simple_cnn.json -o WORK/y.npy"
ENTRY = "scan --policy WORK/entry.json WORK/big.pt"
UNWRITTEN = "could not be written"

# name, fault, command, exit codes that are right, words that must be said (| between alternatives; = stands for the very
# bytes of a run without the fault)
CASES = [
    # ---- reading ----
    ("standard input: read fails", "shim stdin=EIO", "scan - <BENIGN/simple_linear.pt", {2}, "can't be read"),
    ("standard input: read fails in the middle", "shim stdin=EIO@3", "scan - <WORK/big.pt", {2}, "can't be read"),
    ("standard input: a byte at a time", "shim stdin=1", "scan - <BENIGN/simple_linear.pt", {0}, "="),
    ("standard input: read is interrupted", "shim stdin=EINTR@1", "scan - <BENIGN/simple_linear.pt", {0}, "="),
    ("standard input: comes slowly", "slow", "scan -", {0}, "CLEAN"),
    ("standard input: ends early", "cut", "scan -", {1, 2}, "FMT1|NOT CHECKED|UNSAFE"),
    ("standard input: closed", "close 0", "scan -", {2}, "can't be read"),
    ("standard input: a folder", "stdin /", "scan -", {2}, "can't be read"),
    ("reports of workers: a byte at a time", "shim read=1", "scan -f json FILES/demo-hostile.pt", {1}, "="),
    ("reports of workers: interrupted", "shim poll=EINTR@2", SCAN, {0}, "="),
    ("reports of workers: read fails", "shim read=EIO", SCAN, {5}, "sandbox can't be put on"),
    ("reports of workers: a read fails once", "shim read=EIO@3", SCAN, {0}, "="),
    ("the file can't be opened", "shim open=EIO", SCAN, {2}, "can't be opened: Input/output error"),
    ("no descriptors are left", "shim open=EMFILE", SCAN, {2}, "Too many open files"),
    ("the file can't be examined", "shim fstat=EIO", SCAN, {2}, "can't be examined: Input/output error"),
    ("its handle is stale", "shim fstat=ESTALE@2", SCAN, {2}, "RUN003/identity"),
    ("the file can't be mapped: no memory", "shim mmap=ENOMEM", SCAN, {2}, "can't be mapped: Cannot allocate"),
    ("the file can't be mapped: file system", "shim mmap=ENODEV", SCAN, {2}, "can't be mapped: No such device"),
    ("--files-from: read fails", "shim open=EIO", "scan --files-from FILES/list", {4}, "can't read"),
    ("the architecture file can't be mapped", "shim mmap=EIO@1", "check BENIGN/simple_cnn.pt --arch BENIGN/simple_cnn.json",
     {2, 4}, "can't be mapped"),
    ("a worker that stands still", "stop", "scan --timeout 1 WORK/huge.pt", {2}, "LIM804/wall-time"),
    # ---- disks: DISK is the second word's file on one ----
    ("a disk without a fault", "disk fine BENIGN/simple_linear.pt", "scan DISK", {0}, "CLEAN"),
    ("a disk that trickles", "disk after=0.005 WORK/pages.pt", "inspect --hash sha256 DISK", {0}, "="),
    ("a disk that trickles on and on", "disk after=0.05 WORK/big.pt", "scan --timeout 1 DISK", {2}, "LIM804/wall-time"),
    ("a disk whose pages come too late", "disk after=3 BENIGN/simple_linear.pt", "scan --timeout 1 DISK", {2}, "LIM804/wall-time"),
    ("a disk that does not answer", "disk silent=1000 BENIGN/simple_linear.pt", "scan --timeout 1 DISK", {2}, "LIM804/wall-time"),
    ("a disk that fails at once", "disk error=0 BENIGN/simple_linear.pt", "scan DISK", {2}, "RUN003/shrank"),
    ("a disk that fails in a tensor", "disk error=3500000 WORK/big.pt", "scan -f json DISK", {2}, "shrank"),
    ("a disk that fails where nobody reads", "disk error=3500000 WORK/big.pt", "scan --depth quick DISK", {0}, "="),
    ("a disk that fails in the weights of a forward", "disk error=9000 BENIGN/simple_cnn.pt",
     FORWARD.replace("BENIGN/simple_cnn.pt", "DISK"), {2}, "RUN003/shrank"),
    ("a disk that fails below an archive", "disk error=600 WORK/inside.tar.gz", "scan --nested DISK", {2}, "RUN003/shrank"),
    ("a disk that fails below an architecture file", "disk error=0 BENIGN/simple_cnn.json", "check BENIGN/simple_cnn.pt --arch DISK", {2},
     "RUN003/shrank"),
    ("a disk that fails below a lock file", "disk error=0 WORK/lock.json", "check BENIGN/simple_linear.pt --lock DISK", {2}, "RUN003/shrank"),
    ("a disk that fails below a policy", "disk error=0 WORK/policy.json", SCAN + " --policy DISK", {4}, "a page of it could not be read"),
    ("a disk that fails below a list", "disk error=0 FILES/list", "scan --files-from DISK", {4}, "can't read"),
    ("a disk that fails below one of two", "disk error=0 BENIGN/simple_linear.pt", "diff DISK BENIGN/simple_linear.pt", {2}, "KEY514/not-read"),
    ("a disk that is pulled out", "disk gone=3500000 WORK/big.pt", "scan DISK", {2}, "RUN003/identity"),
    ("a disk whose file is shorter than it said", "disk cut=3500000 WORK/big.pt", "scan DISK", {1, 2}, "CRC|RUN003|FMT1"),
    ("a disk that does not answer: Ctrl-C", "disk stuck=3500000 WORK/big.pt", "scan -f json DISK", {130}, '"exit":130'),
    ("a disk that does not answer sixty readers: Ctrl-C", "disk stuck=3500000:60 WORK/big.pt",
     "scan -j 60 " + " ".join(f"AGAIN/{i}~big.pt" for i in range(60)), {130}, "60 of 60 inputs were begun"),
    ("a disk that does not answer whoever digests for a policy", "disk silent=3500000 WORK/big.pt",
     "scan --timeout 1 --policy WORK/entry.json DISK", {2}, "LIM804/wall-time"),
    # The first two pages that broker and workers share are those of the sandbox's probe.
    ("no page to share: the sandbox can't be probed", "shim share=ENOMEM@1", SCAN, {5}, "sandbox can't be put on"),
    ("no page to share: whether there is libcrypto, for a policy's entries", "shim share=ENOMEM@3", ENTRY, {70}, "out of memory"),
    ("no page to share: the digest of a policy", "shim share=ENOMEM@4", ENTRY, {70}, "out of memory"),
    ("no page to share: the digest of a file that a policy may name", "shim share=ENOMEM@5", ENTRY, {70}, "out of memory"),
    ("no page to share: what a worker reports", "shim share=ENOMEM@6", ENTRY, {2}, "no memory for its report"),
    ("no page to share: the libraries that doctor looks for", "shim share=ENOMEM@3", "doctor", {70}, "out of memory"),
    ("a disk that does not answer whoever digests for a policy: Ctrl-C", "disk stuck=3500000 WORK/big.pt",
     "scan -f json --policy WORK/entry.json DISK", {130}, '"exit":130'),
    ("a disk that does not answer an open: Ctrl-C", "disk deaf BENIGN/simple_linear.pt", "scan DISK BENIGN/simple_linear.pt", {130},
     "stopped by a signal"),
    # ---- processes ----
    ("no process for a worker", "shim fork=EAGAIN", SCAN, {5}, "sandbox can't be put on"),
    ("no process for the scan", "shim fork=EAGAIN@4", SCAN, {2}, "NOT CHECKED"),
    ("no pipe for the scan", "shim pipe=EMFILE@2", SCAN, {2}, "starting its process failed with errno 24"),
    ("RLIMIT_NPROC of 1", "limit NPROC 1 nobody", SCAN, {5}, "sandbox can't be put on"),
    ("RLIMIT_CPU of a second", "limit CPU 1", "scan WORK/sparse.safetensors", {2}, "NOT CHECKED"),
    ("RLIMIT_STACK of 128 KiB", "limit STACK 131072", SCAN, {0}, "="),
    ("RLIMIT_CORE, RLIMIT_MEMLOCK of 0", "limit MEMLOCK 0", SCAN, {0}, "="),
    ("RLIMIT_FSIZE of 0, to a file", "limit FSIZE 0 file", SCAN, {74}, UNWRITTEN),
    ("RLIMIT_FSIZE of 100, in the middle", "limit FSIZE 100 file", SCAN, {74}, UNWRITTEN),
    ("RLIMIT_FSIZE of 100, standard input", "limit FSIZE 100", "scan - <BENIGN/simple_linear.pt", {2}, "can't be copied"),
    ("RLIMIT_FSIZE of 100, an output", "limit FSIZE 100", FORWARD, {74}, "y.npy"),
    ("RLIMIT_AS of 100 MB", "limit AS 100000000", SCAN, {2, 70}, "NOT CHECKED|out of memory|no memory"),
    ("a cgroup of 60 MB: its worker dies, the next file does not", "cgroup 60000000", "scan -j 1 WORK/many.pt BENIGN/simple_linear.pt",
     {2}, "2 checked: 1 not checked, 1 clean"),
    ("RLIMIT_AS of 670 MB, a forward", "limit AS 670000000", FORWARD, {2}, "no memory for OpenBLAS"),
    # ---- writing ----
    ("the report: one byte at a time", "shim stdout=1", SCAN, {0}, "="),
    ("the report: interrupted", "shim stdout=EINTR@1", SCAN, {0}, "="),
    ("the report: a disk that fails", "shim stdout=EIO@1", SCAN, {74}, UNWRITTEN),
    *[(f"{command}: a full disk", "stdout /dev/full", command, {74}, UNWRITTEN) for command in (
        SCAN, SCAN + " -f json", SCAN + " -f ndjson", "scan FILES/demo-hostile.pt", "explain GLB301", "rules", "doctor -f json",
        "version", "help scan", "lock BENIGN/simple_linear.pt", "policy init BENIGN/whole_module.pt",
        "describe --emit-arch BENIGN/simple_cnn.pt", "inspect BENIGN/simple_cnn.pt", "diff BENIGN/simple_linear.pt BENIGN/simple_linear.pt")],
    ("an output: a full device", "none", FORWARD.replace("WORK/y.npy", "/dev/full"), {74}, "/dev/full"),
    ("an output: a full disk", "mount tmpfs -o size=4k WORK/full", FORWARD.replace("WORK", "WORK/full") + " <WORK/full/fill", {74}, "y.npy"),
    ("goldens: a full disk", "mount tmpfs -o size=4k WORK/full", RECORD.replace("WORK", "WORK/full") + " <WORK/full/fill", {74}, "the goldens could not be written"),
    ("goldens: a disk that fails behind the report", "shim write=EIO@3", RECORD, {74}, "the goldens could not be written"),
    ("goldens: a read-only disk", "mount tmpfs -o ro WORK/ro", RECORD.replace("WORK", "WORK/ro"), {74}, "Read-only file system"),
    ("goldens: RLIMIT_FSIZE of 100", "limit FSIZE 100", RECORD, {74}, "the goldens could not be written"),
    ("an output: a disk that fails", "shim write=EIO@1", FORWARD, {74}, "y.npy|" + UNWRITTEN),
    ("an output: a folder that is not there", "none", FORWARD.replace("WORK", "WORK/none"), {74}, "none/y.npy"),
    ("an output: a file system that is read-only", "mount tmpfs -o ro WORK/ro", FORWARD.replace("WORK", "WORK/ro"), {74}, "y.npy"),
    ("the report: its reader goes away", "pipe", "scan -f json FILES", {74}, ""),
    ("the report: its reader was never there", "pipe", SCAN, {74}, ""),
    ("no standard output", "close 1", SCAN, {74}, UNWRITTEN),
    ("no standard error", "close 2", SCAN, {0}, "="),
    ("no standard error, and something to say", "close 2", "scan --none", {4}, ""),
    ("no standard input", "close 0", SCAN, {0}, "="),
    ("no standard descriptors", "close 012", SCAN, {74}, ""),
    ("no standard descriptors, a hostile file", "close 012", "scan FILES/demo-hostile.pt", {74}, ""),
    # ---- around ----
    ("a file system that is read-only", "mount tmpfs -o ro WORK/ro", SCAN, {0}, "="),
    ("no /proc", "mount tmpfs /proc", SCAN, {5}, "sandbox can't be put on"),
    ("no /dev", "mount tmpfs /dev", SCAN, {0}, "="),
    ("the wall clock jumps", "shim clock=40000", SCAN + " -f json", {0}, "="),
    ("no environment", "environment", SCAN, {0}, "="),
]


class Unmountable(Exception):
    """What the fault needs can't be had here."""


class Run:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.said = (out + err).decode(errors="replace")


class Ground:
    """The files, and how a command is run under a fault."""

    def __init__(self):
        self.work = tempfile.mkdtemp()
        os.chmod(self.work, 0o755)
        self.files = self.work + "/files"
        subprocess.run([GEN, self.files, "demo-hostile.pt"], check=True)
        subprocess.run([OUT + "/tests/bench/big", "4", "1000000", self.work + "/big.pt"], check=True)
        subprocess.run([OUT + "/tests/bench/big", "4", "100000", self.work + "/pages.pt"], check=True)
        subprocess.run([OUT + "/tests/bench/big", "8", "100000000", self.work + "/huge.pt"], check=True)
        subprocess.run([OUT + "/tests/bench/big", "300000", "4", self.work + "/many.pt", "10"], check=True)
        with open(self.files + "/list", "w", encoding="utf-8") as out:
            out.write(BENIGN + "/simple_linear.pt\n")
        with open(self.work + "/policy.json", "w", encoding="utf-8") as out:
            out.write('{"policy": 1}\n')
        with open(self.work + "/entry.json", "w", encoding="utf-8") as out:
            entry = {"size": os.path.getsize(self.work + "/big.pt"), "sha256": "0" * 64, "allow": {"a.B": "of another file as large"}}
            json.dump({"policy": 1, "files": [entry]}, out)
        with open(self.work + "/lock.json", "wb") as out:
            subprocess.run([CKPTLINT, "lock", BENIGN + "/simple_linear.pt"], stdout=out, stderr=subprocess.DEVNULL, check=True)
        with tarfile.open(self.work + "/inside.tar.gz", "w:gz") as out:
            out.add(BENIGN + "/simple_linear.pt", "simple_linear.pt")
        with open(self.work + "/sparse.safetensors", "wb") as out:  # ten seconds of reading, no disk
            header = json.dumps({"x": {"dtype": "F32", "shape": [5 << 30], "data_offsets": [0, 20 << 30]}}).encode()
            out.write(len(header).to_bytes(8, "little") + header)
            out.truncate(8 + len(header) + (20 << 30))
        for name in ("full", "ro", "disk"):
            os.mkdir(f"{self.work}/{name}")
        os.chmod(self.work, 0o777)

    def words(self, text):
        for name, value in (("BENIGN", BENIGN), ("FILES", self.files), ("WORK", self.work)):
            text = text.replace(name, value)
        return text.split()

    def run(self, command, fault="none"):
        kind, *rest = self.words(fault)
        words = [CKPTLINT] + [w for w in self.words(command) if not w.startswith("<")]
        given = next((w[1:] for w in self.words(command) if w.startswith("<")), os.devnull)
        return getattr(self, "under_" + kind)(words, given, rest)

    @staticmethod
    def spawn(words, given=os.devnull, stdout=subprocess.PIPE, before=None, env=None):
        with open(given, "rb") as stdin:
            done = subprocess.run(words, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=SECONDS, check=False,
                                  preexec_fn=before, env=env if env is not None else {"PATH": os.environ["PATH"]})
        return Run(done.returncode, done.stdout or b"", done.stderr)

    def under_none(self, words, given, _):
        return self.spawn(words, given)

    def under_environment(self, words, given, _):
        return self.spawn(words, given, env={})

    def under_shim(self, words, given, rest):
        fault, _, at = rest[0].partition("@")
        return self.spawn(words, given, env={"LD_PRELOAD": SHIM, "FAULT": fault, **({"FAULT_AT": at} if at else {})})

    def under_limit(self, words, given, rest):
        what, value = getattr(resource, "RLIMIT_" + rest[0]), int(rest[1])

        def before():
            resource.setrlimit(what, (value, value))
            if "nobody" in rest:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
        if "file" not in rest:
            return self.spawn(words, given, before=before)
        with open(self.work + "/report", "wb") as out:
            return self.spawn(words, given, stdout=out, before=before)

    def under_cgroup(self, words, given, rest):
        first = "/sys/fs/cgroup/memory"
        old = os.path.isdir(first)
        place = f"{first if old else '/sys/fs/cgroup'}/ckptlint-faults-{os.getpid()}"
        limits = {"memory.swappiness": "0", "memory.limit_in_bytes": rest[0]} if old else {"memory.swap.max": "0", "memory.max": rest[0]}
        try:
            os.mkdir(place)
            for name, value in limits.items():
                with open(f"{place}/{name}", "w", encoding="ascii") as out:
                    out.write(value)
        except OSError as error:
            raise Unmountable(f"no memory cgroup can be made here: {error.strerror}") from error
        try:
            return self.spawn(["sh", "-c", f'echo $$ >{place}/cgroup.procs && exec "$@"', "sh", *words], given)
        finally:
            os.rmdir(place)

    def under_stdout(self, words, given, rest):
        with open(rest[0], "wb") as out:
            return self.spawn(words, given, stdout=out)

    def under_stdin(self, words, _, rest):
        done = subprocess.run(["sh", "-c", 'exec "$@" <' + rest[0], "sh", *words], capture_output=True, timeout=SECONDS, check=False)
        return Run(done.returncode, done.stdout, done.stderr)

    def under_pipe(self, words, given, _):
        r, w = os.pipe()
        os.close(r)
        with os.fdopen(w, "wb") as out:
            return self.spawn(words, given, stdout=out)

    def under_close(self, words, given, rest):
        closing = " ".join({"0": "<&-", "1": ">&-", "2": "2>&-"}[n] for n in rest[0])
        return self.spawn(["sh", "-c", f'exec "$@" {closing}', "sh", *words], given)

    def under_slow(self, words, _, __):
        return self.through_pipe(words, 50, 0.02, None)

    def under_cut(self, words, _, __):
        return self.through_pipe(words, 50, 0, 400)

    def through_pipe(self, words, piece, pause, most):
        data = open(BENIGN + "/simple_linear.pt", "rb").read()[:most]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            for i in range(0, len(data), piece):
                p.stdin.write(data[i:i + piece])
                p.stdin.flush()
                time.sleep(pause)
            out, err = p.communicate(timeout=SECONDS)
        return Run(p.returncode, out, err)

    def under_stop(self, words, given, _):
        """Its worker stands still, as one does that waits for a disk."""
        env = {"LD_PRELOAD": SHIM, "FAULT": "none=0"}
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as p:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and p.poll() is None:
                children = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
                for child in children:
                    if self.is_sealed(child):
                        os.kill(int(child), signal.SIGSTOP)
                        deadline = 0
            out, err = p.communicate(timeout=SECONDS)
        return Run(p.returncode, out, err)

    @staticmethod
    def is_sealed(pid):
        try:
            return "\nSeccomp:\t2" in open(f"/proc/{pid}/status").read() and "huge.pt" in open(f"/proc/{pid}/maps").read()
        except OSError:
            return False

    def under_mount(self, words, given, rest):
        *how, place = rest
        fill = f'head -c 4096 /dev/zero >{place}/fill 2>/dev/null;' if "size=4k" in rest else ""
        given = os.devnull if fill else given
        script = f'mount -t tmpfs {" ".join(how[1:])} none {place} || exit 99; {fill} shift 0; exec "$@"'
        run = self.spawn(["unshare", "-m", "sh", "-c", script, "sh", *words], given)
        if run.code == 99:
            raise Unmountable("no file system can be mounted here")
        return run

    def under_disk(self, words, given, rest):
        how, source = rest
        place = self.work + "/disk"
        words = [w.replace("DISK", f"{place}/{os.path.basename(source)}").replace("AGAIN", place) for w in words]
        run = self.spawn(["unshare", "-m", sys.executable, TOP + "/tests/faults/disk.py", how, source, place, *words], given)
        if run.code == 99:
            raise Unmountable("no file system of our own can be mounted here")
        return run

    def leftovers(self):
        return [n for n in os.listdir(self.work) if n.startswith("y.npy")]

    def clear(self):
        for name in self.leftovers() + ["report"]:
            if os.path.exists(f"{self.work}/{name}"):
                os.remove(f"{self.work}/{name}")


def complaint(ground, row, run):
    _, fault, command, codes, words = row
    if run.code not in codes:
        return f"exit {run.code}"
    plain = "shim none=0" if fault.startswith("shim") else "none"  # what is preloaded is said
    plain = f"disk fine {fault.split()[2]}" if fault.startswith("disk") else plain
    if words == "=" and run.out != ground.run(command, plain).out:
        return "another report than without the fault"
    if words != "=" and not any(w in run.said for w in words.split("|")):
        return f"nothing is said of '{words}'"
    if run.code == 74 and ground.leftovers():
        return f"left behind: {ground.leftovers()}"
    return None


class Tally:
    passed = failed = 0

    def add(self, name, what, run=None):
        if what is None:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {name}: {what}")
        if run:
            print("   " + run.said[-300:].replace("\n", "\n   "))


def unbearable(fault):
    """Nothing for a sanitizer."""
    kind, *rest = fault.split()
    return SANITIZED and (kind in ("shim", "stop") or kind == "limit" and rest[0] in ("AS", "DATA", "STACK", "NPROC"))


def check_row(ground, row, tally):
    ground.clear()
    if unbearable(row[1]):
        print(f"SKIPPED {row[0]}: a sanitizer does not bear it")
        return
    if row[1].split()[0] in ("mount", "disk") and os.geteuid() != 0 or "nobody" in row[1] and os.geteuid() != 0:
        print(f"SKIPPED {row[0]}: only root can make this fault")
        return
    try:
        run = ground.run(row[2], row[1])
    except Unmountable as error:
        print(f"SKIPPED {row[0]}: {error}")
        return
    except subprocess.TimeoutExpired:
        tally.add(row[0], "it hangs")
        return
    tally.add(row[0], complaint(ground, row, run), run)


# ---- sweeps ----

def sweep_limits(ground, tally):
    """Ever less of a resource: never another answer than the right one, or none."""
    fine = ground.run(SCAN)
    sweeps = [("NOFILE", n) for n in range(0, 20)] + [("AS", n << 20) for n in (4, 8, 16, 24, 32, 48, 64, 128, 192, 256, 512)] + \
             [("DATA", n << 10) for n in (0, 64, 256, 512, 2048, 8192, 65536)] + [("STACK", n << 10) for n in (0, 16, 32, 64, 256)]
    for what, value in sweeps:
        if unbearable(f"limit {what}"):
            continue
        name = f"RLIMIT_{what} of {value}"
        run = ground.run(SCAN, f"limit {what} {value}")
        if run.code == 0:
            tally.add(name, None if run.out == fine.out else "exit 0 with another report", run)
        elif run.code in (127, -signal.SIGKILL, -signal.SIGSEGV) and what != "NOFILE" or b"error while loading" in run.err:
            tally.add(name, None)  # the loader had too little to start it
        else:
            tally.add(name, None if run.code in (2, 5, 70, 74) and run.said else f"exit {run.code}", run)


def sweep_moments(ground, tally):
    """A file is cut, changed, or replaced before each call of the broker: when the broker looked at its identity after
    that, it is never clean."""
    note = ground.work + "/note"
    for do in ("cut", "byte", "grow", "remove", "replace"):
        last = None
        steps = list(range(1, MOST_MOMENTS))
        if MOMENTS:
            steps = steps[::max(1, len(steps) // MOMENTS)]
        for moment in steps:
            path = ground.work + "/changing.pt"
            shutil.copy(ground.work + "/big.pt", path)
            shutil.copy(BENIGN + "/simple_linear.pt", path + ".new")
            open(note, "w").close()
            env = {"LD_PRELOAD": SHIM, "FAULT_MOMENT": str(moment), "FAULT_FILE": path, "FAULT_DO": do, "FAULT_NOTE": note}
            run = ground.spawn([CKPTLINT, "scan", "-j", "1", path], env=env)
            seen = open(note).read()
            name = f"{do} at moment {moment}"
            if seen == "":
                last = moment
                break
            if run.code == 0 and "f" in seen:
                tally.add(name, "clean, though its identity was looked at afterwards", run)
            else:
                tally.add(name, None if run.code in (0, 1, 2) else f"exit {run.code}", run)
        if last is None and MOMENTS == 0:
            tally.add(f"{do}: the last moment", "there are more moments than were tried")


def main():
    tally, ground = Tally(), Ground()
    try:
        for row in CASES:
            if ONLY in row[0]:
                check_row(ground, row, tally)
        if not ONLY or ONLY == "sweep":
            sweep_limits(ground, tally)
            if not unbearable("shim"):
                sweep_moments(ground, tally)
    finally:
        shutil.rmtree(ground.work)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed != 0


if __name__ == "__main__":
    sys.exit(main())
