/* NEED: the receiver has done at once what needs no content, and says of the rest what it needs. */
#pragma once

struct dir;
struct frame;
struct mover;

/* May free links of d, but not d. */
void on_need(struct mover *m, struct dir *d, const struct frame *f);
/* The state WAY, and then WORK, begins when everything has been said: NEED, and EXTRA where there is deleting. */
void dir_maybe_work(struct mover *m, struct dir *d);
