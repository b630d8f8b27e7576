/* The end of a slice: everything of it is answered, DIR_END goes over, and then the next one, or the directory is done. */
#pragma once

struct dir;
struct frame;
struct mover;

/* Nothing more is begun. May free d: when nothing is pending, and the receiver does not hold it. */
void dir_drain(struct mover *m, struct dir *d);
/* One that was counted in d->pending has been dealt with. May free d. */
void dir_pending_done(struct mover *m, struct dir *d);
/* Frees d after its last slice. */
void on_dir_done(struct mover *m, struct dir *d, const struct frame *f);
