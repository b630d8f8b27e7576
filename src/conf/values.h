/* Values: from the text of a file to the fields of struct conf, checked. Private to the room. */
#pragma once

#include "conf/options.h"

/*
 * Puts value into the field of o. Scalars replace what was there, items of lists are appended; an empty value empties
 * a list, is none where the table says so, and is refused for every other scalar. file and line are kept with list items.
 * False with the reason, which names the value, in out_why; the field is then unchanged.
 */
bool conf_value_assign(struct conf *c, const struct conf_option *o, const char *value, const char *file, unsigned line,
	struct buf *out_why);
/* transfer.bandwidth, as above (timetable.c). */
bool conf_bandwidth_assign(struct conf *c, const char *value, struct buf *out_why);
/* Empties a list or a map. */
void conf_value_clear(struct conf *c, const struct conf_option *o);
/* "KEY = VALUE", an item of a list a line; nothing when nothing is set (print.c). */
void conf_print_option(const struct conf *c, const struct conf_option *o, struct buf *out);
/* Releases what the field holds. */
void conf_value_release(struct conf *c, const struct conf_option *o);

/* target.address taken apart; the parts point into it. */
struct conf_address {
	size_t user_len; /* of the user name it begins with; 0: none */
	const char *host; /* with its brackets; "local:" as it is */
	size_t host_len;
	unsigned port; /* 0: none */
};
bool conf_address_split(const char *value, struct conf_address *out, const char **out_why);

/* The checks that the option table names (checks.c). */
conf_check_fn conf_check_job_name, conf_check_address, conf_check_path, conf_check_rule_path, conf_check_filter_file,
	conf_check_user_path, conf_check_user, conf_check_proxy, conf_check_filesystem, conf_check_metrics_file,
	conf_check_finding, conf_check_threshold, conf_check_image, conf_check_layout_filesystem;
/* Appends "'VALUE' WHY"; false, for the caller to return. */
bool conf_refuse(struct buf *out_why, const char *value, const char *why);
