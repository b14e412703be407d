#!/bin/bash
# selftest.sh: a made-up room, test and simulator, in which it is known what lives
# and what is killed. A tool that counts kills must be able to miss one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PYTHON=${PYTHON:-/usr/bin/python3}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
unset BUILD CC V MAKEFLAGS MFLAGS
passed=0 failed=0

# check WHAT COMMAND...: quiet unless the command fails
check()
{
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		echo "ok   $what"
	else
		failed=$((failed + 1))
		echo "FAIL $what"
		cat out
	fi
}
# mutate ARGUMENT...: a run of the tool; says in $status how it ended
mutate()
{
	"$PYTHON" "$here/mutate.py" . src/toy "$@" >out 2>&1
	status=$?
}
says()
{
	grep -qF -- "$1" out
}
says_not()
{
	! grep -qE -- "$1" out
}
ends()
{
	[ "$status" -eq "$1" ] && [ "$(tail -n 1 out)" = "$2" ]
}

mkdir -p src/kinds src/toy tests/unit tests/mutate
cat >src/kinds/kinds.c <<'E'
/* A comment where a < b is not code. */
#include <assert.h>
#define UNUSED(x) ((x) == 7)

static const char text[] = "a < b && c";
static const int table[2] = {1, 2};

static int kinds(struct room *r, int v, int most)
{
	enum { SIZE = 8 };
	char why[4] = "a<b", c = '<';
	assert(most >= 0);
	if (v > most && r->used)
		return full(r);
	r->used = v - 0x1f;
	tell(r);
	int status = ask(r);
	r->first = v;
	r->last = v;
	while (status == -1)
		for (int i = 0; i < 3; i++) {
			if (i == 2u)
				break;
			r->sum += r->v[i];
		}
	switch (v) {
	case 4:
		(void)tell(r);
	}
	return status;
}
E
cat >src/toy/toy.h <<'E'
int toy_clamp(int v, int most);
int toy_sum(const int *v, int n);
void toy_note(int *last, int v);
E
cat >src/toy/toy.c <<'E'
#include "toy.h"

int toy_clamp(int v, int most)
{
	if (v > most)
		return most;
	return v;
}

int toy_sum(const int *v, int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

static void note(int *last, int v)
{
	*last = v;
}

void toy_note(int *last, int v)
{
	note(last, v);
}
E
# runs toy_note(), but does not look at what it did
cat >tests/unit/u_toy.c <<'E'
#include "toy.h"
int main(void)
{
	int v[] = {1, 2, 3}, last;
	toy_note(&last, 1);
	return toy_clamp(5, 3) != 3 || toy_clamp(2, 3) != 2 || toy_sum(v, 3) != 6;
}
E
echo 'int main(void) { return 0; }' >tests/unit/u_other.c
cat >Makefile <<'E'
TESTS := build/u_toy build/u_other
unit-build: $(TESTS)
sim-build:
build/toy.o: src/toy/toy.c
	cc -O1 -g -Wall -iquote src/toy -c src/toy/toy.c -o build/toy.o
build/libtoy.a: build/toy.o
	ar rcs $@ $^
build/u_%: tests/unit/u_%.c build/libtoy.a
	cc -iquote src/toy -c $< -o $@.o; cc $@.o build/libtoy.a -o $@
E
mkdir build
make unit-build >out 2>&1 || cat out

"$PYTHON" "$here/mutate.py" . src/kinds --list >out 2>&1
check "every kind of edit is found, and no other" diff - <(sed 's/^kinds.c:\([^ ]*\):[a-z]*  kinds  /\1 /' out) <<'E'
13:6 negate: if (v > most && r->used) -> if (!(v > most && r->used))
13:8 compare: if (v > most && r->used) -> if (v >= most && r->used)
13:15 join: if (v > most && r->used) -> if (v > most || r->used)
14:3 jump: return full(r); -> ;
14:10 call: return full(r); -> return 0;
15:2 swap: r->used = v - 0x1f; tell(r); -> tell(r); r->used = v - 0x1f;
15:14 sum: r->used = v - 0x1f; -> r->used = v + 0x1f;
15:16 constant: r->used = v - 0x1f; -> r->used = v - 0x20;
16:2 call: tell(r); -> ;
17:15 call: int status = ask(r); -> int status = 0;
20:16 compare: while (status == -1) -> while (status != -1)
20:20 constant: while (status == -1) -> while (status == -0)
21:16 constant: for (int i = 0; i < 3; i++) { -> for (int i = 1; i < 3; i++) {
21:19 negate: for (int i = 0; i < 3; i++) { -> for (int i = 0; !(i < 3); i++) {
21:21 compare: for (int i = 0; i < 3; i++) { -> for (int i = 0; i <= 3; i++) {
21:23 constant: for (int i = 0; i < 3; i++) { -> for (int i = 0; i < 4; i++) {
21:27 step: for (int i = 0; i < 3; i++) { -> for (int i = 0; i < 3; i) {
22:10 compare: if (i == 2u) -> if (i != 2u)
22:13 constant: if (i == 2u) -> if (i == 3u)
23:5 jump: break; -> ;
24:4 step: r->sum += r->v[i]; -> ;
24:11 sum: r->sum += r->v[i]; -> r->sum -= r->v[i];
27:7 constant: case 4: -> case 5:
28:3 call: (void)tell(r); -> ;
E
mutate --count 100
check "what a test looks at is killed" says "killed  src/toy/toy.c:5: negate"
check "an endless loop is killed" says "u_toy, which does not end"
check "what no test looks at lives" says "LIVES   src/toy/toy.c:25: call: note(last, v); -> ;"
check "an edit that changes nothing is not counted" says_not "(killed|LIVES) .*toy.c:5: compare"
check "too few killed is a failure" ends 1 "9 passed, 1 failed"
check "it says how to run a survivor again" says "make mutate ROOM=src/toy ONLY=toy.c:25:2:call"

mutate --only toy.c:25:2:call
check "one mutant can be run again" ends 1 "0 passed, 1 failed"

grep -h 'row: ' build/mutate/src-toy.survivors | sed 's/.*row: //; s/WHY/as it should be/' \
	>tests/mutate/equivalent.txt
sed -i '1i /* code that is new moves lines */\n' src/toy/toy.c
make unit-build >out 2>&1 || cat out
mutate --count 100
check "what is written down is found though lines moved" says "equivalent, written down"
check "and does not count as living" ends 0 "10 passed, 0 failed"

mutate --count 3 --seed 5
cp out first
mutate --count 3 --seed 5
check "a seed draws the same again" diff -q first out

sed -i 's/return toy_clamp/return 1 || toy_clamp/' tests/unit/u_toy.c
make unit-build >out 2>&1 || cat out
mutate --count 3
check "a test that fails without a mutant proves nothing" says "u_toy fails with no mutant in it"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
