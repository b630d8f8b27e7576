/* Command lines of rsync and of MGN's installer, in scripts, crontabs and units. */
#include "import/job.h"
#include "import/lines.h"
#include "import/words.h"

#include <ctype.h>
#include <stdlib.h>

struct command {
	struct import_job *j;
	struct import_at at;
	char **words;
	size_t count, next;
	const char *operands[16];
	size_t operand_count;
	/* Patterns as filter rules, in order. */
	char *rules[WORDS_MAX];
	size_t rule_count;
	bool ordered; /* more than patterns to exclude */
	bool delete, numeric, one_file_system;
	const char *delete_when;
};

static void add_rule(struct command *c, const char *before, const char *text)
{
	if (c->rule_count < ARRAY_LEN(c->rules))
		c->rules[c->rule_count++] = xasprintf("%s%s", before, text);
}

/* rsync's N is of 1024 bytes; KB and MB are of 1000. */
static void bandwidth(struct command *c, const char *value)
{
	char *end;
	double v = strtod(value, &end);
	char unit = (char)toupper((unsigned char)*end);

	if (!(v >= 0 && v < 1e12) || end == value)
		import_remark(c->j, &c->at, "--bwlimit", "it is no number");
	else if (v <= 0)
		return;
	else if (unit && (end[1] == 'B' || end[1] == 'b') && !end[2])
		import_set_fmt(c->j, &c->at, "transfer.bandwidth", "%.0f",
			v *
				(unit == 'K'                  ? 1e3
						: unit == 'M' ? 1e6
							      : 1e9));
	else if (unit)
		import_set_fmt(c->j, &c->at, "transfer.bandwidth", "%.*s%c", (int)(end - value), value, unit);
	else
		import_set_fmt(c->j, &c->at, "transfer.bandwidth", "%sK", value);
}

/* -e 'ssh -p 22 -i KEY -l USER -o StrictHostKeyChecking=no' */
static void shell(struct command *c, const char *text)
{
	struct words w;
	bool rest = !words_split(text, &w) || !w.count || !(str_eq(w.at[0], "ssh") || strstr(w.at[0], "/ssh"));

	for (size_t i = 1; i < w.count; i++) {
		const char *word = w.at[i];
		char letter = word[0] == '-' ? word[1] : 0;
		const char *value = letter && word[2] ? word + 2 : i + 1 < w.count ? w.at[i + 1] : "";

		if (!letter || !strchr("pilo", letter)) {
			rest = true;
			continue;
		}
		i += !word[2];
		if (letter == 'o' && strncmp(value, "StrictHostKeyChecking=no", 24) == 0)
			import_set(c->j, &c->at, "target.host_key", "accept-new");
		else if (letter == 'o')
			rest = true;
		else
			import_set(c->j, &c->at,
				letter == 'p'           ? "target.port"
					: letter == 'i' ? "target.identity"
							: "target.user",
				value);
	}
	if (rest)
		import_remark(c->j, &c->at, "-e", "the rest of it belongs into ssh_config");
	words_release(&w);
}

static void add_pattern(struct command *c, bool include, const char *p)
{
	bool prefixed = (*p == '+' || *p == '-') && p[1] == ' ';

	c->ordered |= include || prefixed || str_eq(p, "!");
	add_rule(c, prefixed || str_eq(p, "!") ? "" : include ? "+ " : "- ", p);
}

/* Options with a value. False: there is no such option. */
static bool with_value(struct command *c, const char *name, const char *value)
{
	if (str_eq(name, "--exclude") || str_eq(name, "--include")) {
		add_pattern(c, name[2] == 'i', value);
	} else if (str_eq(name, "--filter") || str_eq(name, "-f")) {
		c->ordered = true;
		add_rule(c, "", value);
	} else if (str_eq(name, "--exclude-from") || str_eq(name, "--include-from")) {
		c->ordered = true;
		add_rule(c, name[2] == 'i' ? "merge,+ " : "merge,- ", value);
	} else if (str_eq(name, "--bwlimit")) {
		bandwidth(c, value);
	} else if (str_eq(name, "--max-delete")) {
		import_set(c->j, &c->at, "rules.max_delete", value);
	} else if (str_eq(name, "--log-file")) {
		import_set(c->j, &c->at, "log.file", value);
	} else if (str_eq(name, "-e") || str_eq(name, "--rsh")) {
		shell(c, value);
	} else if (str_eq(name, "--rsync-path")) {
		if (strncmp(value, "sudo ", 5) == 0)
			import_set(c->j, &c->at, "target.sudo", "yes");
		else
			import_remark(c->j, &c->at, name, "rehost brings its own helper along");
	} else {
		return false;
	}
	return true;
}

static bool takes_value(const char *name)
{
	static const char *const names[] = {"--exclude", "--include", "--filter", "--exclude-from", "--include-from",
		"--bwlimit", "--max-delete", "--log-file", "--rsh", "--rsync-path", "--link-dest", "--compare-dest",
		"--copy-dest", "--files-from", "--chown", "--chmod", "--password-file", "--timeout", "--port",
		"--backup-dir", "--suffix", "--partial-dir", "--temp-dir", "--max-size", "--min-size", "--out-format",
		"--usermap", "--groupmap", "--block-size", "--contimeout", "--info", "--debug", "--log-file-format",
		"--sockopts"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

/* Without a value: what is always so or of a run alone, what is a key, and everything else. */
static void flag(struct command *c, const char *name)
{
	static const char *const always[] = {"--archive", "--recursive", "--links", "--perms", "--times", "--group",
		"--owner", "--devices", "--specials", "--hard-links", "--acls", "--xattrs", "--sparse", "--partial",
		"--progress", "--verbose", "--dry-run", "--itemize-changes", "--stats", "--human-readable", "--quiet",
		"--atimes", "--no-inc-recursive", "--delay-updates"};
	static const struct {
		const char *name, *key, *value;
	} keys[] = {{"--compress", "transfer.compression", "zstd"}, {"--whole-file", "transfer.delta", "off"},
		{"--inplace", "transfer.update", "inplace"}, {"--checksum", "verify.mode", "crc64"}};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (str_eq(always[i], name))
			return;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(keys[i].name, name)) {
			import_set(c->j, &c->at, keys[i].key, keys[i].value);
			return;
		}
	if (str_eq(name, "--numeric-ids")) {
		c->numeric = true;
	} else if (str_eq(name, "--one-file-system")) {
		c->one_file_system = true;
	} else if (strncmp(name, "--del", 5) == 0 && !str_eq(name, "--delete-excluded")) {
		c->delete = true;
		if (str_eq(name, "--delete-after") || str_eq(name, "--delete-delay"))
			c->delete_when = "after";
	} else {
		import_remark(c->j, &c->at, name, "not of ours: the result differs");
	}
}

/* -aAXHv; those that take a value take the rest. */
static void letters(struct command *c, const char *word)
{
	static const char nothing[] = "aHAXSPvnirlptgoDhqUN";
	static const struct {
		char letter;
		const char *name;
	} known[] = {{'z', "--compress"}, {'W', "--whole-file"}, {'c', "--checksum"}, {'x', "--one-file-system"}};

	for (const char *p = word + 1; *p; p++) {
		char name[3] = {'-', *p, 0};
		const char *full = name;

		if (strchr(nothing, *p))
			continue;
		if (strchr("efTBM@", *p)) {
			const char *value = p[1] ? p + 1 : c->next < c->count ? c->words[c->next++] : "";

			if (!with_value(c, name, value))
				import_remark(c->j, &c->at, name, "not of ours");
			return;
		}
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (known[i].letter == *p)
				full = known[i].name;
		flag(c, full);
	}
}

static void read_options(struct command *c)
{
	bool options = true;

	while (c->next < c->count) {
		const char *word = c->words[c->next++];
		size_t n = strcspn(word, "=");
		AUTO_FREE char *name = xmemdup(word, n);

		if (!options || *word != '-' || !word[1]) {
			if (c->operand_count < ARRAY_LEN(c->operands))
				c->operands[c->operand_count++] = word;
		} else if (str_eq(word, "--")) {
			options = false;
		} else if (word[1] != '-') {
			letters(c, word);
		} else if (word[n] || takes_value(name)) {
			const char *value = word[n] ? word + n + 1 : c->next < c->count ? c->words[c->next++] : "";

			if (!with_value(c, name, value))
				import_remark(c->j, &c->at, name, "not of ours: the result may differ");
		} else {
			flag(c, word);
		}
	}
}

/* ---- from where to where ---- */

/* Sets address and root; the directory is joined by the last component of a source without a slash. */
static void set_target(struct command *c, const char *target, const char *below)
{
	const char *colon = strchr(target, ':');
	const char *slash = strchr(target, '/');
	const char *dir = target;
	AUTO_FREE char *host = NULL;

	if (colon && slash && slash < colon)
		colon = NULL;
	if (strncmp(target, "rsync://", 8) == 0 || (colon && colon[1] == ':')) {
		import_remark(c->j, &c->at, "DEST", "a daemon of rsync's: rehost goes by SSH");
		return;
	}
	if (colon) {
		host = xmemdup(target, (size_t)(colon - target));
		dir = colon + 1;
	}
	if (*dir != '/') {
		import_remark(c->j, &c->at, "DEST", "a relative directory: write 'root' in [target]");
	} else {
		size_t n = strlen(dir);

		while (n && dir[n - 1] == '/')
			n--;
		import_set_fmt(c->j, &c->at, "target.root", "%.*s%s%s", (int)n, dir, *below || !n ? "/" : "", below);
	}
	import_set(c->j, &c->at, "target.address", host ? host : "local:");
}

/* The directory that patterns are anchored at, to be freed; NULL: there is no source of ours. */
static char *set_source(struct command *c)
{
	const char *source = c->operand_count ? c->operands[0] : "", *last, *below = "";
	AUTO_FREE char *root = xstrdup(source);
	size_t n = strlen(root);
	char *anchor = NULL;

	if (c->operand_count < 2 || *source != '/') {
		import_remark(c->j, &c->at, "SRC",
			c->operand_count < 2 ? "source and target are not both there"
					     : "it is relative, or on another host: run rehost on the source");
		return NULL;
	}
	if (c->operand_count > 2)
		import_remark(c->j, &c->at, "SRC",
			"there are several: this is the first one's job, write one for each of them");
	while (n > 1 && root[n - 1] == '/')
		root[--n] = '\0';
	last = strrchr(root, '/');
	if (source[strlen(source) - 1] != '/') {
		below = last + 1;
		anchor = last > root ? xmemdup(root, (size_t)(last - root)) : xstrdup("/");
	} else {
		anchor = xstrdup(root);
	}
	if (!str_eq(root, "/"))
		import_set(c->j, &c->at, "source.root", root);
	if (c->one_file_system && str_eq(root, "/"))
		import_set(c->j, &c->at, "source.mounts", root);
	else if (c->one_file_system)
		import_remark(
			c->j, &c->at, "-x", "if the source is a mount point, list it alone in 'mounts' of [source]");
	set_target(c, c->operands[c->operand_count - 1], below);
	return anchor;
}

static void put_rules(struct command *c, const char *anchor)
{
	for (size_t i = 0; i < c->rule_count; i++) {
		if (c->ordered)
			import_rule(c->j, &c->at, anchor, c->rules[i]);
		else
			import_exclude(c->j, &c->at, anchor, c->rules[i] + 2);
	}
}

static void finish(struct command *c)
{
	AUTO_FREE char *anchor = set_source(c);

	import_set(c->j, &c->at, "rules.delete", !c->delete ? "no" : c->delete_when ? c->delete_when : "during");
	if (!c->numeric && c->operand_count && !str_eq(c->operands[0], "/"))
		import_set(c->j, &c->at, "transfer.ids", "name");
	if (anchor)
		put_rules(c, anchor);
}

static bool is_command(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return str_eq(slash ? slash + 1 : word, name);
}

static void read_rsync(struct import_job *j, const struct import_at *at, struct words *w, size_t place)
{
	struct command *c = xcalloc(1, sizeof(*c));

	c->j = j;
	c->at = *at;
	c->words = w->at;
	c->count = w->count;
	c->next = place + 1;
	if (w->braces)
		import_remark(j, at, "{...}",
			"taken apart as bash does; sh, and cron with it, takes it for one pattern as it stands");
	read_options(c);
	finish(c);
	for (size_t i = 0; i < c->rule_count; i++)
		free(c->rules[i]);
	free(c);
}

static void read_mgn(struct import_job *j, const struct import_at *at, struct words *w, size_t place)
{
	for (size_t i = place + 1; i < w->count; i++) {
		AUTO_FREE char *name = xmemdup(w->at[i], strcspn(w->at[i], "="));

		if (strncmp(name, "--devices", 9) == 0)
			import_remark(j, at, "--devices", "list what is mounted from them in 'mounts' of [source]");
		else if (*name == '-')
			import_remark(j, at, name, "nothing of ours");
	}
}

/* A line of a script, a crontab or a unit, joined. */
static bool read_line(struct import_job *j, const struct import_at *at, const char *line, struct diag *d)
{
	/* ExecStart=/usr/bin/rsync */
	const char *exec = strncmp(line, "Exec", 4) == 0 ? strchr(line, '=') : NULL;
	struct words w = {0};
	bool ok = true;

	if (*line != '#' && !words_split(exec ? exec + 1 : line, &w))
		ok = !strstr(line, "rsync") || import_malformed(at, "a quote that does not end, or too many words", d);
	for (size_t i = 0; ok && i < w.count; i++) {
		bool mgn = is_command(w.at[i], "aws-replication-installer-init");

		if (!mgn && !is_command(w.at[i], "rsync"))
			continue;
		if (j->commands++)
			import_remark(j, at, w.at[i], "one more command: it needs a job of its own, import it alone");
		else if (w.variable)
			ok = import_malformed(at, "the command holds variables: write their values in their places", d);
		else if (mgn)
			read_mgn(j, at, &w, i);
		else
			read_rsync(j, at, &w, i);
		break;
	}
	words_release(&w);
	return ok;
}

bool import_rsync(struct import_job *j, const struct import_file *f, struct diag *d)
{
	AUTO_BUF line = BUF_INIT;
	AUTO_BUF whole = BUF_INIT;
	struct import_at at = {f->name, 0};
	struct lines l;
	bool ok = true;

	lines_init(&l, f->text, f->len);
	while (ok && lines_next(&l, &line)) {
		bool goes_on = line.len && line.data[line.len - 1] == '\\';

		if (!whole.len)
			at.line = l.line;
		buf_append(&whole, line.data, line.len - goes_on);
		if (goes_on)
			continue;
		ok = read_line(j, &at, buf_cstr(&whole), d);
		buf_clear(&whole);
	}
	if (ok && whole.len)
		ok = read_line(j, &at, buf_cstr(&whole), d);
	if (ok && !j->commands)
		ok = import_malformed(&(struct import_at){f->name, 1}, "no line of it has a command of rsync's", d);
	return ok;
}
