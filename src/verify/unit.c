/* Units: made, in line, done. */
#include "verify/unit.h"
#include "verify/private.h"

#include <unistd.h>

struct unit *verify_unit_new(struct verifier *v, uint32_t id, uint32_t mount, const char *src, const char *dst)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	u->id = id;
	u->mount = mount;
	u->src = xstrdup(src);
	u->dst = xstrdup(dst);
	u->own = u->entries = true;
	u->levels[0] = (struct slice_level){.stride = 1, .count = 1};
	u->fd = -1;
	if (v->units_tail)
		v->units_tail->next = u;
	else
		v->units = u;
	v->units_tail = u;
	v->unit_count++;
	return u;
}

void verify_unit_forget_chunk(struct unit *u)
{
	buf_release(&u->chunk);
	buf_release(&u->text);
	u->chunk_at = 0;
}

void verify_unit_close(struct unit *u)
{
	if (u->names.dir)
		verify_names_close(&u->names);
	else if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

void verify_unit_free(struct verifier *v, struct unit *u)
{
	struct unit *before = NULL;

	for (struct unit *x = v->units; x != u; x = x->next)
		before = x;
	if (before)
		before->next = u->next;
	else
		v->units = u->next;
	if (v->units_tail == u)
		v->units_tail = before;
	v->unit_count--;
	verify_unit_close(u);
	verify_table_release(&u->table);
	verify_unit_forget_chunk(u);
	nameset_release(&u->doubts);
	free(u->batch);
	free(u->src);
	free(u->dst);
	free(u->only);
	free(u->only_dst);
	free(u);
}

static void finish(struct verifier *v, struct unit *u)
{
	uint32_t id = u->id;

	verify_unit_free(v, u);
	v->o.callbacks.unit_done(v->o.callbacks.arg, id);
}

void verify_unit_check_done(struct verifier *v, struct unit *u)
{
	if (u->state == UNIT_HASHING && u->pending == 0)
		finish(v, u);
}
