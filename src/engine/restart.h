/* Another kernel, or another mount, at the other end: the walk begins again. */
#pragma once

struct engine;

void restart(struct engine *e);
