/* What a running job says of itself (control.h carries it). */
#pragma once

struct cJSON;
struct engine;

void status_tell(struct engine *e, struct cJSON *o);
