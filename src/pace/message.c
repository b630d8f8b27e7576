#include "pace/message.h"
#include "base/pack.h"

void pace_limits_put(struct buf *out, const struct pace_limits *m)
{
	wr_u32(out, m->cpu);
	wr_u64(out, m->io);
	wr_u64(out, m->token);
}

bool pace_limits_get(const struct frame *f, struct pace_limits *m)
{
	struct rd r = rd_init(f->payload, f->len);

	m->cpu = rd_u32(&r);
	m->io = rd_u64(&r);
	m->token = rd_u64(&r);
	return rd_done(&r) && m->cpu <= PACE_ALL;
}

void pace_used_put(struct buf *out, const struct pace_used *m)
{
	wr_u64(out, m->token);
	wr_u64(out, m->cpu_us);
	wr_u64(out, m->io);
	wr_u64(out, m->cpu_rest_us);
	wr_u64(out, m->io_rest_us);
}

bool pace_used_get(const struct frame *f, struct pace_used *m)
{
	struct rd r = rd_init(f->payload, f->len);

	m->token = rd_u64(&r);
	m->cpu_us = rd_u64(&r);
	m->io = rd_u64(&r);
	m->cpu_rest_us = rd_u64(&r);
	m->io_rest_us = rd_u64(&r);
	return rd_done(&r);
}
