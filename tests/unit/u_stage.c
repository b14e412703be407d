/* u_stage.c: what is taken from a publisher's folder and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "object.h"
#include "stage.h"
#include "sys.h"
#include "text.h"

enum { BIG = 700000 };

/* Every test runs in a fresh directory: node/ and src/ with three files. */
static char home[64];

static void run(const char *command)
{
	int status = system(command);
	if (status != 0)
		fail_msg("%s: status %d", command, status);
}

static int setup(void **state)
{
	(void)state;
	strcpy(home, "/tmp/gt-stage-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chdir(home), 0);
	gt_text_language("en");
	run("mkdir -p node src/课程/空 && printf hello > src/b.txt && "
	    "head -c 700000 /dev/urandom > src/课程/a.mp4 && : > src/empty");
	return 0;
}

static int teardown(void **state)
{
	char command[100];
	(void)state;
	assert_int_equal(chdir("/"), 0);
	gt_format(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", home,
	          home);
	return system(command);
}

static size_t count_staged(void)
{
	DIR *d = opendir("node/staged");
	size_t n = 0;
	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Finds and packs. */
static int pack(const char *dir, const char *source, int level,
                gt_stage_progress *progress, void *arg, struct gt_staged *out,
                char *why, size_t why_cap)
{
	struct gt_walk w;
	*out = (struct gt_staged){.fd = -1};
	int status = gt_walk_new(&w, source, why, why_cap);
	if (status == 0)
		status = gt_stage_pack(dir, &w, level, progress, arg, out, why,
		                       why_cap);
	gt_walk_clear(&w);
	return status;
}

static void refused(const char *source, int status, const char *say)
{
	struct gt_staged s;
	char why[300] = "";
	int got = pack("node", source, 1, NULL, NULL, &s, why, sizeof why);
	if (got != status || !strstr(why, say))
		fail_msg("%s: %s (%s)", source, gt_errname(got), why);
	assert_null(s.manifest.p);
	assert_int_equal(count_staged(), 0);
}

static int read_fd(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	return gt_sys_pread(*(int *)arg, out, n, offset);
}

struct seen {
	uint64_t done, total;
	int calls;
};

static int note(void *arg, uint64_t done, uint64_t total)
{
	struct seen *s = arg;
	assert_true(done >= s->done && done <= total);
	assert_true(s->calls > 0 || done == 0);
	s->done = done;
	s->total = total;
	s->calls++;
	return 0;
}

static struct gt_manifest *pack_and_check(const char *source,
                                          struct gt_staged *out)
{
	struct seen seen = {0};
	char why[300] = "", path[200];
	struct gt_manifest *m;
	struct stat st;
	int status = pack("node", source, 3, note, &seen, out, why, sizeof why);
	if (status)
		fail_msg("%s: %s", source, why);
	assert_int_equal(seen.done, seen.total);
	gt_format(path, sizeof path, "node/staged/%s", out->name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, out->stored);
	assert_int_equal(gt_manifest_new(&m, gt_buffer_bytes(&out->manifest),
	                                 why, sizeof why),
	                 0);
	status = gt_object_check(m, true, read_fd, &fd, why, sizeof why);
	if (status)
		fail_msg("%s", why);
	assert_int_equal(m->nfiles, out->files);
	assert_int_equal(m->plain_at[m->nframes], out->plain);
	close(fd);
	return m;
}

static void folder(void **state)
{
	struct gt_staged s, again;
	char command[300];
	(void)state;
	struct gt_manifest *m = pack_and_check("src", &s);
	assert_int_equal(m->nfiles, 3);
	assert_string_equal(m->files[0].path, "b.txt");
	assert_string_equal(m->files[1].path, "empty");
	assert_string_equal(m->files[2].path, "课程/a.mp4");
	assert_string_equal(m->files[2].media_type, "video/mp4");
	gt_manifest_free(m);
	/* times, owners and modes are nobody's business */
	run("touch src/b.txt && chmod 0600 src/empty");
	m = pack_and_check("src/", &again);
	assert_true(gt_id_eq(&s.object, &again.object));
	assert_string_not_equal(s.name, again.name);
	gt_manifest_free(m);
	/* the source is what comes out of tar */
	gt_format(command, sizeof command,
	          "mkdir out && zstd -dqc node/staged/%s | tar -xf - -C out && "
	          "rmdir src/课程/空 && diff -r src out",
	          s.name);
	run(command);
	gt_stage_remove("node", s.name);
	gt_stage_remove("node", again.name);
	gt_stage_remove("node", again.name);
	assert_int_equal(count_staged(), 0);
	gt_staged_clear(&s);
	gt_staged_clear(&again);
}

static void one_file(void **state)
{
	struct gt_staged s;
	(void)state;
	struct gt_manifest *m = pack_and_check("src/课程/a.mp4", &s);
	assert_int_equal(m->nfiles, 1);
	assert_string_equal(m->files[0].path, "a.mp4");
	assert_int_equal(m->files[0].size, BIG);
	gt_manifest_free(m);
	gt_staged_clear(&s);
}

static void not_files(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX,
	                           .sun_path = "src/socket"};
	(void)state;
	refused("nothing", -GT_EUNKNOWN, "\"nothing\": no such file");
	run("mkdir -p src/empty-too none/at/all");
	refused("none", -GT_EINVALID, "\"none\" holds no files");
	run("ln -s /etc/passwd src/link");
	refused("src", -GT_EINVALID, "\"link\" is a symbolic link");
	refused("src/link", -GT_EINVALID, "\"link\" is a symbolic link");
	run("rm src/link && ln -s /etc src/课程/dir");
	refused("src", -GT_EINVALID, "\"课程/dir\" is a symbolic link");
	run("rm src/课程/dir && mkfifo src/pipe");
	refused("src", -GT_EINVALID, "\"pipe\" is a device");
	refused("src/pipe", -GT_EINVALID, "\"pipe\" is a device");
	refused("/dev/null", -GT_EINVALID, "\"null\" is a device");
	run("rm src/pipe");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	refused("src", -GT_EINVALID, "\"socket\" is a device");
	close(fd);
}

static void bad_names(void **state)
{
	(void)state;
	run("printf x > 'src/a\\b'");
	refused("src", -GT_EINVALID, "it has a backslash");
	run("rm 'src/a\\b'; printf x > \"src/$(printf 'a\\033b')\"");
	refused("src", -GT_EINVALID, "\"a\\x1bb\" cannot be published");
	run("rm -f src/a*; printf x > \"src/$(printf '\\277\\316')\"");
	refused("src", -GT_EINVALID, "\"\\xbf\\xce\" cannot be published");
	gt_text_language("zh");
	refused("src", -GT_EINVALID, "GBK");
	gt_text_language("en");
	run("rm src/\"$(printf '\\277\\316')\"; "
	    "mkdir \"src/$(printf 'e\\314\\201')\"");
	refused("src", -GT_EINVALID, "NFC");
}

/* All that is refused is told at once, and what mends it. */
static void many_bad_names(void **state)
{
	static char why[GT_WALK_WHY];
	struct gt_walk w;
	(void)state;
	run("cd src && for i in $(seq 1 30); do : > \"$i$(printf "
	    "'\\277\\316')\"; "
	    "done; : > \"$(printf '\\330\\247\\331\\223')\"; ln -s b.txt a");
	assert_int_equal(gt_walk_new(&w, "src", why, sizeof why), -GT_EINVALID);
	assert_non_null(strstr(why, "32 names cannot be published"));
	size_t lines = 0;
	for (const char *p = why; (p = strstr(p, "cannot be published under"));
	     p++)
		lines++;
	assert_in_range(lines, 18, 20); /* and perhaps the other two */
	assert_non_null(strstr(why, "\n  convmv -r --notest -f gbk -t utf8 "
	                            "src"));
	run("cd src && rm ?*$(printf '\\277\\316') a && mkdir \"it's\"");
	run("mv src/b.txt src/$(printf '\\330\\247\\331\\223') src/*s/");
	assert_int_equal(gt_walk_new(&w, "src/it's", why, sizeof why),
	                 -GT_EINVALID);
	assert_non_null(strstr(why, "NFC"));
	assert_null(strstr(why, "names cannot")); /* it is one */
	assert_non_null(strstr(why, "\n  convmv -r --notest --nfc -f utf8 -t "
	                            "utf8 'src/it'\\''s'"));
	run("mv src/it* ./-n");
	assert_int_equal(gt_walk_new(&w, "-n", why, sizeof why), -GT_EINVALID);
	assert_non_null(strstr(why, "utf8 ./-n"));
}

/* Does something to a file while the work is under way. */
struct meddler {
	const char *command;
	uint64_t when;
	bool done;
};

static int meddle(void *arg, uint64_t done, uint64_t total)
{
	struct meddler *m = arg;
	(void)total;
	if (!m->done && done >= m->when) {
		run(m->command);
		m->done = true;
	}
	return 0;
}

static void changing(void **state)
{
	static const struct meddler rows[] = {
	        {"printf x >> src/课程/a.mp4", 0, false},
	        {"printf x >> src/课程/a.mp4", BIG / 2, false},
	        {"truncate -s 10 src/课程/a.mp4", 0, false},
	        {"truncate -s 600000 src/课程/a.mp4", BIG / 2, false},
	        {"rm src/课程/a.mp4", 0, false},
	        {"rm src/课程/a.mp4; mkfifo src/课程/a.mp4", 0, false},
	        {"mv src/课程 away; ln -s ../away src/课程", 0, false},
	        {"printf x | dd of=src/课程/a.mp4 conv=notrunc bs=1 "
	         "status=none",
	         BIG / 2, false},
	        {"cp src/课程/a.mp4 t; mv t src/课程/a.mp4", 0, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct meddler m = rows[i];
		struct gt_staged s;
		char why[300] = "";
		int status =
		        pack("node", "src", 1, meddle, &m, &s, why, sizeof why);
		if (status != -GT_ECONFLICT ||
		    !strstr(why, "\"课程/a.mp4\" changed while"))
			fail_msg("row %zu: %s (%s)", i, gt_errname(status),
			         why);
		assert_int_equal(count_staged(), 0);
		run("rm -rf src/课程 away && mkdir src/课程 && "
		    "head -c 700000 /dev/zero > src/课程/a.mp4 && "
		    /* a clock that ticks slowly would give the next change the
		     * same time */
		    "touch -d 2001-01-01 src/课程/a.mp4");
	}
}

static int stop(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)total;
	return done > 300000;
}

static void stopped(void **state)
{
	struct gt_staged s;
	char why[300] = "";
	(void)state;
	assert_int_equal(
	        pack("node", "src", 1, stop, NULL, &s, why, sizeof why),
	        -GT_ECLOSED);
	assert_string_equal(why, "stopped");
	assert_int_equal(count_staged(), 0);
}

static void unreadable(void **state)
{
	struct gt_staged s;
	char why[300] = "";
	(void)state;
	if (geteuid() == 0) {
		/* root reads everything: be nobody for the attempt */
		run("chmod -R a+rwX . && chmod 0000 src/b.txt");
		assert_int_equal(seteuid(65534), 0);
	} else {
		run("chmod 0000 src/b.txt");
	}
	int status = pack("node", "src", 1, NULL, NULL, &s, why, sizeof why);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	if (status != -GT_EIO || !strstr(why, "\"b.txt\" cannot be read: "))
		fail_msg("%s (%s)", gt_errname(status), why);
	assert_int_equal(count_staged(), 0);
}

/* A disk that takes no more, by the file size limit. */
static void full_disk(void **state)
{
	struct gt_staged s;
	struct rlimit old, tiny;
	char why[300] = "";
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny = old;
	tiny.rlim_cur = 300000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	int status = pack("node", "src", 1, NULL, NULL, &s, why, sizeof why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	if (status == 0 || !strstr(why, "cannot write the package below"))
		fail_msg("%s (%s)", gt_errname(status), why);
	assert_int_equal(count_staged(), 0);
	assert_int_equal(
	        pack("nowhere", "src", 1, NULL, NULL, &s, why, sizeof why),
	        -GT_EIO);
	assert_non_null(strstr(why, "\"nowhere\""));
}

/* Two thousand small files are one package, and a few frames. */
static void small_files(void **state)
{
	struct gt_staged s;
	(void)state;
	run("rm -r src && mkdir src && cd src && "
	    "seq 2000 | split -l 1 -a 4 -d --additional-suffix=.html - p");
	struct gt_manifest *m = pack_and_check("src", &s);
	assert_int_equal(m->nfiles, 2000);
	assert_true(m->nframes < 2000 * 1024 / GT_FRAME_PLAIN_MIN);
	gt_manifest_free(m);
	gt_staged_clear(&s);
}

/* What is there while it is packed, and who holds it then. */
struct watched {
	size_t most;
	unsigned calls;
};

static int see(void *arg, uint64_t done, uint64_t total)
{
	struct watched *s = arg;
	size_t now = count_staged();
	(void)done;
	(void)total;
	s->calls++;
	s->most = now > s->most ? now : s->most;
	return 0;
}

static void no_name_before_it_is_whole(void **state)
{
	struct gt_staged s;
	struct watched seen = {0};
	char why[1024], path[128];
	(void)state;
	run("mkdir -p src && head -c 600000 /dev/urandom >src/a");
	assert_int_equal(
	        pack("node", "src", 3, see, &seen, &s, why, sizeof why), 0);
	assert_true(seen.calls > 1);
	assert_int_equal(seen.most, 0);
	assert_int_equal(count_staged(), 1);
	gt_format(path, sizeof path, "node/staged/%s", s.name);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	gt_staged_clear(&s);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(folder),
	        TEST(one_file),
	        TEST(not_files),
	        TEST(bad_names),
	        TEST(many_bad_names),
	        TEST(changing),
	        TEST(stopped),
	        TEST(unreadable),
	        TEST(full_disk),
	        TEST(small_files),
	        TEST(no_name_before_it_is_whole),
	};
	return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}
