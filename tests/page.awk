# The examples of a page: ```json file=NAME blocks become files, ```console blocks a script that prints each command and
# what the program says to it. Variables: dir, the folder; show=1 prints what the page shows instead.
/^```json file=/ { file = dir "/" substr($0, 14); json = 1; next }
/^```console/ { console = 1; next }
/^```/ { if (json) close(file); json = console = 0; next }
json && !show { print >file }
console && show { print }
console && !show && /^\$ / { print substr($0, 3) }
