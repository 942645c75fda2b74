# One hostile file of each family: what a loader would do, and where it would stop.
. "$LIB"
for name in b01-dotted-stack-global.pt b04-memo-overwrite.pt b05-computed-module.pt b09-inst.pkl b09-obj-popped.pt b10-newobj-ex.pt \
  b11-reduce-then-build.pt b12-build-on-class.pt b13-ext1.pt b14-persid-text.pt c10-dup.pkl c13-append-to-text.pkl \
  a11-call-then-bad-memo.pt d-cut-object.pt g01-memo-doubling.pkl; do
  echo "$name"
  "$CKPTLINT" inspect --pickle "$CASES/$name" | grep -E '# at \+0x' | head -24
done
