/* What the receiver says to DIR. All but on_dir_diff() and on_dir_split() may free d. */
#pragma once

struct dir;
struct frame;
struct mover;

void on_dir_equal(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_diff(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_split(struct mover *m, struct dir *d, const struct frame *f);
void on_dir_fail(struct mover *m, struct dir *d, const struct frame *f);
