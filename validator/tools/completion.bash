# bash completion for ckptlint: commands, options, and the words that an option takes, all as `ckptlint help` has them.
_ckptlint() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=scan words='' help word
  local commands
  commands=$(ckptlint help 2>/dev/null | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if grep -qxF -- "$word" <<<"$commands"; then command=$word && break; fi
  done
  help=$(ckptlint help "$command" 2>/dev/null)
  if [[ $cur == -* ]]; then
    words=$(sed -n 's/\[no-\]/no-/; s/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p' <<<"$help")
  elif [[ $prev =~ ^--?[a-z-]+$ ]]; then # "-f, --format text|json"
    words=$(sed -n "s/^  \(-., \)\{0,1\}$prev\(, --[a-z-]*\)\{0,1\} \([a-z0-9]*|[a-z0-9|]*\).*/\3/p" <<<"$help")
  elif [ "$COMP_CWORD" = 1 ]; then
    words=$commands
  fi
  COMPREPLY=()
  [ -z "$words" ] || mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$cur")
}
complete -o bashdefault -o default -F _ckptlint ckptlint
