#include "limits/bus.h"
#include "base/util.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

static bool load(struct bus *b)
{
	b->object = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!b->object)
		return false;
#define BUS_LOAD(f)                                    \
	if (!(*(void **)&b->f = dlsym(b->object, #f))) \
		return false;
	BUS_FUNCTIONS(BUS_LOAD)
#undef BUS_LOAD
	return true;
}

static int connect_to(struct bus *b, const char *address, bool daemon)
{
	int r = b->sd_bus_new(&b->conn);

	if (r >= 0)
		r = b->sd_bus_set_address(b->conn, address);
	if (r >= 0)
		r = b->sd_bus_set_bus_client(b->conn, daemon);
	if (r >= 0)
		r = b->sd_bus_start(b->conn);
	if (r < 0)
		b->conn = b->sd_bus_unref(b->conn);
	return r;
}

int bus_open(struct bus *b)
{
	AUTO_FREE char *user = xasprintf("unix:path=/run/user/%u/bus", (unsigned)geteuid());
	AUTO_FREE char *direct = xasprintf("unix:path=/run/user/%u/systemd/private", (unsigned)geteuid());
	int r;

	*b = (struct bus){};
	if (!load(b))
		return -ELIBACC;
	if (geteuid() != 0) /* cron's jobs have no XDG_RUNTIME_DIR */
		r = connect_to(b, user, true);
	else
		r = b->sd_bus_open_system(&b->conn);
	if (r < 0) /* there is no message bus: to systemd itself */
		r = connect_to(b, geteuid() == 0 ? "unix:path=/run/systemd/private" : direct, false);
	return r;
}

void bus_close(struct bus *b)
{
	if (b->conn)
		b->sd_bus_unref(b->conn);
	if (b->object)
		dlclose(b->object);
}
