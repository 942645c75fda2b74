# A hostile architecture file: what it names is opened beneath its own folder only, as a regular file.
. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" .
cp "$CORPUS/benign/simple_linear.out.npy" outside.npy
mkdir in
mkfifo in/fifo.npy
ln -s ../outside.npy in/link.npy
cp outside.npy in/inside.npy
ln -s . in/here
for golden in /etc/shadow ../outside.npy here/../../outside.npy link.npy fifo.npy . gone.npy inside.npy; do
  sed "s|simple_linear.out.npy|$golden|" "$CORPUS/benign/simple_linear.json" >in/arch.json
  timeout 10 "$CKPTLINT" forward simple_linear.pt --arch in/arch.json >report
  echo "$golden: exit $?$(sed -n 's/.*RUN004 unreadable-input: [^:]*: /, /p' report)"
done
