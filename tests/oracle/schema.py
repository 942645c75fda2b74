"""Every report is what rules/schema/ says, in both machine formats, whatever the input or the call is.
Needs Debian's python3-jsonschema."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("SKIPPED schema: python3-jsonschema is not installed")
    sys.exit(0)

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CKPTLINT = os.environ.get("CKPTLINT", os.path.join(TOP, "build/release/ckptlint"))
GEN = os.environ.get("GEN", os.path.join(os.path.dirname(CKPTLINT), "corpus/gen"))
BENIGN = os.path.join(TOP, "corpus/benign")
VIEWS = ["--tree", "--tensors", "--globals", "--members", "--pickle", "--opcodes", "--stats"]
ROWS = 40  # rows of one type that are looked at in one file: they are all made in the same place
LISTS = {"findings": "finding", "members": "member", "globals": "global", "tensors": "tensor", "values": "value",
         "instructions": "insn", "statements": "statement", "differences": "difference", "modules": "module"}


def load(name):
    with open(os.path.join(TOP, "rules/schema", name), encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


EVENT, REPORT = load("event-1.json"), load("report-1.json")
RESOLVER = jsonschema.RefResolver.from_schema(EVENT, store={s["$id"]: s for s in (EVENT, REPORT)})
DOCUMENT = jsonschema.Draft202012Validator(REPORT, resolver=RESOLVER)
# The branches of the event schema exclude each other by their type: only the one that is meant is tried.
EVENTS = {branch["properties"]["type"]["const"]:
          jsonschema.Draft202012Validator({"$ref": f"{EVENT['$id']}#/oneOf/{i}"}, resolver=RESOLVER)
          for i, branch in enumerate(EVENT["oneOf"])}


def complaint(validator, thing):
    error = jsonschema.exceptions.best_match(validator.iter_errors(thing))
    return error and f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def wrong_events(text):
    """The first event that the schema refuses, and the order of events as doc/events.md has it."""
    order, seen = ["run"], {}
    for line in text.splitlines():
        event = json.loads(line)
        kind = event.get("type")
        if kind not in EVENTS:
            return f"an event of type {kind!r}"
        seen[kind] = 1 if kind == "file" else seen.get(kind, 0) + 1
        if seen[kind] <= ROWS or kind in ("run", "file", "summary"):
            wrong = complaint(EVENTS[kind], event)
            if wrong:
                return f"{kind}/{wrong}"
        if kind == "file":
            seen = {}
        order.append(kind)
    if order[1:2] != ["run"] or order[-1] != "summary" or order.count("summary") != 1:
        return "the stream does not go from run to summary"
    return order.count("file") != order.count("file_end") and "a file without its end"


def wrong_document(text):
    document = json.loads(text)
    for file in document["files"]:
        for rows in LISTS:
            if rows in file:
                del file[rows][ROWS:]
    return complaint(DOCUMENT, document)


def same(text, lines):
    """Both formats tell the same of each file: verdict and number of rows of each type."""
    document, events = json.loads(text), [json.loads(line) for line in lines.splitlines()]
    told = []
    for event in events:
        if event["type"] == "file":
            told.append({"verdict": event["verdict"]})
        elif event["type"] in LISTS.values():
            told[-1][event["type"]] = told[-1].get(event["type"], 0) + 1
    folded = [{"verdict": f["verdict"], **{t: len(f[n]) for n, t in LISTS.items() if f.get(n)}} for f in document["files"]]
    return told != folded and f"json has {folded}, ndjson {told}"


def judge(call):
    """What is wrong with the reports of a call, or None."""
    out = {}
    for form in ("json", "ndjson"):
        run = subprocess.run([CKPTLINT, *call, "--format", form], capture_output=True, stdin=subprocess.DEVNULL, check=False)
        try:
            out[form] = run.stdout.decode()
            wrong = (wrong_document if form == "json" else wrong_events)(out[form])
            if not wrong and f'"exit":{run.returncode}' not in out[form].splitlines()[-1]:
                wrong = f"exit {run.returncode} is not the report's"
        except ValueError as error:
            wrong = f"not JSON: {error}"
        if wrong:
            return f"{form}: {wrong}"
    return same(out["json"], out["ndjson"])


def calls(folder):
    benign = [os.path.join(BENIGN, name) for name in sorted(os.listdir(BENIGN)) if name.endswith(".pt")]
    for path in benign:
        arch = path[:-3] + ".json"
        yield [path]
        yield ["inspect", *VIEWS, "--hash", "sha256", "--timings", path]
        yield ["inspect", "--depth", "quick", path]
        for verb in ("check", "forward"):
            if os.path.exists(arch):
                yield [verb, "--arch", arch, path]
                yield [verb, "--arch", os.path.join(BENIGN, "simple_cnn.json"), path]
    for path in benign:
        yield ["diff", benign[0], path]
        yield ["describe", path]
        yield ["inspect", "--fields", "epoch,loss,state_dict", path]
    yield ["diff", benign[0], os.path.join(folder, "gone\x1b[2J.pt")]
    yield ["forward", "--arch", os.path.join(BENIGN, "simple_cnn.json"), "--save-output", os.path.join(folder, "y.npy"), benign[0]]
    cnn, goldens = os.path.join(BENIGN, "simple_cnn.pt"), os.path.join(folder, "goldens.json")
    subprocess.run([CKPTLINT, "record", cnn, "--arch", cnn[:-3] + ".json", "-o", goldens], check=True, capture_output=True)
    yield ["forward", "-v", "--arch", cnn[:-3] + ".json", "--expect", goldens, cnn]
    yield [BENIGN]
    for name in sorted(os.listdir(os.path.join(folder, "cases"))):
        yield ["inspect", *VIEWS, os.path.join(folder, "cases", name)]
    empty = os.path.join(folder, "empty")
    os.mkdir(empty)
    for call in ([empty], [os.path.join(folder, "gone.pt")], [folder + "/\x1b[2J\u202e\udcff.pt"], ["/dev/null"], ["-"], [],
                 ["--no-such-option", benign[0]], ["--fail-on", "\x1b[31m", benign[0]], ["check", benign[0]],
                 ["check", benign[0], "--arch", "gone.json"], ["check", benign[0], "--arch", benign[0]],
                 ["--sandbox", "none", benign[0]], ["--allow", "os.system", benign[0]], ["--max-ops", "1", benign[0]],
                 ["--timeout", "1", "--mem", "1K", benign[0]]):
        yield call


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        cases = os.path.join(folder, "cases")
        os.mkdir(cases)
        if os.path.exists(GEN):
            subprocess.run([GEN, cases], check=True, stdout=subprocess.DEVNULL)
        for call in calls(folder):
            wrong = judge(call)
            passed, failed = passed + (not wrong), failed + bool(wrong)
            if wrong:
                print(f"ckptlint {' '.join(map(repr, call))}: {wrong}".replace(folder + "/", ""))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
