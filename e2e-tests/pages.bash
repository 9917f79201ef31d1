#!/usr/bin/env bash
# Runs the commands of pages. A fence such as ```sh exempt names its commands.

# Prints the commands of a page with this name.
commands_of() { # PAGE NAME
  awk -v fence="\`\`\`sh $2" '
    { line = $0; sub(/^ */, "", line) }
    inside && line ~ /^```/ { exit }
    inside { print substr($0, indent + 1) }
    line == fence { inside = 1; indent = length($0) - length(line) }' "$1"
}

# Runs the commands of a page in a folder (default: the folder of the test). Uses the program from the PATH, like a user.
follow() { # PAGE NAME [FOLDER]
  local folder=${3:-$BATS_TEST_TMPDIR} commands=$BATS_TEST_TMPDIR/commands program
  program=$(dirname "$(realpath "$PROGRAM")")
  commands_of "$1" "$2" >"$commands"
  [[ -s $commands ]] || { echo "$1 has no commands \"$2\""; return 1; }
  [[ -e $folder/monitoring ]] || ln -s "$PWD/monitoring" "$folder"
  (cd "$folder" && PATH=$program:$PATH bash -e -o pipefail "$commands")
}

# Fails unless the test file follows all named commands of the pages.
runs_all_of() { # PAGE…
  local page name
  for page in "$@"; do
    while read -r name; do
      grep --quiet "follow $page $name\b" "$BATS_TEST_FILENAME" || { echo "$page: \"$name\" is not run"; return 1; }
    done < <(sed -n 's/^ *```sh \([a-z-]*\)$/\1/p' "$page")
  done
}
