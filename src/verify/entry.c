/* Comparing the entries of one directory. */
#include "verify/entry.h"
#include "base/ownname.h"
#include "mounts/mounts.h"
#include "verify/contents.h"
#include "verify/report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BTRFS_MAGIC 0x9123683eL
#define BTRFS_SUBVOLUME_INO 256

/* One entry of the source while it is being compared. */
struct entry {
	const char *name;
	char *src;
	struct stat st;
	struct table_entry *record; /* NULL: the target has none */
	struct bytes target_name;
	struct verify_node target;
};

size_t verify_entry_mount_at(const struct verifier *v, const struct unit *u, const char *src)
{
	for (size_t i = 0; i < v->o.mount_count; i++)
		if (i != u->mount && *v->o.mounts[i].rel && str_eq(v->o.mounts[i].rel, src))
			return i;
	return SIZE_MAX;
}

static bool left_out(const struct verifier *v, const struct stat *st)
{
	for (size_t i = 0; i < v->o.skip_count; i++)
		if (v->o.skip[i].dev == st->st_dev && v->o.skip[i].ino == st->st_ino)
			return true;
	return false;
}

static void judge(const struct verifier *v, const struct unit *u, const char *src, const char *name, bool is_dir,
	struct rules_verdict *out)
{
	*out = (struct rules_verdict){};
	if (!v->o.rules)
		return;
	/* A walk never comes below what is left out; a single path may. */
	if (u->only)
		rules_match_path(v->o.rules, src, is_dir, out);
	else
		rules_match(v->o.rules, u->src, name, is_dir, out);
}

/* A directory on another device: a mount that was not chosen, or a subvolume of the same file system. */
enum other_device { OTHER_MOUNT, OTHER_SUBVOLUME, OTHER_SNAPSHOT };

/* A subvolume that is mounted elsewhere is walked there. */
static bool is_other_root(const struct verifier *v, const struct unit *u, uint64_t dev)
{
	struct stat st;

	for (size_t i = 0; i < v->o.mount_count; i++)
		if (i != u->mount && fstat(v->o.mounts[i].fd, &st) == 0 && st.st_dev == dev)
			return true;
	return false;
}

static void warn_unsure(struct verifier *v, const char *src)
{
	AUTO_DIAG d = DIAG_INIT;

	if (v->said_subvolume)
		return;
	v->said_subvolume = true;
	diag_set(&d, DIAG_MOUNTS_SUBVOLUME, 0, src, "the read-only subvolume '%s' is left out", src);
	v->o.callbacks.warning(v->o.callbacks.arg, &d);
}

static enum other_device other_device(struct verifier *v, const struct unit *u, const struct entry *e)
{
	AUTO_CLOSE int fd = -1;
	enum subvolume what;
	struct statfs fs;

	if (e->st.st_ino != BTRFS_SUBVOLUME_INO || fstatfs(u->fd, &fs) < 0 || fs.f_type != BTRFS_MAGIC ||
		is_other_root(v, u, e->st.st_dev))
		return OTHER_MOUNT;
	fd = verify_open(u->fd, e->name, O_DIRECTORY, false);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != BTRFS_MAGIC)
		return OTHER_MOUNT;
	what = mounts_subvolume(fd);
	if (what == SUBVOLUME_UNSURE)
		warn_unsure(v, e->src);
	return what == SUBVOLUME_OTHER ? OTHER_SUBVOLUME : OTHER_SNAPSHOT;
}

/* Looks for the target's record; it counts as seen. False: it cannot be compared (said). */
static bool find_record(struct verifier *v, struct unit *u, struct entry *e)
{
	/* The names of a single path may differ: its root may be mapped. */
	e->record = verify_table_find(&u->table, u->only ? u->only_dst : e->name, v->o.seed);
	if (!e->record)
		return true;
	e->record->seen = true;
	verify_table_node(&u->table, e->record, &e->target_name, &e->target);
	if (e->target.type != VERIFY_T_NONE)
		return true;
	verify_report_failure(v, true, e->target.err, e->src, "metadata");
	return false;
}

static void give(struct verifier *v, struct unit *u, const char *name, const char *src, size_t mount)
{
	bool root = mount != u->mount;
	AUTO_FREE char *dst = root ? xstrdup(v->o.mounts[mount].target_rel) : path_join(u->dst, name);

	v->o.callbacks.give(v->o.callbacks.arg,
		&(struct verifier_give){
			.unit = u->id,
			.mount = (uint32_t)mount,
			.mount_root = root,
			.name = name,
			.src = src,
			.dst = dst,
		});
}

/* Only that there is a directory: metadata and content are another unit's, or nobody's. */
static void compare_existence(struct verifier *v, const struct entry *e)
{
	struct verify_node s;

	verify_node_stat(&e->st, &s);
	if (!e->record)
		verify_report_missing(v, verify_changed(v, e->src, &s), e->src, &s);
	else if (e->target.type != s.type)
		verify_report_type(v, verify_changed(v, e->src, &s), e->src, s.type, e->target.type);
}

/* The mount point of another chosen mount. */
static void compare_mount_point(struct verifier *v, struct unit *u, const struct entry *e, size_t mount)
{
	AUTO_FREE char *dst = path_join(u->dst, e->name);

	/* Not mapped elsewhere: the mount's own unit says what is wrong with its root. */
	if (!str_eq(dst, v->o.mounts[mount].target_rel))
		compare_existence(v, e);
	if (!u->only || u->recurse)
		give(v, u, e->name, e->src, mount);
}

/* Present on both sides, of the same type, no directory. */
static void compare_file(struct verifier *v, struct unit *u, const struct entry *e)
{
	struct findings found = {};
	struct verify_node s;
	enum verify_when when;

	if (verify_node_read(&v->reader, u->fd, e->name, &e->st, &s) < 0) {
		v->counts.files_examined--;
		v->counts.files_vanished++;
		return;
	}
	when = verify_changed(v, e->src, &s);
	if (s.err || e->target.err)
		verify_report_failure(v, !s.err, s.err ? s.err : e->target.err, e->src, "metadata");
	if (s.nlink > 1 || e->target.nlink > 1)
		v->o.callbacks.pair(v->o.callbacks.arg,
			&(struct verifier_pair){
				.source_dev = s.dev,
				.source_ino = s.ino,
				.target_dev = e->target.dev,
				.target_ino = e->target.ino,
				.changed = when == WHEN_SINCE,
				.path = e->src,
			});
	verify_compare(&s, &e->target, v->o.mode, v->fields, v->metadata, &found);
	verify_report_held(v, e->src, &s, &found.held);
	if (s.type == VERIFY_T_REG && (v->o.mode == VERIFY_CRC64 || nameset_has(&u->doubts, e->name)) &&
		s.size == e->target.size && s.size > 0)
		verify_contents_add(v, u, e->name, &s, &e->target, when, &found);
	else
		verify_report_findings(v, when, e->src, &found);
	verify_findings_release(&found);
}

static bool compare_dir(struct verifier *v, struct unit *u, struct entry *e)
{
	size_t mount = verify_entry_mount_at(v, u, e->src);

	if (mount != SIZE_MAX) {
		compare_mount_point(v, u, e, mount);
		return false;
	}
	if (path_set_has(&v->o.fenced, "", e->src)) {
		v->counts.files_examined++;
		compare_existence(v, e);
		return false;
	}
	if (e->st.st_dev != u->dev) {
		enum other_device other = other_device(v, u, e);

		if (other == OTHER_MOUNT) {
			v->counts.files_examined++;
			compare_existence(v, e);
		}
		if (other != OTHER_SUBVOLUME)
			return false;
	}
	if (!e->record || e->target.type != VERIFY_T_DIR) {
		v->counts.files_examined++;
		compare_existence(v, e);
		return false;
	}
	if (!u->only)
		give(v, u, e->name, e->src, u->mount);
	return u->only;
}

/* What is there and not left out. */
static bool compare(struct verifier *v, struct unit *u, struct entry *e)
{
	if (!find_record(v, u, e)) {
		v->counts.files_examined++;
		return false;
	}
	if (S_ISDIR(e->st.st_mode))
		return compare_dir(v, u, e);
	v->counts.files_examined++;
	if (S_ISREG(e->st.st_mode))
		v->counts.bytes_total += (uint64_t)e->st.st_size;
	if (!e->record || e->target.type != verify_type_of(e->st.st_mode))
		compare_existence(v, e);
	else
		compare_file(v, u, e);
	return false;
}

static void mark_seen(struct verifier *v, struct unit *u, const char *name)
{
	struct table_entry *t = verify_table_find(&u->table, u->only ? u->only_dst : name, v->o.seed);

	if (t)
		t->seen = true;
}

bool verify_entry_compare(struct verifier *v, struct unit *u, const char *name)
{
	AUTO_FREE char *src = path_join(u->src, name);
	struct entry e = {.name = name, .src = src};
	struct rules_verdict verdict;

	if (u->source_missing)
		return false;
	if (strlen(name) > VERIFY_NAME_MAX || MAX(strlen(src), strlen(u->dst) + 1 + strlen(name)) > VERIFY_PATH_MAX) {
		verify_report_failure(v, false, ENAMETOOLONG, src, "metadata");
		mark_seen(v, u, name);
		return false;
	}
	if (fstatat(u->fd, name, &e.st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT) {
			verify_report_failure(v, false, (uint32_t)errno, src, "metadata");
		} else if (u->only) {
			return false; /* never was there, as far as we know: the target's may be extra */
		} else {
			v->counts.files_vanished++;
		}
		mark_seen(v, u, name);
		return false;
	}
	judge(v, u, src, name, S_ISDIR(e.st.st_mode), &verdict);
	if (verdict.hide)
		return false;
	if (left_out(v, &e.st) || own_name_is(name, u->ino)) {
		mark_seen(v, u, name);
		return false;
	}
	return compare(v, u, &e);
}

/* Target paths that are another mount's business, or lead to them. */
static bool leads_to_mount(const struct verifier *v, const char *dst)
{
	const char *rest;

	for (size_t i = 0; i < v->o.mount_count; i++)
		if (*v->o.mounts[i].target_rel && path_within(dst, v->o.mounts[i].target_rel, &rest))
			return true;
	return false;
}

static bool extra_expected(struct verifier *v, struct unit *u, const char *name, const char *src, bool is_dir)
{
	AUTO_FREE char *dst = path_join(u->dst, name);
	struct rules_verdict verdict;

	if (path_set_covers(&v->o.opened, u->src, strlen(v->o.mounts[u->mount].rel)) ||
		path_set_leads(&v->o.kept, u->dst, name) ||
		(is_dir && (name_is_lost_found(name, u->target_ino) || leads_to_mount(v, dst))))
		return true;
	judge(v, u, src, name, is_dir, &verdict);
	return verdict.protect;
}

/* The nearest directory above u->src that the source has. */
static bool stat_above(const struct verifier *v, const struct unit *u, struct stat *out)
{
	const struct verifier_mount *m = &v->o.mounts[u->mount];
	const char *rest, *name;
	AUTO_FREE char *path = NULL;

	if (!path_within(m->rel, u->src, &rest))
		return false;
	path = xstrdup(rest);
	while (*path) {
		char *above = path_split(path, &name);
		AUTO_CLOSE int fd = verify_tree_open(m->fd, above, v->o.noatime);

		free(path);
		path = above;
		if (fd >= 0)
			return fstat(fd, out) == 0;
	}
	return false;
}

/* An entry can only have gone from the source by a change of its directory, or with it by one of the next above. */
static enum verify_when source_changed(const struct verifier *v, const struct unit *u)
{
	struct stat st;
	struct verify_node n;

	enum verify_when by_ctime;

	if (u->source_missing ? !stat_above(v, u, &st) : fstat(u->fd, &st) < 0)
		return WHEN_BEFORE;
	verify_node_stat(&st, &n);
	by_ctime = verify_when(v, n.ctime_ns);
	return by_ctime == WHEN_BEFORE ? verify_when(v, n.mtime_full_ns) : by_ctime;
}

/*
 * A directory that the source has no more and that may have to stay for what the rules protect beneath it: not itself
 * extra, but what else it holds is.
 */
static bool extra_passage(struct verifier *v, struct unit *u, const char *name, const char *src)
{
	if (!v->o.rules || !rules_protect_beneath(v->o.rules, src))
		return false;
	if (!u->only || u->recurse)
		give(v, u, name, src, u->mount);
	return true;
}

void verify_entry_extras(struct verifier *v, struct unit *u)
{
	enum verify_when when = WHEN_BEFORE;
	bool asked = false;

	for (size_t i = 0; i < table_count(&u->table); i++) {
		struct table_entry *e = table_at(&u->table, i);
		char name[VERIFY_NAME_MAX + 1];
		AUTO_FREE char *src = NULL;
		struct verify_node t;
		struct bytes b;

		if (e->seen)
			continue;
		verify_table_node(&u->table, e, &b, &t);
		memcpy(name, b.p, b.len);
		name[b.len] = '\0';
		src = path_join(u->src, u->only ? u->only : name);
		if (extra_expected(v, u, name, src, t.type == VERIFY_T_DIR))
			continue;
		if (t.type == VERIFY_T_DIR && extra_passage(v, u, u->only ? u->only : name, src))
			continue;
		if (!asked)
			when = source_changed(v, u);
		asked = true;
		verify_report_extra(v, when, src, &t);
	}
}
