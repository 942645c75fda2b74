# What a check answers where the weights lie elsewhere, one key is too many, or bytes are not read.
. "$LIB"
# safetensors NAME 'header' 'numbers': the header is shorter than 256 bytes
safetensors() {
  printf "\\$(printf %o ${#2})\\0\\0\\0\\0\\0\\0\\0%s$3" "$2" >"$1"
}
one='\000\000\200\077' two='\000\000\000\100'
safetensors tied.safetensors \
  '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"n":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}' \
  "$one$two$one$one$one$two"
cat >tied.json <<'END'
{"arch": 1, "modules": {"a": "Parameter(2)", "b": "Parameter(2)", "n": "Buffer(2, value=arange(1, 3))"}, "tie": [["b", "a"]]}
END
body check --arch tied.json tied.safetensors
body check --depth quick --arch tied.json tied.safetensors
cat >wish.json <<'END'
{"arch": 1, "checkpoint": {"state_dict": "model"}, "modules": {"a": "Parameter(2)", "b": "Parameter(2)"}}
END
body check --arch wish.json tied.safetensors
cat >wish.json <<'END'
{"arch": 1, "checkpoint": {"state_dict": "model"}, "modules": {"linear": "Linear(10, 1)"}}
END
cp "$CORPUS/benign/whole_module.pt" "$CORPUS/benign/simple_linear.pt" .
body check --allow __main__.SimpleModel --arch wish.json whole_module.pt
cat >layers.json <<'END'
{"arch": 1, "modules": {"lin.{i < 1}": "Linear(10, 2)"}}
END
body check --arch layers.json simple_linear.pt
# Nothing to compare: what the architecture would need is no matter.
printf '\200\002}q\000X\002\000\000\000lrq\001K\001s.' >settings.pkl
body check --arch complex_model settings.pkl
# A config that lacks a value, and a class that the file has no root for.
cat >lacks.json <<'END'
{"arch": 1, "config": {"inputs": null, "outputs": null}, "modules": {"linear": "Linear(inputs, outputs)"}}
END
body check --arch lacks.json simple_linear.pt
cat >roots.json <<'END'
{"arch": 1, "blocks": {"A()": {"modules": {"linear": "Linear(10, 2)"}}, "B()": {"modules": {"other": "Linear(10, 2)"}}},
 "roots": {"B": "B()", "A": "A()"}}
END
echo '{"architectures": ["AWithValueHead"]}' >config.json
body check --arch roots.json --config config.json simple_linear.pt
body check --arch roots.json --config config.json --set architectures=A simple_linear.pt
# strict=False passes over a missing key, and so does the exit code.
cat >more.json <<'END'
{"arch": 1, "modules": {"linear": "Linear(10, 2)", "head": "Linear(2, 2)"}}
END
body check --no-strict --arch more.json simple_linear.pt
