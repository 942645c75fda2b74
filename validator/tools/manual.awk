# The manual page, from what `ckptlint help` says: stdin has the overview, then for each command a line "@ NAME" and its help.
# Version in -v version. Options come once, in the order in which the commands have them; each command names its own, but for the
# limits.
function roff(s) {
  gsub(/\\/, "\\e", s)
  gsub(/-/, "\\-", s)
  return s ~ /^[.']/ ? "\\&" s : s
}
function entry(left, text) { printf ".TP\n.B %s\n%s\n", roff(left), roff(text) }
# "  left   text", whose text goes on in lines that begin far to the right.
function flush() {
  if (left == "") return
  if (command == "")
    entry(left, text)
  else {
    name = left
    sub(/^-., /, "", name)
    sub(/[ =[].*/, "", name)
    if (left ~ /^--\[no-\]/) name = left
    if (heading !~ /^Limits/) names[command] = names[command] (names[command] == "" ? "" : ", ") name
    if (!(left in told)) { told[left] = text; group[++num] = heading; option[num] = left }
    if (!(heading in seen)) { seen[heading] = 1; groups[++num_groups] = heading }
  }
  left = text = ""
}

BEGIN {
  printf ".TH CKPTLINT 1 \"\" \"ckptlint %s\" \"User Commands\"\n.SH NAME\nckptlint \\- judges an untrusted PyTorch checkpoint\n", version
  printf ".SH DESCRIPTION\n"
}
/^@ / { flush(); command = $2; order[++num_commands] = command; line = 0; next }
{ line++ }
command != "" && line == 1 { usage[command] = $0; next }
command != "" && line == 2 { next } # the overview has it
/^$/ { flush(); next }
/^  [^ ]/ {
  flush()
  left = substr($0, 3)
  at = match(left, /  +/)
  if (at) { text = substr(left, at + RLENGTH); left = substr(left, 1, at - 1) }
  next
}
/^ / { sub(/^ +/, ""); text = text (text == "" ? "" : " ") $0; next }
/^The options of a command/ { next }
{ flush(); heading = $0 }
command == "" && line <= 2 { print roff($0); next }
command == "" { printf ".SH %s\n", toupper($0) }
END {
  flush()
  printf ".SH OPTIONS OF THE COMMANDS\nThose that read checkpoints take the limits, too.\n"
  for (i = 1; i <= num_commands; i++)
    if (names[order[i]] != "") entry(usage[order[i]], names[order[i]])
  printf ".SH OPTIONS\n"
  for (g = 1; g <= num_groups; g++) {
    printf ".SS %s\n", roff(groups[g])
    for (i = 1; i <= num; i++)
      if (group[i] == groups[g]) entry(option[i], told[option[i]])
  }
  printf ".SH ENVIRONMENT\n"
  entry("NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM", "colours, where --color does not say")
  entry("LC_ALL, LC_CTYPE, LANG", "whether a terminal shows UTF-8")
  printf ".PP\nNo variable changes the sandbox, the profile, the lists or what fails.\n"
  printf ".SH FILES\n"
  entry("ckptlint.json", "of the working directory: the policy, unless it stands beside an input; see --policy")
}
