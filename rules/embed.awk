# Turns files into a table that rules/texts.h declares:
#     LC_ALL=C awk -v table=rule_pages -f rules/embed.awk rules/doc/*.md </dev/null >rule_pages.c
# A text is named after its file, a page without the ending: rules/doc/GLB301.md is GLB301. The front matter of a page, which
# repeats rules.def, stays out.

function finish() { if (name != "") printf "  \"\"},\n" }

BEGIN {
  print "/* Made by rules/embed.awk. */"
  print "#include \"rules/texts.h\""
  print ""
  print "#pragma GCC diagnostic ignored \"-Woverlength-strings\" /* ISO C promises 4,095 bytes; compilers have no limit */"
  print "const struct embedded_text " table "[] = {"
}

FNR == 1 {
  finish()
  name = FILENAME
  sub(/.*\//, "", name)
  sub(/\.md$/, "", name)
  printf "  {\"%s\",\n", name
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
