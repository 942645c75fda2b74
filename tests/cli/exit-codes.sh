. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" clean.pt
cp "$CASES/demo-hostile.pt" unsafe.pt
cp "$CASES/z-namespace.pt" medium.pt
cp "$CASES/h28-nan.pt" high.pt
cp "$CASES/f-lfs-pointer.pt" pointer.pt
cp "$CASES/g05-deep-tuples.pt" limit.pt
mkdir empty
code clean.pt
code medium.pt
code --fail-on medium medium.pt
code --fail-on low clean.pt
code high.pt
code --fail-on critical high.pt
code --fail-on none high.pt
code unsafe.pt
code --fail-on none unsafe.pt
code --fail-on none limit.pt
code pointer.pt
code gone.pt
code clean.pt gone.pt
code pointer.pt high.pt
code clean.pt pointer.pt
code unsafe.pt gone.pt pointer.pt
code --profile weights medium.pt
code empty
code --no-such-option clean.pt
code --format yaml clean.pt
code --fail-on sometimes clean.pt
code --depth 3 clean.pt
code --allow os.system clean.pt
code
code check clean.pt
code check clean.pt --arch gone.json
code explain GLB301
code explain NOPE999
code version
code help
code --help
code --version
code rules
code doctor
"$CKPTLINT" clean.pt >/dev/full 2>&1
echo "$? >/dev/full"
"$CKPTLINT" --format json clean.pt >/dev/full 2>&1
echo "$? --format json >/dev/full"
