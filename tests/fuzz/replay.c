/* replay.c: gives every file named, or every file in a folder named, to a fuzz
 * target once, so that kept inputs are tried by any compiler and sanitizer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int one(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	if (!f || stat(path, &st) != 0) {
		perror(path);
		return -1;
	}
	/* exactly as large as the input, so that one byte past it is seen */
	size_t n = (size_t)st.st_size;
	uint8_t *data = malloc(n ? n : 1);
	int rc = -1;
	if (data && fread(data, 1, n, f) == n) {
		(void)LLVMFuzzerTestOneInput(data, n);
		rc = 0;
	}
	free(data);
	(void)fclose(f);
	return rc;
}

static int folder(const char *path, unsigned *count)
{
	DIR *d = opendir(path);
	if (!d) {
		perror(path);
		return -1;
	}
	int rc = 0;
	const struct dirent *e;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		char name[4096];
		if (e->d_name[0] == '.') {
			continue;
		}
		int n = snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		if (n < 0 || (size_t)n >= sizeof name) {
			rc = -1;
			break;
		}
		rc = one(name);
		(*count)++;
	}
	(void)closedir(d);
	return rc;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int rc;
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			rc = folder(argv[i], &count);
		} else {
			rc = one(argv[i]);
			count++;
		}
		if (rc != 0) {
			return EXIT_FAILURE;
		}
	}
	printf("%u inputs\n", count);
	return EXIT_SUCCESS;
}
