/* What the process of a run exits with. */
#pragma once

struct engine;

int exit_code(const struct engine *e);
