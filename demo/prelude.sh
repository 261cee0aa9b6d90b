# shellcheck shell=sh
# Sourced first by the demo's scripts: the clock and the output of the timeline, and helpers to query the server.

# macOS has shasum instead.
command -v sha256sum >/dev/null || sha256sum() { shasum -a 256; }

# Prints the time in ms since $START (unix ms), or the unix time without it; in whole seconds if date has no fractions.
now() {
    now=$(date +%s%3N)
    case $now in *N) now=$(date +%s)000 ;; esac
    echo $((now - ${START:-0}))
}

# say WHO WORD...: one line of the timeline; file names may contain anything, so control characters become '?'.
say() {
    who=$1
    shift
    printf '%6d ms  %-9s %s\n' "$(now)" "$who" "$(printf %s "$*" | tr '[:cntrl:]' '?')"
}

# fail WORD...: reports that the demo failed, and ends the script.
fail() {
    say demo "FAILED: $*"
    exit 1
}

redis() { "$CLI" -e -p "$PORT" "$@"; }

# Prints the value after the line that is the name $1, as redis-cli prints a map.
value() { sed -n "/^$1\$/{n;p;}"; }

# Prints the server's time, unix ms.
server_time() { redis TIME | { read -r s && read -r us && echo $((s * 1000 + us / 1000)); }; }

# connect REPLIES: opens a connection that stays open until this process ends, however it ends: a redis-cli that takes
# commands from descriptor 3 and writes the replies to the file REPLIES. Children that outlive it must not inherit it.
connect() {
    commands=$RUN/commands.$$
    mkfifo "$commands"
    "$CLI" -p "$PORT" <"$commands" >"$1" 2>/dev/null &
    exec 3>"$commands"
    rm "$commands"
}
