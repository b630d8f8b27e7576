#include "limits/pressure.h"
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

/* Averages of the host and of a group are not made at the same moment: so much of a difference says nothing. */
#define NOISE 2.0

const char *const pressure_names[PRESSURES] = {"io", "cpu", "memory"};

bool pressure_read(const char *dir, const char *file, double *out)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
	AUTO_FREE char *text = NULL;

	return fd_read_file(AT_FDCWD, path, 1024, &text, NULL) >= 0 && sscanf(text, "some avg10=%lf", out) == 1;
}

double pressure_others(double host, double own)
{
	if (host - own < NOISE)
		return 0;
	/* While we wait it cannot be seen whether others do too: of the rest of the time it can. */
	return (host - own) * 100 / (100 - own);
}

static double most_of(const char *dir, const char *but, const char *file)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	double most = 0;

	while (d && (entry = readdir(d))) {
		AUTO_FREE char *sub = NULL;
		double here;
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || str_eq(entry->d_name, but) ||
			strncmp(entry->d_name, "rehost", 6) == 0)
			continue;
		sub = xasprintf("%s/%s", dir, entry->d_name);
		if (pressure_read(sub, file, &here))
			most = MAX(most, here);
	}
	if (d)
		closedir(d);
	return most;
}

double pressure_beside(const char *mount, const char *rel, const char *what)
{
	AUTO_FREE char *dir = xasprintf("%s%s", mount, rel);
	AUTO_FREE char *file = xasprintf("%s.pressure", what);
	size_t top = strlen(mount);
	double most = 0;

	while (strlen(dir) > top) {
		char *slash = strrchr(dir, '/');
		double here;
		*slash = '\0';
		if (slash >= dir + 7 && str_eq(slash - 7, "/rehost")) /* other jobs */
			continue;
		here = most_of(dir, slash + 1, file);
		most = MAX(most, here);
	}
	return most;
}

bool pressure_measure(
	const struct pressure *p, const char *root, const char *mount, const char *rel, double out[PRESSURES])
{
	AUTO_FREE char *dir = rel ? xasprintf("%s%s", mount, rel) : NULL;

	for (int i = 0; i < PRESSURES; i++) {
		AUTO_FREE char *file = xasprintf("%s.pressure", pressure_names[i]);
		double own = 0, beside;
		out[i] = 0;
		if (!p->limit[i])
			continue;
		if (!pressure_read(root, pressure_names[i], &out[i]))
			return false;
		if (out[i] * 2 < p->limit[i] || !dir || !pressure_read(dir, file, &own))
			continue;
		out[i] = pressure_others(out[i], own);
		if (out[i] < p->limit[i]) {
			beside = pressure_beside(mount, rel, pressure_names[i]);
			out[i] = MAX(out[i], beside);
		}
	}
	return true;
}

bool pressure_judge(struct pressure *p, const double others[PRESSURES], int64_t now_ns, enum pressure_of *out_what)
{
	bool calm = true;

	for (int i = 0; i < PRESSURES; i++) {
		if (!p->limit[i])
			continue;
		calm = calm && others[i] * 2 < p->limit[i];
		if (p->yielding || now_ns < p->slice_until || others[i] < p->limit[i])
			continue;
		p->yielding = true;
		p->since = now_ns;
		*out_what = (enum pressure_of)i;
	}
	if (p->yielding && calm) {
		p->yielding = false;
	} else if (p->yielding && now_ns - p->since >= PRESSURE_HELD_NS) {
		p->yielding = false;
		p->slice_until = now_ns + PRESSURE_SLICE_NS;
	}
	return p->yielding;
}
