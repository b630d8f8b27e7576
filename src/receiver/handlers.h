/*
 * The handlers of requests, each in the file that is named after its message (wire/msg.h); session.c has the table.
 *
 * Each executes one frame and appends what there is to say to s->out. False: the session is over, which answer_error()
 * has said. A failure of one file or directory is an answer like any other, and true. A request for a directory or
 * file that is not open is one sent before the mover knew of its failure: it is answered with a failure where it has
 * an answer.
 *
 * Ownership: the frame is the caller's, and gone after the call. on_dir_end() frees the directory and on_file_end() the
 * file, unless it asks for more of it; so do on_dir() and on_file() with an answer that says it is closed. Between
 * requests only the session has pointers to them (dir.h, file.h).
 */
#pragma once

#include "wire/frame.h"

struct session;

bool on_hello(struct session *s, const struct frame *f); /* hello.c */

bool on_dir(struct session *s, const struct frame *f); /* dir.c */
bool on_dir_end(struct session *s, const struct frame *f);
bool on_list(struct session *s, const struct frame *f); /* list.c */

bool on_put(struct session *s, const struct frame *f); /* put.c */
bool on_meta(struct session *s, const struct frame *f); /* meta.c */
bool on_link(struct session *s, const struct frame *f); /* link.c */
bool on_delete(struct session *s, const struct frame *f); /* delete.c */

bool on_file(struct session *s, const struct frame *f); /* file.c */
bool on_file_end(struct session *s, const struct frame *f); /* file_end.c */
bool on_data(struct session *s, const struct frame *f); /* segment.c */
bool on_hole(struct session *s, const struct frame *f);
bool on_seg_hash(struct session *s, const struct frame *f);
bool on_seg_zero(struct session *s, const struct frame *f);
bool on_run(struct session *s, const struct frame *f);

bool on_suspect(struct session *s, const struct frame *f); /* suspect.c */
bool on_flush(struct session *s, const struct frame *f); /* epoch.c */
bool on_sync(struct session *s, const struct frame *f); /* sync.c */

bool on_fill(struct session *s, const struct frame *f); /* measure.c */
bool on_ping(struct session *s, const struct frame *f);
bool on_load(struct session *s, const struct frame *f);
