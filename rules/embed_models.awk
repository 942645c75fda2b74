# Turns the architecture files into the table that rules/families.h declares:
#     LC_ALL=C awk -f rules/embed_models.awk rules/models/*.json </dev/null >family_texts.c

function finish() { if (name != "") printf "  ;\n" }

BEGIN {
  print "/* Made from rules/models/ by rules/embed_models.awk. */"
  print "#include \"rules/families.h\""
  print ""
  print "#pragma GCC diagnostic ignored \"-Woverlength-strings\" /* ISO C promises 4,095 bytes; compilers have no limit */"
}

FNR == 1 {
  finish()
  name = FILENAME
  sub(/.*\//, "", name)
  names[++n] = name
  printf "static const char text_%d[] =\n", n
}

{
  gsub(/[\\"?]/, "\\\\&") # "?" because two of them may begin a trigraph
  gsub(/\t/, "  ")
  printf "  \"%s\\n\"\n", $0
}

END {
  finish()
  print "const struct family_text family_texts[] = {"
  for (i = 1; i <= n; i++) printf "  {\"%s\", text_%d, sizeof text_%d - 1},\n", names[i], i, i
  print "  {0, 0, 0}};"
}
