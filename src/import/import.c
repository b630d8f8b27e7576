#include "import/import.h"
#include "import/job.h"

/* By its last component, else by what it holds. Lists of exclusions need the configurations, so they come last. */
static const struct format {
	const char *name; /* of the file, or its beginning when it ends in a '*' */
	const char *text; /* a file of another name holds this */
	import_format_fn *read;
	bool last;
} formats[] = {
	{"g-property.cfg", "tar.exclude.dir", import_sms_property, false},
	{"disk.cfg", "[vol_disk_modify]", import_sms_disk, false},
	{"auth.cfg", "[proxy-config]", import_sms_auth, false},
	{"user_config.json", "\"data_disks\"", import_json, false},
	{"user.json", "\"DataDisks\"", import_json, false},
	{"client.json", "\"Client\"", import_json, false},
	{"replication.json", "\"replicatedDisks\"", import_json, false},
	{"rsync_excludes_linux*", NULL, import_excludes, true},
	{NULL, "aws-replication-installer-init", import_rsync, false},
	{NULL, "rsync", import_rsync, false},
};

static const struct format *format_of(const struct import_file *f)
{
	const char *slash = strrchr(f->name, '/'), *base = slash ? slash + 1 : f->name;

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		const char *name = formats[i].name;
		size_t n = name ? strlen(name) : 0;

		if (n && (name[n - 1] == '*' ? strncmp(base, name, n - 1) == 0 : str_eq(base, name)))
			return &formats[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (formats[i].text && strstr(f->text, formats[i].text))
			return &formats[i];
	return NULL;
}

static bool read_all(struct import_job *j, const struct import_file *files, size_t n, bool last, struct diag *d)
{
	for (size_t i = 0; i < n; i++) {
		const struct format *format = format_of(&files[i]);
		struct import_at at = {files[i].name, 1};

		if (!format) {
			diag_set(d, DIAG_IMPORT_UNKNOWN, 0, files[i].name,
				"'%s' is no configuration that is known here", files[i].name);
			return false;
		}
		if (strlen(files[i].text) != files[i].len)
			return import_malformed(&at, "it holds a NUL byte", d);
		if (format->last == last && !format->read(j, &files[i], d))
			return false;
	}
	return true;
}

bool import_files(const struct import_file *files, size_t n, struct buf *out, struct diag *d)
{
	struct import_job j = {0};
	bool ok = read_all(&j, files, n, false, d) && read_all(&j, files, n, true, d);

	if (ok)
		import_print(&j, out);
	import_job_release(&j);
	return ok;
}
