# shellcheck shell=sh
# Sourced first by the demo's scripts: the clock and the voice of its timeline.

# macOS has shasum instead.
command -v sha256sum >/dev/null || sha256sum() { shasum -a 256; }

# Prints the time in ms since $START (unix ms), or the unix time without it; in whole seconds where date knows no more.
now() {
    now=$(date +%s%3N)
    case $now in *N) now=$(date +%s)000 ;; esac
    echo $((now - ${START:-0}))
}

# say WHO WORD...: one line of the timeline; a file name in it may hold anything, so control characters become '?'.
say() {
    who=$1
    shift
    printf '%6d ms  %-9s %s\n' "$(now)" "$who" "$(printf %s "$*" | tr '[:cntrl:]' '?')"
}
