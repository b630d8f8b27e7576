/*
 * Files that are so large that every mover takes segments of them: the one that began the file ends it. A segment is a file
 * (file.h) without a directory.
 */
#pragma once

#include "base/util.h"

struct file;
struct frame;
struct ipc_unit;
struct mover;

/* Begins a segment of another mover's file. It ends at once if the source file is no longer the one that was announced. */
void file_new_segment(struct mover *m, const struct ipc_unit *u);
/* Its receiver has said where it writes: the coordinator makes units of it. */
void on_file_ok(struct mover *m, struct file *f, const struct frame *fr);
/* All segments are there, or one has failed. changed: something differed. */
void file_share_done(struct mover *m, struct file *f, bool ok, bool changed);
