/* Who handles which frame of the receiver and of the coordinator. What is not in order ends the mover. */
#pragma once

struct frame;
struct mover;

void on_wire_frame(struct mover *m, const struct frame *f);
void on_ipc_frame(struct mover *m, const struct frame *f);
