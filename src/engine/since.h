/*
 * Since when a change of the source is one that the last sync need not have seen: what differs then is `changed` for a
 * verify, no finding. Only times that can be are believed, and of several that can be the latest.
 */
#pragma once

struct engine;

/* A sync or copy begins; the state is to be written. */
void since_begin(struct engine *e);
/* For a verify: e->verify.changed_since. */
void since_find(struct engine *e);
/* A verify is at its end: says what its times could not tell. */
void since_say(struct engine *e);
