#include "preflight/devices.h"

void each_mount(struct look *l, mount_fn fn)
{
	const cJSON *m;

	each(m, need(l, l->source, "mounts.mounted")) {
		const char *path = fact_text(m, "path"), *type = fact_text(m, "type");
		if (path && type)
			fn(l, m, path, type);
	}
}

void each_contents(struct look *l, contents_fn fn)
{
	const cJSON *d, *p;

	each(d, need(l, l->source, "disks.devices")) {
		const char *name = fact_text(d, "name");
		if (name && !fact_text(d, "loop_file"))
			fn(l, d, name, fact(d, "contents"));
		each(p, fact(d, "partitions")) {
			if (fact_text(p, "name"))
				fn(l, p, fact_text(p, "name"), fact(p, "contents"));
		}
	}
}
