#include "mover/leave.h"
#include "base/fd.h"
#include "ipc/role.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <unistd.h>

NORETURN void mover_leave(struct mover *m, int code)
{
	fd_set_nonblock(m->ipc.fd, false);
	tell_counts(m, true);
	int64_t wait;
	while (chan_unsent(&m->ipc) && chan_flush(&m->ipc, &wait))
		;
	_exit(code);
}

NORETURN void mover_die(struct mover *m, struct diag *d)
{
	ipc_diag_send(&m->ipc, &(struct ipc_diag){.fatal = true, .diag = *d});
	mover_leave(m, ROLE_FATAL);
}

NORETURN void mover_protocol_error(struct mover *m, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_MOVER_PROTOCOL, 0, NULL, "the receiver sent %s", what);
	mover_die(m, &d);
}

NORETURN void mover_ipc_error(struct mover *m, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_INTERNAL, 0, NULL, "the coordinator sent %s", what);
	mover_die(m, &d);
}

void *mover_expect(struct mover *m, uint32_t id, enum slot_kind kind)
{
	void *object = slots_get(&m->slots, id, kind);

	if (!object)
		mover_protocol_error(m, "an answer to nothing that was asked");
	return object;
}
