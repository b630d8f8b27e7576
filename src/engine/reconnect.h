/* Losing workers and links, and finding them again. */
#pragma once

struct engine;
struct worker;

/* Its process has ended, or says no more. Frees w. */
void reconnect_worker_ended(struct engine *e, struct worker *w);
/* All but keep (NULL: all) are killed and freed. */
void reconnect_kill_but(struct engine *e, const struct worker *keep);
/* Starts a worker when none is left and it is time to try again. */
void reconnect(struct engine *e);
