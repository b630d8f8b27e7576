/* The commands' functions, one file each. Each returns the exit code of the process. */
#pragma once

#include "cli/options.h"

int cmd_run(const struct options *o);
int cmd_copy_sync(const struct options *o);
int cmd_verify(const struct options *o);
int cmd_check(const struct options *o);
int cmd_netcheck(const struct options *o);
int cmd_status(const struct options *o);
int cmd_pause(const struct options *o); /* and resume */
int cmd_stop(const struct options *o);
int cmd_limits(const struct options *o);
int cmd_facts(const struct options *o);
int cmd_layout(const struct options *o);
int cmd_jobs(const struct options *o);
int cmd_log(const struct options *o);
int cmd_rules(const struct options *o);
int cmd_check_config(const struct options *o);
int cmd_show_config(const struct options *o);
int cmd_import(const struct options *o);
int cmd_explain(const struct options *o);
int cmd_help(const struct options *o);

/* status --check with a command line that is wrong. */
int cmd_status_misused(const struct options *o, const struct usage_error *e);

/* --version */
int cmd_version(void);

/* The whole program behind the roles: parses, dispatches, flushes. Returns the exit code. */
int cli_main(int argc, char **argv);
/* The stack is too small to do anything with: says so. */
int cli_without_stack(void);
