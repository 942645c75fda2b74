# Files below it, in the order of their paths; what is no checkpoint is passed over. A link to a file beneath it is that
# file under another name, one that leads out of it can't be judged, and that is said.
. "$LIB"
mkdir -p models/deeper models/nothing
cp "$CORPUS/benign/simple_linear.pt" models/b.pt
cp "$CORPUS/benign/simple_model.pt" models/deeper/a.pt
cp "$CASES/demo-hostile.pt" models/c.bin
echo 'a text' >models/README.md
ln -s /etc models/link
ln -s ../b.pt models/deeper/again.pt
run models | grep -v '^  *→'
run models/nothing
