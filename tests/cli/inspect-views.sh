. "$LIB"
cp "$CASES/z-state-dict.pt" s.pt
body inspect s.pt
body inspect --tree s.pt
body inspect --globals s.pt
body inspect --members s.pt
body inspect --tensors --key 'w*' --stats --hash sha256 s.pt
