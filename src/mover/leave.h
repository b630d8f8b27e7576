/* How a mover ends. None of these returns, but mover_expect() when all is well. */
#pragma once

#include "mover/slots.h"

struct diag;
struct mover;

/* Sends what the coordinator has yet to be told, and exits with a code of ipc/role.h. */
NORETURN void mover_leave(struct mover *m, int code);
/* With a diagnostic that ends the run. */
NORETURN void mover_die(struct mover *m, struct diag *d);
NORETURN void mover_protocol_error(struct mover *m, const char *what);
/* The object that an answer is for. */
/* As mover_protocol_error(), of the coordinator. */
NORETURN void mover_ipc_error(struct mover *m, const char *what);
void *mover_expect(struct mover *m, uint32_t id, enum slot_kind kind);
