#!/bin/bash
# sweep.sh SIMULATE SIMULATE_ASAN: the simulator's part of `make check`. Whether
# the rows of mutants.txt fit the sources, kept seeds, a sweep, and the same trace
# from both builds. Ends with
# "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
sim=$1 asan=$2 passed=0 failed=0
FROM=${FROM:-1} SWEEP=${SWEEP:-25}

bad()
{
	failed=$((failed + 1))
	printf '%s\n' "$@"
}

if text=$("${PYTHON:-/usr/bin/python3}" tests/sim/mutants.py --fit); then
	passed=$((passed + 1))
else
	bad "mutants.txt has rows that do not fit the sources:" "$text"
fi

while read -r line; do
	args=${line%%#*}
	[ -n "${args// /}" ] || continue
	# shellcheck disable=SC2086
	if text=$("$sim" $args -q 2>&1); then
		passed=$((passed + 1))
	else
		bad "kept seed: $line" "$text"
	fi
done <tests/sim/seeds.txt

# The same seeds every day: what is checked is the program. New ones are for
# campaigns.
sweep()
{
	text=$("$sim" "$FROM" "$@" -q 2>&1)
	last=$(tail -n 1 <<<"$text")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
	else
		bad "the sweep stopped"
	fi
	[[ $last == *", 0 failed" ]] || printf '%s\n' "$text"
}
sweep "$SWEEP"
sweep 2 --nodes 20 --calendar --minutes 20160
sweep 3 --faults revoke,cut,crash

# What these floods met: else they would show nothing.
meets()
{
	local text kind kinds=$1
	shift
	text=$("$sim" "$@")
	for kind in $kinds; do
		if [[ $text == *" 0 failed" && $text == *" $kind="* ]]; then
			passed=$((passed + 1))
		else
			bad "no flood met '$kind': $*" "$text"
		fi
	done
}
meets "over-share over-waiting no-room put-off" 1 4 --faults floods,cut,outage
meets "dones held let-go" 5 --faults floods --minutes 60 --flood 1500

# The same seed is the same run on every build, to the last message.
for run in "1 --minutes 8" "2 --minutes 8" "3 --calendar --minutes 2880"; do
	# shellcheck disable=SC2086
	a=$("$sim" $run | head -n 1) b=$("$asan" $run | head -n 1)
	if [ -n "$a" ] && [ "$a" = "$b" ]; then
		passed=$((passed + 1))
	else
		bad "not the same on release and asan:" "$a" "$b"
	fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
