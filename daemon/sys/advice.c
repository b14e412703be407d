#define _XOPEN_SOURCE 700 /* realpath */
#include "advice.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "dir.h"

/* Where deploy/guantongd@.service looks for its nodes. */
#define UNIT_HOME "/var/lib/guantong/"

static const char *instance(const struct gt_advice *a)
{
	size_t n = sizeof UNIT_HOME - 1;
	const char *name = a->dir + n;
	bool ours = a->systemd && strncmp(a->dir, UNIT_HOME, n) == 0 && *name &&
	            !strchr(name, '/');
	return ours ? name : NULL;
}

/* As sudo -u takes him. */
static void put_user(char out[GT_ADVICE_USER], const char *name, unsigned id)
{
	if (*name)
		gt_format(out, GT_ADVICE_USER, "%s", name);
	else
		gt_format(out, GT_ADVICE_USER, "'#%u'", id);
}

void gt_advice_of(char out[GT_ADVICE_MAX], const struct gt_advice *a)
{
	const char *sudo = a->me == 0 ? "" : "sudo ", *name = instance(a);
	char user[GT_ADVICE_USER];
	put_user(user, a->owner_name, a->owner);
	if (name)
		gt_format(out, GT_ADVICE_MAX, "%ssystemctl start guantongd@%s",
		          sudo, name);
	else if (a->me == a->owner)
		gt_format(out, GT_ADVICE_MAX, "guantongd -C %s", a->dir);
	else
		gt_format(out, GT_ADVICE_MAX, "sudo -u %s guantongd -C %s",
		          user, a->dir);
}

static bool name_of(char *out, size_t cap, uid_t user)
{
	struct passwd room, *found = NULL;
	char strings[1024];
	*out = '\0';
	return getpwuid_r(user, &room, strings, sizeof strings, &found) == 0 &&
	       found && gt_copy(out, cap, found->pw_name);
}

void gt_advice_start(char out[GT_ADVICE_MAX], const char *dir)
{
	char name[64] = "";
	char *whole = realpath(dir, NULL);
	struct stat st;
	struct gt_advice a = {.dir = whole ? whole : dir,
	                      .systemd = sd_booted() > 0,
	                      .me = geteuid(),
	                      .owner = geteuid(),
	                      .owner_name = name};
	if (stat(dir, &st) == 0) {
		a.owner = st.st_uid;
		(void)name_of(name, sizeof name, st.st_uid);
	}
	if (!instance(&a))
		a.dir = dir; /* as people wrote it */
	gt_advice_of(out, &a);
	free(whole);
}

const char *gt_advice_foreign(void)
{
	static const char *const files[] = {".", "data", GT_DIR_DATABASE,
	                                    GT_DIR_OBJECTS};
	struct stat st;
	if (geteuid() != 0)
		return NULL;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (stat(files[i], &st) == 0 && st.st_uid != 0)
			return files[i];
	return NULL;
}

void gt_advice_user(char out[GT_ADVICE_USER], const char *path)
{
	char name[GT_ADVICE_USER - 16];
	struct stat st = {.st_uid = 0};
	(void)stat(path, &st);
	(void)name_of(name, sizeof name, st.st_uid);
	put_user(out, name, st.st_uid);
}

void gt_advice_owner(char *out, size_t cap, const char *path)
{
	struct stat st;
	*out = '\0';
	if (stat(path, &st) == 0 && !name_of(out, cap, st.st_uid))
		gt_format(out, cap, "%u", (unsigned)st.st_uid);
}
