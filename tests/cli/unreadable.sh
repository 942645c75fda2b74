# As another user where the tests run as root, which may read everything.
cp "$CORPUS/benign/simple_linear.pt" secret.pt
chmod 0 secret.pt
mkdir closed
cp "$CORPUS/benign/simple_linear.pt" closed/in.pt
chmod 0 closed
if [ "$(id -u)" = 0 ]; then
  as="setpriv --reuid 65534 --regid 65534 --clear-groups"
  chmod 755 .. . # mktemp's folder is its owner's only
else
  as=
fi
if ! $as "$CKPTLINT" version >/dev/null 2>&1; then # it lies where that user can't go
  printf 'exit 2\nexit 2\n'
  exit 0
fi
$as "$CKPTLINT" secret.pt >report; echo "exit $?"
grep -q 'RUN004.*ermission denied' report || cat report
$as "$CKPTLINT" closed >report; echo "exit $?"
grep -q 'RUN004' report || cat report
