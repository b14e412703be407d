/* guantong: the command line.
 * Tests: e2e/test_house.py. */
#include <signal.h>

#include "cli.h"
#include "json.h"
#include "sys.h"

int main(int argc, char **argv)
{
	/* Writing into a pipe nobody reads is an error, not a death. */
	(void)signal(SIGPIPE, SIG_IGN);
	gt_sys_keep_secrets();
	gt_json_watch();
	return gt_cli_main(argc, argv, stdout, stderr);
}
