"""What ran, out of the .gcda files of a MODE=cover build: figures by module, and what did not run of the parsers.

  figures.py BUILD TITLE LEAST            lines and branches by module: exit 1 when of a parsers' module less than LEAST % ran
  figures.py BUILD TITLE EXPLAINED LIST   the same; writes the parsers' lines that did not run to LIST and holds them against
                                          EXPLAINED: exit 1 when one isn't explained, or an explanation fits no such line

A row of EXPLAINED: file, function, how many lines of that text in it, the line's text, why it can't run; tabs between. A line of
a header ran when it ran anywhere.
"""
import collections
import json
import os
import re
import subprocess
import sys

WHOLE = ("arch", "base", "container", "model", "pickle", "tensor")  # modules that are parsers altogether
# What meets foreign bytes: formats, programs, proofs, plans, the language, the graph of a forward pass, frames.
PARSERS = re.compile(
    r"validator/(container|pickle|tensor|model|arch|base)/"
    r"|validator/forward/(graph|lower\w*|symbolic|shape|composed|einsum|inputs|expect|weights|reparam|prune|keep)\.[ch]"
    r"|sandbox/wire\.[ch]")


def counted(build):
    """{(file, line): (runs, function)} and {(file, line, branch): runs} of the repository's own sources."""
    notes = [os.path.join(d, f) for part in ("validator", "rules", "sandbox") for d, _, files in os.walk(os.path.join(build, part))
             for f in files if f.endswith(".gcno")]
    lines, branches = {}, collections.Counter()
    out = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *sorted(notes)], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=True).stdout
    for document in out.splitlines():
        for file in json.loads(document)["files"]:
            name = os.path.normpath(file["file"])
            if not re.match(r"(validator|rules|sandbox)/", name):
                continue
            places = [(f["start_line"], f["end_line"], f["name"]) for f in file["functions"]]
            for line in file["lines"]:
                key = name, line["line_number"]
                runs, function = lines.get(key, (0, "-"))
                if function == "-":  # lines of what is always inlined have no function_name
                    function = next((f for first, last, f in places if first <= key[1] <= last), "-")
                lines[key] = runs + line["count"], function
                for i, branch in enumerate(line["branches"]):
                    branches[key + (i,)] += branch["count"]
    return lines, branches


def module(name):
    parts = name.split("/")
    return parts[1] if parts[0] == "validator" else parts[0]


def table(title, lines, branches):
    rows = collections.defaultdict(lambda: [0, 0, 0, 0])

    def add(name, at, ran):
        groups = [module(name), "all"] + (["parsers"] if PARSERS.match(name) else [])
        for group in groups:
            rows[group][at] += 1
            rows[group][at + 1] += ran
    for (name, _), (runs, _) in lines.items():
        add(name, 0, runs > 0)
    for (name, _, _), runs in branches.items():
        add(name, 2, runs > 0)
    print(title)
    print(f"{'module':<12} {'lines':>8} {'ran':>8} {'branches':>10} {'taken':>8}")
    for group in sorted(rows, key=lambda g: (g == "all", g == "parsers", g)):
        a, b, c, d = rows[group]
        print(f"{group:<12} {a:>8} {100 * b / a:>7.1f}% {c:>10} {100 * d / max(c, 1):>7.1f}%")
    return {group: 100 * ran / n for group, (n, ran, _, _) in rows.items()}


def reach(shares, least):
    low = [group for group in WHOLE if shares[group] < least]
    for group in low:
        print(f"of {group} {shares[group]:.1f} % of the lines ran, less than {least} %")
    return not low


def explained(path):
    """{(file, function, text): number of lines}"""
    rows = {}
    for line in open(path):
        if line.startswith("#") or not line.strip():
            continue
        file, function, n, text, why = line.rstrip("\n").split("\t")
        assert why, line
        rows[file, function, text] = int(n)
    return rows


def hold(lines, path, listed):
    texts = {}
    silent = collections.defaultdict(list)
    for (name, number), (runs, function) in sorted(lines.items()):
        if runs or not PARSERS.match(name):
            continue
        if name not in texts:
            texts[name] = open(name).read().split("\n")
        silent[name, function, texts[name][number - 1].strip()].append(number)
    with open(listed, "w") as out:
        for (name, function, text), numbers in silent.items():
            for number in numbers:
                print(f"{name}:{number}\t{function}\t{text}", file=out)
    rows = explained(path)
    bad = 0
    for key, numbers in silent.items():
        if len(numbers) > rows.get(key, 0):
            print(f"not explained: {key[0]}:{','.join(map(str, numbers))}: {key[1]}: {key[2]}")
            bad += 1
    for key, n in rows.items():
        if n > len(silent.get(key, ())):
            print(f"explained, but it ran or is gone: {key[0]}: {key[1]}: {key[2]}")
            bad += 1
    print(f"{sum(map(len, silent.values()))} lines of the parsers did not run, {bad} of their rows in {path} are missing or wrong")
    return bad == 0


def main():
    build, title = sys.argv[1:3]
    lines, branches = counted(build)
    shares = table(title, lines, branches)
    return reach(shares, float(sys.argv[3])) if len(sys.argv) == 4 else hold(lines, *sys.argv[3:5])


sys.exit(0 if main() else 1)
