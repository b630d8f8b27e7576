/* SIGHUP of a configured job: its configuration is read again, and what can change while it runs holds from then on. */
#pragma once

struct engine;

void reload(struct engine *e);
