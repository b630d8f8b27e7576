/* Large files, one step at a time, until FILE_DONE. */
#pragma once

#include "mover/tasks.h"

struct file;
struct frame;
struct mover;

enum step file_step(struct mover *m, struct file *f);
/* Frees f, and ends its link, unless the receiver wants runs again; may free its directory. */
void on_file_done(struct mover *m, struct file *f, const struct frame *fr);
