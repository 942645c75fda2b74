#!/bin/sh
# The command line's goldens below valgrind's memcheck, broker and workers: no invalid read or write, no use of what was never
# written. (A worker gives nothing back when it ends: lost blocks are for ASan and the soak.) What is printed is not compared:
# without the filters, which valgrind's own calls would break, reports say so. For the night: ten minutes and more. Ends with "N passed, N failed".
#   OUT             the folder of the programs
#   VALGRIND_ONLY   names of tests/cli, if not all
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
OUT=${OUT:-$top/build/release}
command -v valgrind >/dev/null || { echo "SKIPPED valgrind: it is not installed"; exit 0; }
work=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
passed=0 failed=0
mkdir "$work/logs"
cat >"$work/ckptlint" <<END
#!/bin/sh
case " \$* " in
*' --sandbox '*) ;;
*) set -- "\$@" --sandbox none ;;
esac
exec env LD_PRELOAD=$OUT/tests/valgrind/shim.so valgrind -q --leak-check=no --log-file=$work/logs/%p $OUT/ckptlint "\$@"
END
chmod +x "$work/ckptlint"
"$OUT/corpus/gen" "$work/cases" || exit 1
CKPTLINT=$work/ckptlint GEN=$OUT/corpus/gen CORPUS=$top/corpus LIB=$top/tests/cli/lib CASES=$work/cases
export CKPTLINT GEN CORPUS LIB CASES
for script in tests/cli/*.sh; do
  name=$(basename "$script" .sh)
  case " ${VALGRIND_ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
  mkdir "$work/$name"
  (cd "$work/$name" && sh "$top/$script") >"$work/output" 2>&1
  # The calls that it does not know are told with two dashes before the number.
  if grep -hs '^==' "$work"/logs/* | head -n 30 >"$work/said" && [ -s "$work/said" ]; then
    failed=$((failed + 1))
    echo "FAILED $name"
    cat "$work/said"
  else
    passed=$((passed + 1))
    echo "ok $name"
  fi
  rm -f "$work"/logs/*
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
