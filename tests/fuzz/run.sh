#!/bin/sh
# run.sh BINARIES BUILD [SECONDS]: a short libFuzzer run of every target from
# its kept corpus. What it finds anew goes to BUILD/fuzz, never to the corpus.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=$1 build=$2 total=${3:-${FUZZ_SECONDS:-20}}
passed=0 failed=0
set -- "$here"/f_*.c
[ -e "$1" ] || set --
[ $# -eq 0 ] || each=$((total / $#))
[ "${each:-1}" -gt 0 ] || each=1
for c in "$@"; do
	name=${c##*/f_}
	name=${name%.c}
	found=$build/fuzz/$name
	mkdir -p "$found/new"
	found=$(cd "$found" && pwd) # a target may change its directory
	# a target may know what libFuzzer must be told
	flags=$(sed -n 's/^ \* libFuzzer: \([^*]*\)\*\{0,1\}.*/\1/p' "$c")
	# the corpus is read whole first; then until the runs or the time is over
	# shellcheck disable=SC2086
	if "$bin/f_$name" -runs=200000 -max_total_time="$each" -seed=1 \
		-timeout=120 -rss_limit_mb=2048 -artifact_prefix="$found/" \
		-print_final_stats=1 $flags "$found/new" "$here/corpus/$name" \
		>"$found/log" 2>&1; then
		runs=$(awk '/number_of_executed_units/{print $2}' "$found/log")
		echo "ok   $name: $runs runs"
		passed=$((passed + 1))
	else
		echo "FAIL $name: the input is kept in $found"
		tail -n 60 "$found/log"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
