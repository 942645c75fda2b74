# Sourced by a script that writes a folder anew: new_folder FOLDER has the script write to $new, keep_folder puts that in the place
# of FOLDER at once. Of two that run at the same time the readers see one's work or the other's, never half of it.
new_folder() {
  new=$1.new.$$
  rm -rf "$new"
  mkdir -p "$new"
  trap 'rm -rf "$new" "$new.old"' EXIT
}
keep_folder() {
  mkdir -p "$new.old"
  [ ! -d "$1" ] || mv -T "$1" "$new.old" 2>/dev/null || true
  mv -T "$new" "$1" 2>/dev/null || true # the other was quicker
}
