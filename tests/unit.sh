#!/bin/sh
# unit.sh PROGRAM...: runs cmocka programs, counts their tests one by one.
# A program that dies without a word counts as one failure. EMULATOR, if set, is
# the command that runs them.
set -u
TSAN_OPTIONS="suppressions=${0%/*}/tsan.supp ${TSAN_OPTIONS:-}"
export TSAN_OPTIONS
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for t in "$@"; do
	${EMULATOR:-} "$t" >"$out" 2>&1
	status=$?
	p=$(grep -c '^\[       OK \]' "$out")
	s=$(grep -c '^\[  SKIPPED \] [^0-9]' "$out")
	# cmocka says FAILED once where it happens and once in its summary
	f=$(grep '^\[  FAILED  \]' "$out" | grep -vc '^\[  FAILED  \] [0-9]')
	[ "$f" -gt 0 ] && f=$(grep '^\[  FAILED  \]' "$out" |
		grep -v '^\[  FAILED  \] [0-9]' | awk '{print $NF}' | sort -u | wc -l)
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [ "$status" -ne 0 ]; then
		echo "FAIL ${t##*/} (exit $status)"
		cat "$out"
	else
		echo "ok   ${t##*/}: $p"
		grep 'no right to' "$out"
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
