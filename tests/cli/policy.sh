# Policy files: what they allow, what they may not say, what init writes.
. "$LIB"
for f in z-namespace z-many-classes z-enum-member a05-getattr-unknown-class a01-unlisted-function a05-union-unlisted demo-hostile; do cp "$CASES/$f.pt" .; done
policy() { printf '%s' "$1" >policy.json; }

# The way there and back: what init writes makes the file clean, and no other.
"$CKPTLINT" policy init z-namespace.pt z-many-classes.pt z-enum-member.pt a05-getattr-unknown-class.pt >policy.json 2>report
echo "init: exit $?"
cat policy.json
"$CKPTLINT" --policy policy.json z-namespace.pt z-many-classes.pt z-enum-member.pt a05-getattr-unknown-class.pt -f ndjson |
  sed -n 's/.*"type":"file","path":"\([^"]*\)".*"verdict":"\([^"]*\)".*/\1 \2/p'
body --policy policy.json z-namespace.pt
cp z-namespace.pt other.pt # the same bytes under another name: it is the digest that counts
body --policy policy.json -q other.pt
{ cat z-namespace.pt; printf '\0'; } >longer.pt
"$CKPTLINT" --policy policy.json longer.pt -f ndjson | grep -o 'GLB30[39]/*[a-z]*' | sort | uniq -c
body --policy policy.json --profile weights z-namespace.pt

# What is not safe gets no entry; the report says why.
"$CKPTLINT" policy init demo-hostile.pt a01-unlisted-function.pt 2>report
echo "init: exit $?"
sed '/^Rules .*, sandbox /d; /^System-call filters /d; /^Policy sha256:/d; /^clean means: /d' report

# For every file, and on top of it one for a single file.
policy '{"policy": 1, "allow": {"argparse.Namespace": "data"}}'
body --policy policy.json z-namespace.pt
# A call with plain values is data, a function is what its name says: the person has vouched.
policy '{"policy": 1, "allow": {"colours.Colour": "ours"}}'
body --policy policy.json a05-getattr-unknown-class.pt
# Such a class in a union of types: `Encoder | int`.
policy '{"policy": 1, "allow": {"mycorp.nets.Encoder": "ours", "builtins.int": "a type"}}'
body --policy policy.json a05-union-unlisted.pt
policy '{"policy": 1, "allow": {"colours.Colour": "ours"}}'

# The digest: of the built-in lists, and of what is chosen.
digest() { "$CKPTLINT" "$@" -f ndjson z-namespace.pt | sed -n 's/.*"policy":{"sha256":"\([0-9a-f]*\)".*/\1/p'; }
"$CKPTLINT" version | sed -n 's/^policy sha256:\([0-9a-f]*\) (built in)$/\1/p' >built-in
digest | cmp - built-in
cat "$CORPUS"/../rules/globals/*.def "$CORPUS"/../rules/rules.def "$CORPUS"/../validator/base/obs_*.def | sha256sum | cut -c 1-64 | cmp - built-in
newest=$("$CKPTLINT" -f ndjson z-namespace.pt | sed -n 's/.*"torch_version":"\([^"]*\)".*/\1/p')
text() { { printf 'ckptlint policy 1\nlists %s\n' "$(cat built-in)"; printf '%s\n' "$@"; } | sha256sum | cut -c 1-64; }
[ "$(digest --policy policy.json)" = "$(text 'profile strict' "torch $newest" 'reviewed colours.Colour')" ] && echo 'digest of a file'
[ "$(digest --profile weights --torch-version 2.0 --allow b.C --allow a.B)" = "$(text 'profile weights' 'torch 2.0' 'allow a.B' 'allow b.C')" ] && echo 'digest of options'
sha=$(sha256sum z-namespace.pt | cut -c 1-64)
policy "{\"policy\": 1, \"files\": [{\"size\": 1244, \"sha256\": \"$sha\", \"allow\": {\"b.C\": \"\"}}], \"allow\": {\"a.B\": \"\"}}"
[ "$(digest --policy policy.json)" = "$(text 'profile strict' "torch $newest" 'reviewed a.B' "file $sha" 'reviewed b.C')" ] && echo 'digest of entries'
"$CKPTLINT" --policy policy.json z-namespace.pt | sed -n 's/^Policy sha256:[0-9a-f]*\(.*\)$/Policy sha256:…\1/p'

# ckptlint.json is found, but not beside what is judged.
mkdir -p tree/here/models tree/here/sub
cp z-namespace.pt tree/here/
cp z-namespace.pt tree/here/models/model.pt
ln -s ../models/model.pt tree/here/sub/link.pt
ln -s models/model.pt tree/here/link.pt
policy '{"policy": 1, "allow": {"argparse.Namespace": "data"}}'
mv policy.json tree/here/ckptlint.json
cd tree/here || exit 1
verdict() { "$CKPTLINT" "$@" -f ndjson | grep -oE '"(verdict":"[a-z]*|file":"[a-z.]*|rule":"RUN009)"' | tr '\n' ' '; echo "$*" | sed "s|$PWD|PWD|"; }
verdict models/model.pt
verdict models
verdict sub/link.pt
verdict - <z-namespace.pt
verdict --isolated models
verdict --policy ckptlint.json z-namespace.pt
verdict z-namespace.pt
verdict ./models/../z-namespace.pt
verdict "$PWD/z-namespace.pt"
verdict models/model.pt link.pt
verdict .
verdict ..
body z-namespace.pt
mv ckptlint.json real.json && mkfifo ckptlint.json
run models/model.pt
cd ../..

# What a policy may not say.
wrong() { policy "$1"; "$CKPTLINT" --policy policy.json z-namespace.pt >output; code=$?; printf '%s %s\n' "$code" "$(sed -n 's/^no verdict: //p' output)"; }
zeros=$(printf '%064d' 0)
wrong ''
wrong '[]'
wrong '{}'
wrong '{"policy": 2}'
wrong '{"policy": 1.0}'
wrong '{"policy": 1, "alow": {}}'
wrong '{"policy": 1, "allow": ["a.B"]}'
wrong '{"policy": 1, "allow": {"a.B": 1}}'
wrong '{"policy": 1, "allow": {"a.B": "", "a.B": ""}}'
wrong '{"policy": 1, "allow": {"B": ""}}'
wrong '{"policy": 1, "allow": {"a.*": ""}}'
wrong '{"policy": 1, "allow": {"a.B": "", "os.system": "", "builtins.getattr": "", "functools.partial": ""}}'
wrong '{"policy": 1, "files": {}}'
wrong '{"policy": 1, "files": [{"size": 1, "allow": {}}]}'
wrong "{\"policy\": 1, \"files\": [{\"size\": -1, \"sha256\": \"$zeros\", \"allow\": {}}]}"
wrong "{\"policy\": 1, \"files\": [{\"sha256\": \"$zeros\", \"allow\": {}}]}"
wrong "{\"policy\": 1, \"files\": [{\"size\": 1, \"sha256\": \"$zeros\"}]}"
wrong "{\"policy\": 1, \"files\": [{\"size\": 1, \"sha256\": \"$zeros\", \"alow\": {}}]}"
wrong "{\"policy\": 1, \"files\": [{\"size\": 1, \"sha256\": \"$zeros\", \"allow\": {\"posix.system\": \"\"}}]}"
wrong "{\"policy\": 1, \"files\": [{\"size\": 1, \"sha256\": \"$zeros\", \"allow\": {}}, {\"size\": 1, \"sha256\": \"$zeros\", \"allow\": {}}]}"
wrong "{\"policy\": 1, \"allow\": {$(seq -f '"a.B%.0f": ""' -s , 1 1001)}}"
wrong '{"policy": 1, "allow": {"a.B": ""}} '
code --policy nothing.json z-namespace.pt
code policy z-namespace.pt
code policy init
code policy init nothing.pt
