# Turns the rule pages into the table that rules/pages.h declares:
#     LC_ALL=C awk -f rules/embed.awk rules/doc/*.md </dev/null >rule_pages.c
# A page is named after its file: rules/doc/GLB301.md is GLB301. Its front matter, which repeats rules.def, stays out.

function finish() { if (page != "") printf "  \"\"},\n" }

BEGIN {
  print "/* Made from rules/doc/ by rules/embed.awk. */"
  print "#include \"rules/pages.h\""
  print ""
  print "#pragma GCC diagnostic ignored \"-Woverlength-strings\" /* ISO C promises 4,095 bytes; compilers have no limit */"
  print "const struct rule_page rule_pages[] = {"
}

FNR == 1 {
  finish()
  page = FILENAME
  sub(/.*\//, "", page)
  sub(/\.md$/, "", page)
  printf "  {\"%s\",\n", page
  front = $0 == "---"
  if (front) next
}

front {
  front = $0 != "---"
  next
}

{
  gsub(/[\\"?]/, "\\\\&") # "?" because two of them may begin a trigraph
  gsub(/\t/, "  ")
  printf "  \"%s\\n\"\n", $0
}

END {
  finish()
  print "  {0, 0}};"
}
