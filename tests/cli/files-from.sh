. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" a.pt
cp a.pt 'with blank.pt'
newline='with
newline.pt'
cp a.pt "$newline"
printf 'a.pt\n\nwith blank.pt\n' >list
code --files-from list
printf 'a.pt\nwith blank.pt' | code --files-from -
printf 'a.pt\000with blank.pt\000%s\000' "$newline" >list0
"$CKPTLINT" -0 --files-from list0 | grep checked:
printf 'a.pt\ngone.pt\n' | code --files-from -
code --files-from gone
code --files-from list0
code -0 a.pt
: | code --files-from -
