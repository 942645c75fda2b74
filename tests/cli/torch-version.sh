. "$LIB"
cp "$CASES/z-float8.pt" f.pt
cp "$CASES/z-enum-member.pt" member.pt
cp "$CASES/a05-getattr-unknown-class.pt" enum.pt
body f.pt
body --torch-version 2.0 f.pt
body --torch-version 2.1 f.pt
code --torch-version 2.99 f.pt
code --torch-version two f.pt
body member.pt
body enum.pt
body --allow colours.Colour enum.pt
code --allow os.system f.pt
code --allow colours f.pt
