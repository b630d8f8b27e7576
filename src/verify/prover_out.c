#include "verify/prover_private.h"

#include "base/fd.h"

void prover_flush(struct prover *p)
{
	if (!p->lost && p->out.len && fd_write_full(p->out_fd, p->out.data, p->out.len) < 0)
		p->lost = true;
	buf_clear(&p->out);
}
