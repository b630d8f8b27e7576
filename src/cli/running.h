/* Which job a command means that looks at, or speaks to, one that runs: by its configuration, or --set job.name. */
#pragma once

#include "cli/dirs.h"
#include "cli/options.h"

struct cJSON;

struct running {
	struct conf *conf;
	struct dirs dirs;
	const char *name;
};

/* False with out_error set. r is to be released in both cases. */
bool running_find(struct running *r, const struct options *o, struct usage_error *out_error);
void running_release(struct running *r);

/*
 * Sends the request (which is freed) to the job that the options mean; r is zeroes, or found already. The reply, or NULL:
 * then all has been said, and out_code is the exit code. out_fd as of control_ask().
 */
struct cJSON *running_ask(
	struct running *r, const struct options *o, struct cJSON *request, int *out_fd, int *out_code);
/* The same, but NULL with out_error. */
struct cJSON *running_try(
	struct running *r, const struct options *o, struct cJSON *request, int *out_fd, struct usage_error *out_error);
/* The command takes no arguments: says so. */
void running_operands_error(const struct options *o, struct usage_error *out_error);
/* The same, printed. Returns the exit code. */
int running_refuse_operands(const struct options *o);
