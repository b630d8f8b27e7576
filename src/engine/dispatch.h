/* What workers say, message by message. They have parsed bytes of another host: all is checked, and a bad one ends the run. */
#pragma once

struct engine;
struct worker;
struct frame;

/* From whom it comes, what it holds, who takes it. */
void dispatch_frame(struct engine *e, struct worker *w, const struct frame *f);
/* All that has come of it. */
void dispatch_frames(struct engine *e, struct worker *w);
