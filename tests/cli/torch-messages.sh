. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" f.pt
cat > other.json <<'END'
{"arch": 1, "name": "Other", "modules": {"linear": "Linear(10, 3)", "out": "Linear(3, 1)"}}
END
body check --torch-messages --arch simple_linear f.pt
body check --torch-messages --arch other.json f.pt
body check --torch-messages --no-strict --arch other.json f.pt
