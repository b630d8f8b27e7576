/*
 * What has a basis goes segment by segment: hashes over, runs that differ back, deltas or literal data over.
 *
 * Errors: what cannot be read makes the file abandoned; see file.h.
 */
#pragma once

struct file;
struct file_run;
struct frame;
struct mover;

/* Hashes the next piece of the segment, and says SEG_HASH at its end. */
void file_hash_piece(struct mover *m, struct file *f);
/* Answers the first run that waits. There must be one. */
void file_send_run(struct mover *m, struct file *f);
/* Room for one run more; its contents are not set. */
struct file_run *file_add_run(struct file *f);
void on_seg_need(struct mover *m, struct file *f, const struct frame *fr);
