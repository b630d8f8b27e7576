/* SMS: g-property.cfg, disk.cfg, auth.cfg. */
#include "base/text.h"
#include "import/job.h"
#include "import/lines.h"

#include <stdio.h>
#include <strings.h>

struct property {
	const char *name, *normal; /* normal: what it is when nobody has changed it; then nothing is said */
	const char *key; /* ours; NULL: there is none */
	const char *text; /* our value ("%s": theirs), or why there is none */
	const char *when; /* the value that ours stands for; NULL: any */
};

static const struct property properties[] = {
	{"auto_start_interval_seconds", "", "retry.interval", "%ss", NULL},
	{"auto_start_each_addition_seconds", "", "retry.step", "%ss", NULL},
	{"auto_start_max_retry_times", "", "retry.max_retries", "%s", NULL},
	{"disableplatformservice", "True", NULL, "agents of the platform are reported, not switched off", "False"},
	{"debug", "False", "log.level", "debug", "True"},
	{"uefi2bios", "False", "layout.firmware", "bios", "True"},
	{"targetip", "", NULL, "another address of the target: see 'address' in [target]", NULL},
	{"inode_used_limit", "2000000", "check.threshold", "many-files=%s", NULL},
	{"network.dev", "", NULL, "the interface to use: BindInterface in ssh_config", NULL},
	{"network.gateway", "", NULL, "the way to the target: BindInterface in ssh_config, or a route", NULL},
	{"network.macaddr", "", NULL, "the interface to use: BindInterface in ssh_config", NULL},
	{"network.ipaddr", "", NULL, "the interface to use: BindInterface in ssh_config", NULL},
	{"fstab.ignore_mount_path", "", NULL, "look at fstab on the target", NULL},
	{"fstab.keep_mount_path", "", NULL, "look at fstab on the target", NULL},
};

static bool is_true(const char *value)
{
	return strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0 || str_eq(value, "1");
}

static void put_property(struct import_job *j, const struct import_at *at, const struct property *p, const char *value)
{
	const char *percent = strchr(p->text, '%');

	if (!*value || strcasecmp(value, p->normal) == 0)
		return;
	if (p->when && strcasecmp(value, p->when) != 0)
		import_remark(j, at, p->name, "neither True nor False");
	else if (!p->key)
		import_remark(j, at, p->name, "%s", p->text);
	else if (percent)
		import_set_fmt(j, at, p->key, "%.*s%s%s", (int)(percent - p->text), p->text, value, percent + 2);
	else
		import_set(j, at, p->key, p->text);
}

/* ---- what is left out ---- */

static const char *const tar_defaults[] = {"/proc/*", "/sys/*", "/lost+found/*", "/var/lib/ntp/proc/*", NULL};
static const char *const rsync_defaults[] = {"/proc/*", "/sys/*", "/lost+found/*", "/var/lib/ntp/proc/*", "/tmp/_MEI*",
	"/boot/*", "/boot/efi/*", "/etc/fstab", "/etc/*", "/etc/X11/*", "/root/initrd_bak/*", "/lib/modules/*",
	"lib/modules/*", "/boot/grub2/x86_64-efi/*", "/boot/grub2/i386-pc/*", NULL};

struct sms {
	struct buf tar, rsync; /* both lists, by commas; each with where it stands */
	struct import_at tar_at, rsync_at;
	struct buf types, not_types;
	struct import_at types_at;
};

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (str_eq(*names, name))
			return true;
	return false;
}

static bool holds_item(const struct buf *list, const char *wanted)
{
	const char *at = list->data ? (const char *)list->data : "";
	AUTO_BUF item = BUF_INIT;

	while (lines_next_item(&at, ',', true, &item))
		if (str_eq(buf_cstr(&item), wanted))
			return true;
	return false;
}

/* An item of one of the lists; in_both: it stands in the other one too. */
static void put_item(struct import_job *j, const struct import_at *at, const char *item, bool in_both, const char *key)
{
	AUTO_FREE char *path = xstrdup(item);
	size_t n = strlen(path);

	if (import_is_pseudo(item))
		return;
	if (in_both) {
		import_exclude(j, at, "/", item);
	} else if (!import_is_path(item)) {
		import_remark(j, at, item, "a pattern for one phase alone: 'filter_file' in [rules] is for both");
	} else {
		if (path[n - 1] == '/')
			path[n - 1] = '\0';
		import_set(j, at, key, path);
	}
}

static void put_excluded(struct import_job *j, struct sms *s)
{
	AUTO_BUF item = BUF_INIT;
	unsigned left = 0;

	for (const char *at = buf_cstr(&s->tar); lines_next_item(&at, ',', true, &item);)
		if (!is_one_of(tar_defaults, buf_cstr(&item)))
			put_item(j, &s->tar_at, buf_cstr(&item),
				holds_item(&s->rsync, buf_cstr(&item)) && !is_one_of(rsync_defaults, buf_cstr(&item)),
				"rules.copy_exclude");
	for (const char *at = buf_cstr(&s->rsync); lines_next_item(&at, ',', true, &item);) {
		if (is_one_of(rsync_defaults, buf_cstr(&item)))
			left++;
		else if (!holds_item(&s->tar, buf_cstr(&item)))
			put_item(j, &s->rsync_at, buf_cstr(&item), false, "rules.sync_exclude");
	}
	if (left)
		import_remark(j, &s->rsync_at, "rsync.exclude.dir",
			"%u of its defaults are not taken over: new passwords and kernels would be lost", left);
}

static void put_types(struct import_job *j, struct sms *s)
{
	static const char *const defaults[] = {"ext2", "ext3", "ext4", "xfs", "vfat", "btrfs", "reiserfs", NULL};
	AUTO_BUF item = BUF_INIT;
	AUTO_BUF all = BUF_INIT;
	bool changed = s->not_types.len != 0;

	for (const char *at = buf_cstr(&s->types); lines_next_item(&at, ',', true, &item);) {
		changed = changed || !is_one_of(defaults, buf_cstr(&item));
		if (!holds_item(&s->not_types, buf_cstr(&item)))
			buf_printf(&all, "%s%s", all.len ? ", " : "", buf_cstr(&item));
	}
	if (changed && all.len)
		import_set(j, &s->types_at, "source.filesystems", buf_cstr(&all));
	else if (changed)
		import_remark(j, &s->types_at, "linux.unsupport.filesystem",
			"types that are not wanted: list those that are in 'filesystems' of [source]");
}

static void on_property(
	struct import_job *j, struct sms *s, const struct import_at *at, const char *name, const char *value)
{
	static const char *const ignored[] = {"servercheck", "enablelinuxblock", "show_vol_progress", "installPwdAgent",
		"heartmonitorday", "times", "tar.interval", "rsync.interval", "tar.check.schedule.times",
		"controlServerPort", "stopsync", "disktype", "enablesync", "enablesnapshot", "wmi", "file exist check",
		"fstab.tmp.filesystem", NULL};
	struct buf *list = str_eq(name, "tar.exclude.dir")   ? &s->tar
		: str_eq(name, "rsync.exclude.dir")          ? &s->rsync
		: str_eq(name, "linux.support.filesystem")   ? &s->types
		: str_eq(name, "linux.unsupport.filesystem") ? &s->not_types
							     : NULL;

	if (list) {
		buf_clear(list);
		buf_append_str(list, value);
		buf_cstr(list);
		*(list == &s->tar ? &s->tar_at : list == &s->rsync ? &s->rsync_at : &s->types_at) = *at;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (str_eq(properties[i].name, name)) {
			put_property(j, at, &properties[i], value);
			return;
		}
	import_remark(j, at, name,
		is_one_of(ignored, name) ? "of their agent alone: nothing of ours" : "not known: nothing of ours");
}

bool import_sms_property(struct import_job *j, const struct import_file *f, struct diag *d)
{
	struct sms s = {0};
	AUTO_BUF key = BUF_INIT;
	AUTO_BUF value = BUF_INIT;
	struct import_at at = {f->name, 0};
	struct lines l;

	lines_init(&l, f->text, f->len);
	while (lines_next_key(&l, &key, &value, &at.line))
		if (key.len)
			on_property(j, &s, &at, buf_cstr(&key), buf_cstr(&value));
	put_excluded(j, &s);
	put_types(j, &s);
	at.line = 1;
	import_remark(j, &at, "console",
		"the lists of paths not to migrate, processes, limits, bandwidth and the check were set on their "
		"console "
		"and are in no file");
	buf_release(&s.tar);
	buf_release(&s.rsync);
	buf_release(&s.types);
	buf_release(&s.not_types);
	return true;
}

/* ---- auth.cfg ---- */

bool import_sms_auth(struct import_job *j, const struct import_file *f, struct diag *d)
{
	AUTO_BUF key = BUF_INIT;
	AUTO_BUF value = BUF_INIT;
	AUTO_FREE char *host = NULL;
	AUTO_FREE char *port = NULL;
	struct import_at at = {f->name, 0}, proxy_at = {f->name, 1};
	bool enabled = true;
	struct lines l;

	lines_init(&l, f->text, f->len);
	while (lines_next_key(&l, &key, &value, &at.line)) {
		const char *name = buf_cstr(&key);

		if (str_eq(name, "enable")) {
			enabled = is_true(buf_cstr(&value));
		} else if (str_eq(name, "proxy_addr") || str_eq(name, "proxy_port")) {
			char **part = str_eq(name, "proxy_addr") ? &host : &port;
			const char *text = strstr(buf_cstr(&value), "://"), *login;

			text = text ? text + 3 : buf_cstr(&value);
			login = strrchr(text, '@');
			free(*part);
			*part = xstrdup(login ? login + 1 : text);
			(*part)[strcspn(*part, "/")] = '\0';
			if (part == &host)
				proxy_at = at;
		} else if (key.len) {
			import_remark(j, &at, name, "of their login: ours is that of SSH");
		}
	}
	if (enabled && host && *host)
		import_remark(j, &proxy_at, "proxy_addr",
			"theirs carries no data, ours would carry all of it and has no login: '# proxy = %s%s%s' in "
			"[target]",
			host, port && *port ? ":" : "", port && *port ? port : "");
	return true;
}

/* ---- disk.cfg ---- */

struct disk_lists {
	char section[32];
	struct buf names[5];
	struct import_at at[5], last; /* where they stand, and the last one of this section */
};

static const char *const disk_keys[5] = {"disk_name", "new_disk_name", "vol_name", "adjust_size", "disk_size"};

static size_t length(struct buf *list)
{
	const char *at = list->len ? buf_cstr(list) : NULL;
	AUTO_BUF item = BUF_INIT;
	size_t n = 0;

	while (at && lines_next_item(&at, ';', false, &item))
		n++;
	return n;
}

/* The item at this place; *out is empty when there is none. */
static const char *item_at(struct buf *list, size_t i, struct buf *out)
{
	const char *at = list->len ? buf_cstr(list) : NULL;

	buf_clear(out);
	for (size_t k = 0; at && k <= i; k++)
		if (!lines_next_item(&at, ';', false, out))
			break;
	return buf_cstr(out);
}

/* Does all of the old disk go to the same new one? */
static bool goes_to_one(struct disk_lists *s, const char *old, const char *new)
{
	AUTO_BUF a = BUF_INIT;
	AUTO_BUF b = BUF_INIT;
	size_t n = length(&s->names[0]);

	for (size_t i = 0; i < n; i++)
		if (str_eq(item_at(&s->names[0], i, &a), old) && !str_eq(item_at(&s->names[1], i, &b), new))
			return false;
	return true;
}

static void put_moves(struct import_job *j, struct disk_lists *s)
{
	AUTO_BUF old = BUF_INIT;
	AUTO_BUF new = BUF_INIT;
	AUTO_BUF moves = BUF_INIT;
	size_t n = length(&s->names[0]);

	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *move = NULL;

		item_at(&s->names[0], i, &old);
		item_at(&s->names[1], i, &new);
		move = xasprintf("%s=%s", buf_cstr(&old), buf_cstr(&new));
		if (str_eq(buf_cstr(&old), buf_cstr(&new)))
			continue;
		if (!goes_to_one(s, buf_cstr(&old), buf_cstr(&new)))
			import_remark(j, &s->at[0], "vol_disk_modify", "volumes of '%s' go to different disks: by hand",
				buf_cstr(&old));
		else if (!holds_item(&moves, move))
			buf_printf(&moves, "%s%s", moves.len ? ", " : "", move);
	}
	if (moves.len)
		import_set(j, &s->at[0], "layout.disk", buf_cstr(&moves));
}

static bool end_of_section(struct import_job *j, struct disk_lists *s, struct diag *d)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(s->names); i++) {
		size_t len = length(&s->names[i]);

		if (n && len && len != n)
			return import_malformed(&s->at[i], "lists of different length", d);
		n = len ? len : n;
	}
	if (n && str_eq(s->section, "vol_disk_modify"))
		put_moves(j, s);
	else if (n)
		import_remark(j, &s->last, s->section,
			"sizes of disks: give the target's disks that size, or 'image' in [target]");
	for (size_t i = 0; i < ARRAY_LEN(s->names); i++)
		buf_clear(&s->names[i]);
	return true;
}

bool import_sms_disk(struct import_job *j, const struct import_file *f, struct diag *d)
{
	struct disk_lists s = {0};
	AUTO_BUF key = BUF_INIT;
	AUTO_BUF value = BUF_INIT;
	struct import_at at = {f->name, 0};
	struct lines l;
	bool ok = true;

	lines_init(&l, f->text, f->len);
	while (ok && lines_next_key(&l, &key, &value, &at.line)) {
		size_t i = 0;

		if (!key.len) {
			ok = end_of_section(j, &s, d);
			snprintf(s.section, sizeof(s.section), "%s", buf_cstr(&value));
			continue;
		}
		while (i < ARRAY_LEN(disk_keys) && !str_eq(disk_keys[i], buf_cstr(&key)))
			i++;
		if (i < ARRAY_LEN(disk_keys)) {
			buf_clear(&s.names[i]);
			buf_append_str(&s.names[i], buf_cstr(&value));
			s.at[i] = s.last = at;
		} else if (!str_eq(buf_cstr(&key), "new_vol_name")) {
			import_remark(j, &at, buf_cstr(&key), "not known: nothing of ours");
		}
	}
	ok = ok && end_of_section(j, &s, d);
	for (size_t i = 0; i < ARRAY_LEN(s.names); i++)
		buf_release(&s.names[i]);
	return ok;
}
