/* Handing out units, and starting workers as there is work for them. */
#pragma once

struct engine;

void feed(struct engine *e);
