# SPDX-License-Identifier: BSD-2-Clause
# Completion for bash: commands, options, the values of options that have a few, and file names. Options are read from
# the program's own help, so that they are those of the program that is installed.

# The options of command $2, as the program $1 tells them.
_unfurl_options() {
  "$1" "$2" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# The solvers, and auto, as command $2 lists them when it is given a wrong one.
_unfurl_algos() {
  "$1" "$2" --algo '?' 2>&1 | sed -n 's/.*there are //p' | tr -d ,
}

_unfurl() {
  local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option value=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    local commands
    commands=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$commands help --help --version" -- "$current")
    return
  fi

  # Bash splits --option=value at the equals sign.
  option=${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $current == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 1]} current=
  fi

  case $command:$option in
    help:*) value="run verify bench inspect lecture" ;;
    *:--algo) value=$(_unfurl_algos "$program" "$command") ;;
    *:--resize) value="stretch crop pad" ;;
    *:--filter) value="bilinear bicubic" ;;
    *:--plan) value="estimate measure" ;;
    bench:-o) value="md jsonl csv json" ;;
    inspect:-o) value="text json" ;;
    bench:--batch | *:--labels | *:--truth | *:--list | *:--input | *:--maps | *:--dump | *:--report | *:--wisdom | run:-o) ;;
    *:--batch | *:--mb | *:--threads | *:--top | *:--tolerance | *:--rtol | *:--atol) return ;;
    *:--scale | *:--mean | *:--std | *:--shape) return ;;
    *) [[ $current == -* ]] && value=$(_unfurl_options "$program" "$command") ;;
  esac
  if [[ -n $value ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$value" -- "$current")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

complete -F _unfurl unfurl
