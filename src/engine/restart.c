#include "engine/restart.h"
#include "engine/coordinator.h"
#include "engine/reconnect.h"

void restart(struct engine *e)
{
	struct worker *w = worker_by_serial(e, e->target.restart);

	engine_note(e, "the target has been started anew, or its file system mounted anew: the walk begins again");
	e->target.restart = 0;
	reconnect_kill_but(e, w); /* those of before will not come back */
	walk_anew(e);
	durable_again(e, w, e->target.restart_now);
}
