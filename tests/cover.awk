# Sums up what `gcov -r -b -t` prints: by module, lines and branches that ran; and every line that did not, as
# "file:text" for tests/cover.sh. A line of a header ran when it ran anywhere.
#   list=FILE   where the lines go that did not run
/^ +-: +0:Source:/ { file = $0; sub(/.*Source:/, "", file); next }
/^branch/ {
  key = file ":" line
  n = $2 + 0
  seen[key, n] = 1
  if ($3 == "taken" && $4 != "0%") taken[key, n] = 1
  next
}
/^ *[^ :]+\*?: +[0-9]+:/ {
  count = $0; sub(/:.*/, "", count); gsub(/ /, "", count)
  line = $0; sub(/^[^:]*: */, "", line); text = line
  sub(/:.*/, "", line); line += 0
  if (count == "-" || file ~ /^\// || file ~ /^(fuzz|tests|corpus|build)\//) next
  sub(/^[0-9]+:/, "", text)
  key = file ":" line
  there[key] = text
  if (count !~ /^[#=]/) ran[key] = 1
}
function module(key, p) { split(key, p, "/"); return p[1] == "validator" ? p[2] : p[1] }
END {
  for (k in there) {
    m = module(k); lines[m]++
    if (k in ran) good[m]++
    else print k ":" there[k] > list
  }
  for (k in seen) {
    split(k, part, SUBSEP)
    if (!(part[1] in there)) continue
    m = module(part[1]); branches[m]++
    if (k in taken) both[m]++
  }
  printf "%-12s %8s %7s %10s %7s\n", "module", "lines", "ran", "branches", "taken"
  for (m in lines) {
    printf "%-12s %8d %6.1f%% %10d %6.1f%%\n", m, lines[m], 100 * good[m] / lines[m], branches[m], branches[m] ? 100 * both[m] / branches[m] : 100 | "sort"
    all += lines[m]; allgood += good[m]; allb += branches[m]; allboth += both[m]
  }
  close("sort")
  printf "%-12s %8d %6.1f%% %10d %6.1f%%\n", "all", all, 100 * allgood / all, allb, 100 * allboth / allb
}
