/*
 * rules: what would become of a path, and which rule at which line says so. Needs no target, and reads of the source no more
 * than the mount table and what type a path has.
 */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/work.h"
#include "base/text.h"
#include "engine/sources.h"
#include "mounts/mounts.h"
#include "rules/rules.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct asking {
	const struct options *o;
	struct conf *conf;
	struct rules *copy, *sync;
	struct mount_plan plan;
	char *root; /* conf->source.root, normalised; "" is / */
};

/* Where it lies: below the root, in a file system that is walked, or in one that is left out. */
struct place {
	const char *rel;
	const struct mount_left_out *left_out;
	bool outside;
};

/* What one phase makes of it. */
struct outcome {
	bool taken;
	const char *why; /* when no rule decides; static, or the plan's */
	struct rules_verdict verdict;
};

/* How much of path the mount point `at` is of; 0: none. "/" is of all. */
static size_t covers(const char *at, const char *path)
{
	size_t n = strlen(at);

	if (n == 1)
		return 1;
	return strncmp(at, path, n) == 0 && (path[n] == '/' || !path[n]) ? n : 0;
}

static struct place place_of(const struct asking *a, const char *path)
{
	const size_t root = strlen(a->root);
	struct place p = {0};
	size_t best = 0;

	if (strncmp(path, a->root, root) != 0 || (path[root] && path[root] != '/')) {
		p.outside = true;
		return p;
	}
	p.rel = path + root + (path[root] == '/');
	for (size_t i = 0; i < a->plan.chosen_count; i++)
		best = MAX(best, covers(a->plan.chosen[i].path, path));
	for (size_t i = 0; i < a->plan.left_out_count; i++) {
		size_t n = covers(a->plan.left_out[i].path, path);

		/* The mount point itself is made, as an empty directory. */
		if (n > best && path[n]) {
			best = n;
			p.left_out = &a->plan.left_out[i];
		}
	}
	return p;
}

static struct outcome judge(const struct place *p, const struct rules *r, bool is_dir)
{
	struct outcome out = {.taken = true};

	if (p->outside) {
		out.taken = false;
		out.why = "it is not below the source root";
	} else if (p->left_out) {
		out.taken = false;
		out.why = p->left_out->why;
	} else {
		rules_match_path(r, p->rel, is_dir, &out.verdict);
		out.taken = !out.verdict.hide;
	}
	return out;
}

/* ---- as text ---- */

static void put_rule(struct buf *b, const struct outcome *o)
{
	const struct conf_item *rule = o->verdict.rule;

	if (o->why) {
		buf_printf(b, ": %s", o->why);
		return;
	}
	if (!rule)
		return;
	if (!o->taken && str_eq(o->verdict.list, "sync_only")) {
		buf_append_str(b, ": no path of sync_only holds it (");
	} else {
		buf_printf(b, "%s by %s = ", o->verdict.passage ? "," : "", o->verdict.list);
		text_escape(b, rule->value, strlen(rule->value));
		buf_append_str(b, " (");
	}
	text_escape(b, rule->file, strlen(rule->file));
	if (rule->line)
		buf_printf(b, ":%u", rule->line);
	buf_append_u8(b, ')');
}

static const char *sync_word(const struct outcome *o)
{
	if (!o->taken)
		return "left out";
	return o->verdict.passage ? "entered only for what lies beneath" : "synced";
}

/* What happens at the target to an entry of this name that the source has not. */
static const char *delete_word(const struct asking *a, const struct place *p, const struct outcome *o)
{
	if (p->outside || !*p->rel || a->conf->rules.delete_when == CONF_DELETE_NO)
		return "never deleted";
	return p->left_out || o->verdict.protect || o->verdict.passage
		? "protected at the target"
		: "deleted at the target when the source has it no more";
}

static void print_text(const struct asking *a, const char *path, const struct place *p, const struct outcome *copy,
	const struct outcome *sync)
{
	AUTO_BUF b = BUF_INIT;

	text_escape(&b, path, strlen(path));
	buf_printf(&b, "\n  copy:    %s", copy->taken ? "copied" : "left out");
	put_rule(&b, copy);
	buf_printf(&b, "\n  sync:    %s", sync_word(sync));
	put_rule(&b, sync);
	buf_printf(&b, "\n  delete:  %s\n", delete_word(a, p, sync));
	fwrite(b.data, 1, b.len, stdout);
}

/* ---- as JSON ---- */

static void put_outcome(struct json *j, const char *phase, const struct outcome *o)
{
	const struct conf_item *rule = o->verdict.rule;
	AUTO_FREE char *list = xasprintf("%s_list", phase), *text = xasprintf("%s_rule", phase);
	AUTO_FREE char *file = xasprintf("%s_file", phase), *line = xasprintf("%s_line", phase);
	AUTO_FREE char *why = xasprintf("%s_why", phase);

	json_bool(j, phase, o->taken);
	if (o->why)
		json_str(j, why, o->why);
	if (!rule || o->why)
		return;
	json_str(j, list, o->verdict.list);
	json_path(j, text, rule->value);
	json_path(j, file, rule->file);
	if (rule->line)
		json_u64(j, line, rule->line);
}

static void print_json(const struct asking *a, const char *path, const struct place *p, const struct outcome *copy,
	const struct outcome *sync)
{
	struct json j = {0};

	json_begin(&j, "rule");
	json_path(&j, "path", path);
	put_outcome(&j, "copy", copy);
	put_outcome(&j, "sync", sync);
	json_bool(&j, "passage", sync->verdict.passage);
	json_str(&j, "delete", delete_word(a, p, sync));
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

/* ---- the paths that are asked for ---- */

/* Absolute and normalised, or NULL with e set. out_is_dir: what it is, or what a slash at its end says it would be. */
static char *absolute(const char *path, bool *out_is_dir, struct usage_error *e)
{
	AUTO_FREE char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	AUTO_FREE char *whole = cwd ? xasprintf("%s/%s", cwd, path) : xstrdup(path);
	const char *why = "";
	char *normal = NULL;
	size_t n = strlen(path);
	struct stat st;

	if (!conf_normalize_path(whole, &normal, &why)) {
		usage_set(e, DIAG_CLI_OPERANDS, NULL, "'%s' %s", path, why);
		return NULL;
	}
	*out_is_dir = lstat(normal, &st) == 0 ? S_ISDIR(st.st_mode) : n && path[n - 1] == '/';
	return normal;
}

static bool answer(const struct asking *a, const char *operand, struct usage_error *e)
{
	bool is_dir = false;
	AUTO_FREE char *path = absolute(operand, &is_dir, e);
	struct outcome copy, sync;
	struct place p;

	if (!path)
		return false;
	p = place_of(a, path);
	copy = judge(&p, a->copy, is_dir);
	sync = judge(&p, a->sync, is_dir);
	if (a->o->given[OPT_JSON])
		print_json(a, path, &p, &copy, &sync);
	else
		print_text(a, path, &p, &copy, &sync);
	return true;
}

static bool prepare(struct asking *a, struct usage_error *e)
{
	struct mounts_options mo = {.excluded = sources_excluded};
	const char *why = "";
	size_t n;

	a->conf = work_load_conf(a->o, false, e);
	if (!a->conf)
		return false;
	if (!a->o->operand_count) {
		usage_set(e, DIAG_CLI_OPERANDS, xstrdup("write 'rehost rules PATH...'"), "'rules' needs a path");
		return false;
	}
	if (!conf_normalize_path(a->conf->source.root, &a->root, &why)) {
		diag_set(&e->diag, DIAG_INTERNAL, 0, NULL, "the source root '%s' %s", a->conf->source.root, why);
		return false;
	}
	n = strlen(a->root);
	if (n == 1)
		a->root[0] = '\0';
	if (!rules_new(a->conf, RULES_COPY, &a->copy, &e->diag) || !rules_new(a->conf, RULES_SYNC, &a->sync, &e->diag))
		return false;
	mo.arg = a->sync;
	return mounts_select(a->conf, &mo, &a->plan, &e->diag);
}

int cmd_rules(const struct options *o)
{
	struct asking a = {.o = o};
	struct usage_error e = {0};
	bool ok = prepare(&a, &e);
	int code;

	for (size_t i = 0; ok && i < o->operand_count; i++)
		ok = answer(&a, o->operands[i], &e);
	code = ok ? EXIT_DONE : work_refuse(o, &e);
	rules_free(a.copy);
	rules_free(a.sync);
	mount_plan_release(&a.plan);
	free(a.root);
	conf_free(a.conf);
	usage_release(&e);
	return code;
}
