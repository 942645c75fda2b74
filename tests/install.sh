#!/bin/sh
# `make install` as a packager calls it, and a program of somebody else against what it put there: the one header, the library
# both ways, as pkg-config says. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
[ "${MODE:-release}" = release ] || { echo "SKIPPED install: only the release build is installed"; exit 0; }
. tests/lib
root=${work:?}/root
make -n | grep -q 'ln -sf .* build/ckptlint'
check "make alone builds the program" $?
make -s install DESTDIR="$root" PREFIX=/opt/c LIBDIR=/opt/c/lib64
check "it installs" $?
(cd "$root" && find . -type f -o -type l) | LC_ALL=C sort >"$work/files"
diff - "$work/files" <<"END"
./opt/c/bin/ckptlint
./opt/c/include/ckptlint.h
./opt/c/lib64/libckptlint.a
./opt/c/lib64/libckptlint.so
./opt/c/lib64/libckptlint.so.0
./opt/c/lib64/pkgconfig/ckptlint.pc
./opt/c/share/bash-completion/completions/ckptlint
./opt/c/share/man/man1/ckptlint.1
END
check "the files are those" $?
[ "$(readlink "$root/opt/c/lib64/libckptlint.so")" = libckptlint.so.0 ]
check "a link within the folder" $?

page=$root/opt/c/share/man/man1/ckptlint.1
for option in $("$CKPTLINT" help inspect | sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p'); do
  grep -q "^\.B .*$(printf '%s' "$option" | sed 's/-/\\\\-/g')" "$page"
  check "the manual page has $option" $?
done
for section in DESCRIPTION COMMANDS 'EXIT CODES' OPTIONS ENVIRONMENT; do
  grep -q "^\.SH $section\$" "$page"
  check "the manual page has $section" $?
done
completed() { # words of a command line, the last of which is completed
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ckptlint; echo "${COMPREPLY[*]}"' - \
    "$root/opt/c/share/bash-completion/completions/ckptlint" ckptlint "$@"
}
for words in 'ins:inspect' 'scan --nest:--nested' '--format j:json' 'inspect -f nd:ndjson' 'check --no-s:--no-strict' 'scan ins:'; do
  # shellcheck disable=SC2086 # words of a command line
  [ "$(PATH="$root/opt/c/bin:$PATH" completed ${words%:*})" = "${words#*:}" ]
  check "bash completes ckptlint ${words%:*}" $?
done

cat >"$work/user.c" <<"END"
#include <ckptlint.h>
#include <fcntl.h>
#include <stdio.h>
int main(int argc, char **argv) {
  ckl_session *session = NULL;
  ckl_result *result = NULL;
  int fd = open(argv[argc - 1], O_RDONLY), verdict = -1;
  if (ckl_open(&session, NULL) == CKL_OK && ckl_scan_fd(session, fd, "model.pt", NULL, &result) == CKL_OK)
    verdict = (int)ckl_result_verdict(result);
  if (verdict > CKL_CLEAN) puts(ckl_result_message(result, 0));
  ckl_result_free(result);
  ckl_close(session);
  return verdict;
}
END
"$GEN" "$work" demo-hostile.pt
export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_PATH="$root/opt/c/lib64/pkgconfig"
[ "$(pkg-config --modversion ckptlint)" = "$("$CKPTLINT" version | sed -n '1s/ckptlint \([^ ]*\) .*/\1/p')" ]
check "pkg-config knows the version" $?
# shellcheck disable=SC2046 # words of a command line
gcc -std=c11 -Wall -Wextra -Wpedantic -Werror "$work/user.c" $(pkg-config --cflags --libs ckptlint) -o "$work/shared"
check "a program is linked with the shared library" $?
# shellcheck disable=SC2046
gcc -std=c11 -Wall -Werror "$work/user.c" $(pkg-config --cflags ckptlint) "$root/opt/c/lib64/libckptlint.a" -lcjson -lm -o "$work/static"
check "and with the static one" $?
case " $(pkg-config --static --libs ckptlint) " in *" -lcjson -lm "*) ;; *) false ;; esac
check "pkg-config says what the static one needs" $?
for kind in shared static; do
  (
    export LD_LIBRARY_PATH="$root/opt/c/lib64" PATH="$root/opt/c/bin:$PATH"
    "$work/$kind" corpus/benign/simple_linear.pt
    [ $? -eq 0 ] || exit 1
    "$work/$kind" "$work/demo-hostile.pt" | grep -q 'os.system'
  )
  check "$kind: the program on the PATH judges" $?
done
make -s uninstall DESTDIR="$root" PREFIX=/opt/c LIBDIR=/opt/c/lib64
check "it leaves" $?
[ -z "$(find "$root" -type f -o -type l)" ]
check "and leaves nothing" $?
done_checking
