# bash completion for netrec(1) and netrec-record(8). What the programs say in --help is what is
# offered, so the two cannot differ.

# Prints the subcommands, or the options of one: _netrec_offer PROGRAM [SUBCOMMAND]
_netrec_offer() {
  if [[ $1 == *netrec && -z ${2:-} ]]; then
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  *[A-Z].*/\1/p'
  fi
  # shellcheck disable=SC2086 # no subcommand is no word
  "$1" ${2:-} --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u
}

_netrec() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i - 1]} == -* ]] || { command=${COMP_WORDS[i]} && break; }
  done
  case $before in
    -f | --file | -o | --output | --sqlite | verify)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      compopt -o filenames 2>/dev/null
      return
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$(_netrec_offer "$1" "$command")" -- "$word")
}

complete -F _netrec netrec netrec-record
