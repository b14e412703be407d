#!/bin/bash
# selftest.sh ROOT OBJECTS: plants one violation of each kind in a copy of the
# rooms and requires that layers.py, or sentences.py, names it. A check that
# cannot fail proves nothing.
set -u
root=$1 objects=$2 CC=${CC:-cc}
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

result()
{
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok   $2"
	else
		failed=$((failed + 1))
		echo "FAIL $2"
		cat "$tmp/out"
	fi
}
fresh()
{
	rm -rf "$tmp/tree" "$tmp/obj"
	mkdir -p "$tmp/tree" "$tmp/obj"
	cp -r "$root/proto" "$root/src" "$root/daemon" "$tmp/tree/"
	local d
	for d in gen proto src daemon; do
		[ -d "$objects/$d" ] && cp -r "$objects/$d" "$tmp/obj/"
	done
	mkdir -p "$tmp/obj/proto" "$tmp/obj/src" "$tmp/obj/daemon"
	return 0
}
# plant WHAT ROOM EXPECTED, code from standard input
plant()
{
	local what=$1 room=$2 expected=$3
	fresh
	cat >"$tmp/tree/$room/zz_planted.c"
	if ! "$CC" -w $(printf -- '-iquote %s ' daemon daemon/*/ daemon/*/*/ src src/*/ proto) \
		-isystem "$root/build/gen" -c "$tmp/tree/$room/zz_planted.c" \
		-o "$tmp/obj/$room/zz_planted.o" 2>"$tmp/out"; then
		result 1 "$what (the plant does not compile)"
		return
	fi
	if "$here/layers.py" "$tmp/tree" "$tmp/obj" >"$tmp/out" 2>&1; then
		result 1 "$what was not caught"
	else
		grep -q "zz_planted.*$expected" "$tmp/out"
		result $? "$what"
	fi
}

fresh
"$here/layers.py" "$tmp/tree" "$tmp/obj" >"$tmp/out" 2>&1
result $? "the tree as it is passes"

plant "proto includes src" proto '"base.h"' <<'E'
#include "base.h"
E
plant "src includes daemon" src '"link.h"' <<'E'
#include "config.h"
#include "link.h"
E
plant "src includes by a path" src '"../daemon/words/text.h"' <<'E'
#include "../daemon/words/text.h"
E
plant "src includes a clock" src '<time.h>' <<'E'
#include <time.h>
E
plant "src includes a thread" src '<pthread.h>' <<'E'
#include <pthread.h>
E
plant "src includes a socket" src '<sys/socket.h>' <<'E'
#include <sys/socket.h>
E
plant "src calls the clock, declared by hand" src 'clock_gettime' <<'E'
int clock_gettime(int, void *);
int zz(void *p);
int zz(void *p) { return clock_gettime(0, p); }
E
plant "src makes random numbers through libcrypto" src 'RAND_bytes' <<'E'
int RAND_bytes(unsigned char *, int);
int zz(unsigned char *p);
int zz(unsigned char *p) { return RAND_bytes(p, 1); }
E
plant "src opens a database by itself" src 'sqlite3_open' <<'E'
int sqlite3_open(const char *, void **);
int zz(void **p);
int zz(void **p) { return sqlite3_open("x", p); }
E
plant "src calls what daemon defines" src 'gt_text_language' <<'E'
void gt_text_language(const char *);
void zz(void);
void zz(void) { gt_text_language("zh"); }
E
plant "proto calls what src defines" proto 'gt_code_valid' <<'E'
_Bool gt_code_valid(const char *);
_Bool zz(void);
_Bool zz(void) { return gt_code_valid("33"); }
E
plant "src calls something nobody has judged" src 'allowed.src' <<'E'
long syscall(long, ...);
long zz(void);
long zz(void) { return syscall(1); }
E
plant "src asks SQLite for the time" src 'SQL' <<'E'
const char *zz = "SELECT strftime('%s', 'now')";
E

# said WHAT FILE EXPECTED, added to the file from standard input
said()
{
	local what=$1 file=$2 expected=$3
	fresh
	cat >>"$tmp/tree/$file"
	if "$here/sentences.py" "$tmp/tree" >"$tmp/out" 2>&1; then
		result 1 "$what was not caught"
	else
		[ "$(wc -l <"$tmp/out")" -eq 1 ] && grep -q "$expected" "$tmp/out"
		result $? "$what"
	fi
}

fresh
"$here/sentences.py" "$tmp/tree" >"$tmp/out" 2>&1
result $? "the sentences as they are pass"
table=daemon/words/texts_core.def

said "a sentence without Chinese" src/zz_planted.c \
	"src/zz_planted.c:2: .*'nobody has translated this'" <<'E'
/* "this is no sentence but a comment" */
const char *zz = "nobody has translated "
                 "this";
E
said "a sentence around a macro" src/zz_planted.c "'size %u of %llu bytes, named %s too'" <<'E'
#define SHOWN(name) "size %" PRIu64 " of %llu bytes, named " name " too"
E
said "a sentence of the links" daemon/net/zz_planted.c "'the link is %s'" <<'E'
void zz(char *p) { gt_format(p, 9, "the link is %s", p); }
E
said "a row for a sentence nobody says" $table "nobody says this any more: 'gone these %u years'" <<'E'
SENTENCE("gone these %u years", "{1} 年前就没了")
E
said "a second row" $table "a row for this already: 'too large'" <<'E'
SENTENCE("too large", "太大")
E
said "a row that cannot be read" $table "1 rows cannot be read" <<'E'
SENTENCE("too large", TOO_LARGE)
E
fresh
sed -i 's/{1} 已完整/已完整/' "$tmp/tree/$table"
"$here/sentences.py" "$tmp/tree" >"$tmp/out" 2>&1
[ $? -eq 1 ] && grep -q "$table:[0-9]*: the pieces of one language" "$tmp/out"
result $? "a row that loses a piece"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
