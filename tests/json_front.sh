#!/bin/sh
# One way in for JSON: only base/json.c may call cJSON's parser, behind its own validator; and nobody may look keys up
# in the way that ignores case. Run from the top folder; prints the offending lines and exits 1 if there are any.
set -u
bad=0
complain() { # what, lines
  [ -z "$2" ] && return
  printf '%s\n%s\n' "$1" "$2"
  bad=1
}
complain 'cJSON parser called outside validator/base/json.c:' \
  "$(grep -rnE 'cJSON_Parse' --include='*.[ch]' validator rules sandbox | grep -v '^validator/base/json\.c:')"
complain 'lookup that ignores case (use json_get):' \
  "$(grep -rnE 'cJSON_(GetObjectItem|HasObjectItem|DetachItemFromObject|DeleteItemFromObject|ReplaceItemInObject) *\(' \
    --include='*.[ch]' validator rules sandbox)"
[ "$bad" = 0 ] && grep -q 'cJSON_ParseWithLength' validator/base/json.c || exit 1
echo 'json_front: ok'
