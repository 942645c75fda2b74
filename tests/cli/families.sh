. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" f.pt
mkdir more
cat > more/tiny.json <<'END'
{"arch": 1, "name": "Tiny", "match": {"model_type": "tiny"},
 "config": {"hidden": 4}, "presets": {"tiny-base": {"hidden": 10}, "tiny-large": {"hidden": 20}},
 "modules": {"linear": "Linear(hidden, 2)"}}
END
echo '{"model_type": "tiny", "hidden": 10}' > config.json
echo '{"model_type": "tinny", "hidden": 10}' > other.json
body check --arch simple_linear f.pt
body check --arch simple_liner f.pt
body check --arch nosuch.json f.pt
body check --families more --arch tiny-base f.pt
body check --families more --arch tiny-large f.pt
body check --families more --config config.json f.pt
body check --families more --config other.json f.pt
body check --families nosuch --arch tiny f.pt
code check f.pt
