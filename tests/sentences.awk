# Reads validator/base/obs_*.def and then pages of rules/doc: each finding that a page shows must be of the form of the
# sentence of the reason behind it ("[FMT102/local-name]", one for a run of findings).
function pattern(sentence,  out) {
  while (match(sentence, /\{[^{}]*\}/)) {
    out = out literal(substr(sentence, 1, RSTART - 1)) ".*"
    sentence = substr(sentence, RSTART + RLENGTH)
  }
  return "^" out literal(sentence) "$"
}
function literal(text) {
  gsub(/[][(){}.*+?^$|\\]/, "\\\\&", text)
  return text
}
function is_of(text, reason,  i, without_place) {
  without_place = text
  sub(/ at [^ ]+(, [0-9]+ bytes)?$/, "", without_place)
  for (i = 1; i <= sentences[reason]; i++)
    if (text ~ sentence[reason, i] || without_place ~ sentence[reason, i]) return 1
  return 0
}
# The finding that ends here waits for its reason.
function flush(  reason, i) {
  if (finding == "") return
  if (match(finding, / \[[A-Z0-9]+\/[a-z0-9-]+\]$/)) {
    reason = substr(finding, RSTART + 2, RLENGTH - 3)
    finding = substr(finding, 1, RSTART - 1)
  }
  sub(/^[a-z]+ [A-Z0-9]+ [a-z0-9-]+: /, "", finding)
  waiting[++n] = finding
  finding = ""
  for (i = 1; reason != "" && i <= n; i++)
    if (!is_of(waiting[i], reason)) print page ": " reason " is not told so: " waiting[i]
  if (reason != "") n = 0
}
function finish() {
  flush()
  if (n) print page ": no reason stands behind: " waiting[n]
  n = 0
}
FNR == 1 { finish(); page = FILENAME }
/^OBS\(/ {
  split($0, quoted, "\"")
  split(quoted[1], column, /, */)
  reason = column[2] "/" quoted[2]
  sub(/^OBS\([^"]*"[^"]*", *"/, "")
  sub(/"\)$/, "")
  gsub(/\\"/, "\"")
  sentence[reason, ++sentences[reason]] = pattern($0)
  next
}
page !~ /\.md$/ { next }
/^    (critical|high|medium|low|info) / { flush(); finding = $0; $0 = ""; gsub(/^ +/, "", finding); gsub(/ +/, " ", finding); next }
/^     / && finding != "" { gsub(/^ +/, ""); gsub(/ +/, " "); finding = finding " " $0; next }
{ flush() }
END { finish() }
