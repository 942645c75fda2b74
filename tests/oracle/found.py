"""What `ckptlint inspect` finds in a file, beside what an oracle holds: the words that the oracles share."""
import json
import os
import subprocess


def run(*call):
    """The command line."""
    return subprocess.run([os.environ["CKPTLINT"], *call], capture_output=True, text=True)


def inspect(path, place=0, more=()):
    """Exit code and one object of a full inspection: the file's own, or with -1 the one of the last thing that is packed in it."""
    done = run("inspect", "--tensors", *more, "--hash", "sha256", "--format", "json", path)
    return done.returncode, json.loads(done.stdout)["files"][place]


def wrong_tensors(report, wanted, verdicts=("clean", "findings")):
    """None, or the first thing in which the report differs from `wanted`: a dict of fields by key."""
    if report["verdict"] not in verdicts:
        return f"{report['verdict']}: " + ", ".join(f["rule"] + "/" + f["reason"] for f in report["findings"])
    found = {t["key"]: t for t in report.get("tensors", [])}
    if set(found) != set(wanted):
        return f"keys {sorted(found)}, the oracle has {sorted(wanted)}"
    for key, fields in wanted.items():
        for field, value in fields.items():
            if found[key][field] != value:
                return f"{key}: {field} {found[key][field]!r}, the oracle has {value!r}"
    return None


def wrong_when_cut(whole, path, step=1):
    """For each length, what is wrong: the file without its end is clean or has mere findings."""
    for end in range(0, len(whole), step):
        with open(path, "wb") as out:
            out.write(whole[:end])
        verdict = inspect(path, -1)[1]["verdict"]
        yield end, None if verdict in ("unsafe", "not checked", "error") else verdict


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, wrong):
        """`wrong` is None or says what is wrong."""
        self.passed, self.failed = self.passed + (wrong is None), self.failed + (wrong is not None)
        if wrong is not None:
            print(f"{name}: {wrong}")

    def end(self):
        """The exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed > 0
