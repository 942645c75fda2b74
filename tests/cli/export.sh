. "$LIB"
# What torch.export.save writes: its weights are listed and proved, the program in it is not judged.
cp "$CASES/z-export.pt2" .
body inspect --tensors z-export.pt2
