#!/bin/sh
# replay.sh PROGRAM.replay...: each over its kept corpus, one test per program.
# EMULATOR, if set, is the command that runs them.
set -u
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
for t in "$@"; do
	name=${t##*/f_}
	name=${name%.replay}
	corpus=$here/corpus/$name
	if [ ! -d "$corpus" ]; then
		echo "FAIL $name: no corpus in $corpus"
		failed=$((failed + 1))
	elif ${EMULATOR:-} "$t" "$corpus"; then
		echo "ok   $name"
		passed=$((passed + 1))
	else
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
