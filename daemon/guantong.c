/* guantong: the command line.
 * Tests: e2e/test_house.py. */
#include <signal.h>

#include "cli.h"

int main(int argc, char **argv)
{
	/* Writing into a pipe nobody reads is an error, not a death. */
	(void)signal(SIGPIPE, SIG_IGN);
	return gt_cli_main(argc, argv, stdout, stderr);
}
