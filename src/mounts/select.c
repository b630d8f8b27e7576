/* Which mounts are walked, and why the others are not. */
#include "mounts/private.h"

#include "base/text.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* One decision in the making. */
struct selection {
	const struct conf *conf;
	const struct mounts_options *options;
	struct table table;
	char *root; /* the source root, plain */
	const struct entry *holder; /* the mount that holds it */
	const struct entry **from; /* the entry of each chosen mount */
	const struct entry **left; /* and of each that is left out */
	struct mount_plan *plan;
};

static bool list_has(const struct conf_list *list, const char *path)
{
	for (size_t k = 0; k < list->len; k++) {
		AUTO_FREE char *plain = mount_path_plain(list->items[k].value);
		if (str_eq(plain, path))
			return true;
	}
	return false;
}

static bool type_named(const struct conf *c, const char *type)
{
	for (size_t k = 0; k < c->source.filesystems.len; k++) {
		if (str_eq(c->source.filesystems.items[k].value, type))
			return true;
	}
	return false;
}

/* Whether this host may be looked at, beyond the table. */
static bool may_look(const struct selection *s)
{
	return !s->options->mountinfo;
}

static bool type_listed(const struct selection *s, const struct entry *e)
{
	return type_named(s->conf, e->type) || (type_named(s->conf, "local") && type_is_local(e, may_look(s)));
}

static struct mount_left_out *leave_out(struct selection *s, const struct entry *e, char *why)
{
	struct mount_plan *p = s->plan;
	struct mount_left_out *l;

	p->left_out = xrealloc(p->left_out, (p->left_out_count + 1) * sizeof(*p->left_out));
	s->left = xrealloc(s->left, (p->left_out_count + 1) * sizeof(*s->left));
	s->left[p->left_out_count] = e;
	l = &p->left_out[p->left_out_count++];
	*l = (struct mount_left_out){.path = xstrdup(e->path),
		.fstype = xstrdup(e->type),
		.source = xstrdup(e->source),
		.why = why,
		.covered = e->hidden_by};
	return l;
}

static char *why_path(const char *what, const char *path)
{
	AUTO_FREE char *shown = text_escaped(path);

	return xasprintf("%s '%s'", what, shown);
}

/* The directory of the file system that a walk of the chosen mount begins at: root may lie below the mount point. */
static char *walk_root(const struct entry *e, const char *path)
{
	const char *rest = mount_path_rest(e->path, path);

	if (!*rest)
		return xstrdup(e->root);
	return xasprintf("%s/%s", str_eq(e->root, "/") ? "" : e->root, rest);
}

static bool same_file_system(const struct entry *a, const struct entry *b)
{
	return a->dev == b->dev && a->subvolume == b->subvolume;
}

/* Whether what e shows is walked by another chosen mount already, or holds what the source root does. */
static char *why_repeated(const struct selection *s, const struct entry *e)
{
	for (size_t k = 0; k < s->plan->chosen_count; k++) {
		const struct mount *m = &s->plan->chosen[k];
		AUTO_FREE char *walked = NULL;
		if (!same_file_system(s->from[k], e))
			continue;
		walked = walk_root(s->from[k], m->path);
		if (mount_path_within(walked, e->root))
			return why_path("repeats", m->path);
		if (!*m->rel && mount_path_within(e->root, walked))
			return why_path("holds what is walked as", m->path);
	}
	return NULL;
}

/* What the user has said against a mount. */
static const char *why_meant(const struct selection *s, const struct entry *e)
{
	if (s->options->one_file_system)
		return "one file system (-x)";
	if (list_has(&s->conf->source.skip_mounts, e->path))
		return "skip_mounts";
	if (s->conf->source.mounts.len && !list_has(&s->conf->source.mounts, e->path))
		return "not in mounts";
	return NULL;
}

/* What speaks against a mount beneath the root, whatever else is chosen; NULL when nothing does. Of data, what the user has
 * said comes first. */
static char *why_not(const struct selection *s, const struct entry *e)
{
	const char *meant = why_meant(s, e);

	if (meant && type_holds_data(e, may_look(s)))
		return xstrdup(meant);
	if (!type_listed(s, e))
		return xstrdup(type_why(e));
	if (type_is_zfs_snapshot(e))
		return xstrdup("snapshot");
	if (e->hidden_by)
		return why_path("hidden by the mount at", e->hidden_by->path);
	return meant ? xstrdup(meant) : NULL;
}

/* Adds a mount to the plan; NULL, or why it cannot be. What a made-up table says is not looked for on this host. */
static char *choose(struct selection *s, const struct entry *e, const char *path)
{
	struct mount_plan *p = s->plan;
	struct mount m = {.dev = e->dev, .fd = -1};
	struct statvfs fs;
	struct stat st;

	if (!s->options->mountinfo) {
		if (stat(path, &st) < 0)
			return xasprintf("cannot be reached: %s", strerror(errno));
		if (!S_ISDIR(st.st_mode))
			return xstrdup("mounted over a file");
		m.dev = st.st_dev; /* of btrfs, the subvolume's: what stat says of its entries */
		if (statvfs(path, &fs) == 0) {
			m.used_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
			m.used_inodes = fs.f_files - fs.f_ffree;
		}
	}
	m.path = xstrdup(path);
	m.rel = xstrdup(mount_path_rest(s->root, path));
	m.fstype = xstrdup(e->type);
	m.source = xstrdup(e->source);
	m.within = walk_root(e, path);
	p->chosen = xrealloc(p->chosen, (p->chosen_count + 1) * sizeof(*p->chosen));
	s->from = xrealloc(s->from, (p->chosen_count + 1) * sizeof(*s->from));
	s->from[p->chosen_count] = e;
	p->chosen[p->chosen_count++] = m;
	return NULL;
}

bool mounts_whole(const char *dir)
{
	AUTO_FREE char *above = xasprintf("%s/..", dir);
	struct stat here, up;

	return stat(dir, &here) == 0 && stat(above, &up) == 0 && (here.st_dev != up.st_dev || here.st_ino == up.st_ino);
}

/* The source root first: it is walked whatever repeats it elsewhere. */
static bool choose_root(struct selection *s, struct diag *d)
{
	const struct conf *c = s->conf;
	char *why;

	s->holder = table_holder(&s->table, s->root);
	if (!s->holder) {
		diag_set(d, DIAG_MOUNTS_TABLE, 0, s->root, "the mount table has no mount that holds the source root");
		return false;
	}
	if (!s->options->root_always) {
		if (list_has(&c->source.skip_mounts, s->root)) {
			leave_out(s, s->holder, xstrdup("skip_mounts"));
			return true;
		}
		if (c->source.mounts.len && !list_has(&c->source.mounts, s->root)) {
			leave_out(s, s->holder, xstrdup("not in mounts"));
			return true;
		}
		if (!type_listed(s, s->holder)) {
			diag_set(d, DIAG_MOUNTS_ROOT_TYPE, 0, s->root,
				"the file system of the source root '%s' is of type '%s': %s", s->root, s->holder->type,
				type_why(s->holder));
			return false;
		}
	}
	why = choose(s, s->holder, s->root);
	if (!why)
		return true;
	diag_set(d, DIAG_MOUNTS_ROOT, 0, s->root, "cannot walk the source root '%s': %s", s->root, why);
	free(why);
	return false;
}

static unsigned depth(const char *path)
{
	unsigned n = 0;

	for (; *path; path++)
		n += path[0] == '/' && path[1] != '\0';
	return n;
}

/* Of mounts that show the same, the one that shows most comes first, then the one nearest the root, then the one that was
 * mounted first: a bind mount is younger than what it repeats. Both point into the table, which is in that order. */
static int by_reach(const void *a, const void *b)
{
	const struct entry *ea = *(const struct entry *const *)a, *eb = *(const struct entry *const *)b;

	if (depth(ea->root) != depth(eb->root))
		return depth(ea->root) < depth(eb->root) ? -1 : 1;
	if (depth(ea->path) != depth(eb->path))
		return depth(ea->path) < depth(eb->path) ? -1 : 1;
	return ea < eb ? -1 : 1;
}

/* The path at which a chosen mount walks what lies at path on this host, or NULL. */
static char *walked_at(const struct selection *s, const char *path)
{
	const struct entry *holder = table_holder(&s->table, path);
	AUTO_FREE char *within = holder ? walk_root(holder, path) : NULL;

	for (size_t k = 0; holder && k < s->plan->chosen_count; k++) {
		const struct mount *m = &s->plan->chosen[k];
		AUTO_FREE char *walked = NULL;
		if (!same_file_system(s->from[k], holder))
			continue;
		walked = walk_root(s->from[k], m->path);
		if (mount_path_within(walked, within))
			return xasprintf("%s/%s", str_eq(m->path, "/") ? "" : m->path, mount_path_rest(walked, within));
	}
	return NULL;
}

static bool is_excluded(const struct selection *s, const char *path, bool is_dir)
{
	const struct mounts_options *o = s->options;

	return o->excluded && o->excluded(o->arg, mount_path_rest(s->root, path), is_dir);
}

/* The file that the loop device below a mount shows; only where "local" is what chose it. */
static char *file_of(const struct selection *s, const struct entry *e)
{
	if (type_named(s->conf, e->type) || list_has(&s->conf->source.mounts, e->path) ||
		(!may_look(s) && !s->options->sysfs))
		return NULL;
	return loop_file(e, s->options->sysfs ? s->options->sysfs : "/sys");
}

/* Whether that file is copied itself. One that has been removed is not. */
static char *why_in_a_file(const struct selection *s, const char *file)
{
	static const char removed[] = " (deleted)";
	size_t n = strlen(file);
	AUTO_FREE char *walked = NULL;
	struct stat st;

	if (*file != '/' || (n >= strlen(removed) && str_eq(file + n - strlen(removed), removed)))
		return NULL;
	walked = walked_at(s, file);
	if (!walked || is_excluded(s, walked, false) || (may_look(s) && (lstat(file, &st) < 0 || !S_ISREG(st.st_mode))))
		return NULL;
	return why_path("shows what is copied as the file", walked);
}

static void choose_candidate(struct selection *s, const struct entry *e, const char *file)
{
	char *why = file ? why_in_a_file(s, file) : NULL;

	if (!why)
		why = why_repeated(s, e);
	if (!why)
		why = choose(s, e, e->path);
	if (why)
		leave_out(s, e, why)->failed = true;
}

/* Those in files come last: where the files lie is known then. */
static void choose_candidates(struct selection *s, const struct entry **candidates, size_t n)
{
	AUTO_FREE char **files = xcalloc(n + 1, sizeof(*files));

	for (size_t k = 0; k < n; k++) {
		files[k] = file_of(s, candidates[k]);
		if (!files[k])
			choose_candidate(s, candidates[k], NULL);
	}
	for (size_t k = 0; k < n; k++) {
		if (files[k])
			choose_candidate(s, candidates[k], files[k]);
		free(files[k]);
	}
}

static void choose_beneath(struct selection *s)
{
	AUTO_FREE const struct entry **candidates = xcalloc(s->table.count + 1, sizeof(*candidates));
	size_t n = 0;

	for (size_t k = 0; k < s->table.count; k++) {
		const struct entry *e = &s->table.entries[k];
		char *why;
		if (!mount_path_beneath(s->root, e->path))
			continue;
		why = why_not(s, e);
		if (why)
			leave_out(s, e, why);
		else
			candidates[n++] = e;
	}
	qsort(candidates, n, sizeof(*candidates), by_reach);
	choose_candidates(s, candidates, n);
}

/* ---- what it is to the user ---- */

/* All that e shows is walked, or what it shows is in a file that is. */
static bool is_copied_elsewhere(const struct selection *s, const struct entry *e)
{
	AUTO_FREE char *file = file_of(s, e), *why = file ? why_in_a_file(s, file) : NULL;

	for (size_t k = 0; !why && k < s->plan->chosen_count; k++) {
		AUTO_FREE char *walked = NULL;
		if (!same_file_system(s->from[k], e))
			continue;
		walked = walk_root(s->from[k], s->plan->chosen[k].path);
		if (mount_path_within(walked, e->root))
			return true;
	}
	return why;
}

static enum mount_concern concern_of(const struct selection *s, const struct entry *e)
{
	bool named = list_has(&s->conf->source.mounts, e->path);

	if (type_is_zfs_snapshot(e) || (!named && !type_holds_data(e, may_look(s))))
		return MOUNT_ELSEWHERE;
	if (why_meant(s, e) || is_excluded(s, e->path, true))
		return MOUNT_MEANT;
	return is_copied_elsewhere(s, e) ? MOUNT_ELSEWHERE : MOUNT_MISSED;
}

/* How much it holds. Where another process answers for a file system it may never do so. */
static void measure(const struct entry *e, struct mount_left_out *l)
{
	struct statvfs fs;
	struct stat st;

	if (e->hidden_by || strncmp(e->type, "fuse", 4) == 0 || stat(e->path, &st) < 0)
		return;
	l->file = !S_ISDIR(st.st_mode);
	if (!l->file && statvfs(e->path, &fs) == 0)
		l->used_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
}

static void judge_left_out(struct selection *s)
{
	for (size_t k = 0; k < s->plan->left_out_count; k++) {
		struct mount_left_out *l = &s->plan->left_out[k];
		l->concern = concern_of(s, s->left[k]);
		if (l->concern != MOUNT_ELSEWHERE && may_look(s))
			measure(s->left[k], l);
	}
}

static int by_rel(const void *a, const void *b)
{
	return strcmp(((const struct mount *)a)->rel, ((const struct mount *)b)->rel);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct mount_left_out *)a)->path, ((const struct mount_left_out *)b)->path);
}

static bool place_all(struct selection *s, struct diag *d)
{
	const struct conf *c = s->conf;
	struct mount_plan *p = s->plan;

	for (size_t k = 0; k < c->source.map_count; k++) {
		const struct conf_map *map = &c->source.maps[k];
		AUTO_FREE char *path = mount_path_plain(map->mount);
		struct mount *m = mounts_at(p, path);
		if (!m) {
			diag_set(d, DIAG_MOUNTS_MAP, 0, path, "%s:%u: map: '%s' is no mount that is copied",
				map->origin.file ? map->origin.file : "map", map->origin.line, path);
			return false;
		}
		free(m->target_rel);
		m->target_rel = xstrdup(map->target);
	}
	for (size_t k = 0; k < p->chosen_count; k++) {
		/* Not mapped: those above it come first. */
		if (!p->chosen[k].target_rel)
			p->chosen[k].target_rel = mount_place(p, k, p->chosen[k].path);
	}
	return true;
}

/* A name in `mounts` that is none is a mistake that would cost a whole file system. */
static bool check_named(const struct selection *s, struct diag *d)
{
	const struct conf_list *named = &s->conf->source.mounts;

	for (size_t k = 0; k < named->len; k++) {
		AUTO_FREE char *path = mount_path_plain(named->items[k].value);
		if (str_eq(path, s->root) || table_at(&s->table, path))
			continue;
		diag_set(d, DIAG_MOUNTS_NAMED, 0, path, "%s:%u: mounts: nothing is mounted at '%s'",
			named->items[k].file ? named->items[k].file : "mounts", named->items[k].line, path);
		return false;
	}
	return true;
}

static bool find_root(struct selection *s, struct diag *d)
{
	if (s->options->mountinfo) {
		s->root = mount_path_plain(s->conf->source.root);
		return true;
	}
	s->root = realpath(s->conf->source.root, NULL);
	if (s->root)
		return true;
	diag_set(d, DIAG_MOUNTS_ROOT, errno, s->conf->source.root, "cannot find the source root '%s'",
		s->conf->source.root);
	return false;
}

static bool are_not_too_many(const struct selection *s, struct diag *d)
{
	const struct mount_plan *p = s->plan;
	size_t bytes = 0;

	for (size_t k = 0; k < p->chosen_count; k++)
		bytes += strlen(p->chosen[k].rel) + 2 * strlen(p->chosen[k].target_rel);
	if (p->chosen_count <= MOUNTS_MAX && bytes <= MOUNTS_PATHS_MAX)
		return true;
	diag_set(d, DIAG_MOUNTS_TOO_MANY, 0, s->root, "beneath '%s' there are %zu mounts to copy: %d are the most%s",
		s->root, p->chosen_count, MOUNTS_MAX,
		p->chosen_count <= MOUNTS_MAX ? ", fewer with paths so long" : "");
	return false;
}

static bool select_all(struct selection *s, struct diag *d)
{
	struct mount_plan *p = s->plan;

	if (!find_root(s, d) || !check_named(s, d) || !choose_root(s, d))
		return false;
	choose_beneath(s);
	judge_left_out(s);
	if (!p->chosen_count) {
		diag_set(d, DIAG_MOUNTS_NONE, 0, s->root, "no file system beneath '%s' is left to walk", s->root);
		return false;
	}
	p->root = xstrdup(s->root);
	/* The root's rel is "", which sorts first. The entries of s->from and s->left are not needed any more. */
	qsort(p->chosen, p->chosen_count, sizeof(*p->chosen), by_rel);
	if (p->left_out_count)
		qsort(p->left_out, p->left_out_count, sizeof(*p->left_out), by_path);
	return place_all(s, d) && are_not_too_many(s, d);
}

bool mounts_select(const struct conf *c, const struct mounts_options *o, struct mount_plan *out, struct diag *d)
{
	struct selection s = {.conf = c, .options = o, .plan = out};
	bool ok;

	*out = (struct mount_plan){};
	if (!table_read(&s.table, o->mountinfo)) {
		diag_set(d, DIAG_MOUNTS_TABLE, errno, o->mountinfo, "cannot read the mount table");
		return false;
	}
	ok = select_all(&s, d);
	mount_table_release(&s.table);
	free(s.from);
	free(s.left);
	free(s.root);
	if (!ok)
		mount_plan_release(out);
	return ok;
}
