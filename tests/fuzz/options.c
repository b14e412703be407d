/* options.c: how the sanitizers go about a million small inputs. What one frees is
 * kept apart for the length of a few, not of a quarter of a gigabyte, whose pages
 * cost more than what is tried. */

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=2:thread_local_quarantine_size_kb=64";
}
