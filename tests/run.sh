#!/bin/bash
# run.sh: every suite in turn, for `make check`. Logs in build/check; what fails
# is shown. Ends with "N passed, N failed" alone on a line.
set -u
cd "$(dirname "$0")/.." || exit 1
MAKE=${MAKE:-make} BUILD=${BUILD:-build} JOBS=${JOBS:--j2}
logs=$BUILD/check
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0 skipped=0

# suite NAME COMMAND...: a suite whose log ends with a count adds that count,
# any other counts as one test. One that tested nothing has failed, and so has a
# test that was skipped: `make deps-check` installs every tool. Only a right the
# machine does not give (to mount, to make a network) may be missing; the reason
# then says "no right to".
suite()
{
	local name=$1 log=$logs/$1.log start=$SECONDS status line rights p f s
	shift
	"$@" >"$log" 2>&1
	status=$?
	line=$(grep -Ex '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$log" | tail -n 1)
	if [ -n "$line" ]; then
		read -r p f s < <(tr -c '0-9\n' ' ' <<<"$line")
		s=${s:-0}
		rights=$(grep -c 'no right to' "$log")
		if [ "$s" -gt "$rights" ]; then
			f=$((f + s - rights)) s=$rights
		fi
		if [ "$f" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((p + s)) -eq 0 ]; }; then
			f=1
		fi
	elif [ "$status" -eq 0 ]; then
		p=1 f=0 s=0
	else
		p=0 f=1 s=0
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-16s %4d passed, %d failed, %d skipped  (%d s)\n' \
		"$name" "$p" "$f" "$s" $((SECONDS - start))
	if [ "$f" -gt 0 ]; then
		echo "---- $log"
		tail -n 200 "$log"
		echo "---- end of $log"
	fi
}

suite unit "$MAKE" --no-print-directory unit
suite layers "$MAKE" --no-print-directory layers
suite layers-selftest "$MAKE" --no-print-directory layers-selftest
suite mutate-selftest "$MAKE" --no-print-directory mutate-selftest
suite paths "$MAKE" --no-print-directory paths
suite fmt "$MAKE" --no-print-directory fmt-check
suite asan-build "$MAKE" --no-print-directory "$JOBS" V=asan all unit-build
suite asan "$MAKE" --no-print-directory V=asan unit
suite replay "$MAKE" --no-print-directory "$JOBS" V=asan replay
suite fuzz "$MAKE" --no-print-directory fuzz
suite sim "$MAKE" --no-print-directory sim-check
suite fault "$MAKE" --no-print-directory fault-sample
suite hostile "$MAKE" --no-print-directory hostile-sample
suite e2e "$MAKE" --no-print-directory e2e
suite browser "$MAKE" --no-print-directory browser
suite net "$MAKE" --no-print-directory net NET=test_links
suite e2e-asan "$MAKE" --no-print-directory V=asan e2e

echo
if [ "$skipped" -gt 0 ]; then
	echo "($skipped skipped; why is in $logs)"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
