. "$LIB"
for f in z-numpy-scalar z-namespace z-defaultdict z-many-classes z-float8; do cp "$CASES/$f.pt" .; done
body inspect z-float8.pt
body z-numpy-scalar.pt
body --torch-version 2.5 z-numpy-scalar.pt
body z-defaultdict.pt
body --torch-version 2.9 z-defaultdict.pt
# However long the line is, on however narrow a terminal, it is one line.
body z-many-classes.pt
"$CKPTLINT" -f ndjson z-float8.pt | grep -c '"safe_globals"'
"$CKPTLINT" -f ndjson z-namespace.pt | sed -n 's/.*"safe_globals":{\([^}]*\)}.*/\1/p'
