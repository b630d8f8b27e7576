#include "mover/list.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/send.h"
#include "mover/state.h"
#include "wire/msg.h"

void dir_start_list(struct mover *m, struct dir *d)
{
	if (!d->compare.bitmap)
		d->compare.bitmap = xcalloc(d->scan.buckets / 8 + 1, 1);
	d->compare.listed_index = xcalloc(d->scan.listing.len, sizeof(*d->compare.listed_index));
	d->state = DIR_STATE_LIST;
	tasks_queue(&m->tasks, &d->task);
}

static bool is_listed(const struct dir *d, const struct listed *e)
{
	return e->linked || e->doubt || (d->compare.bitmap[e->bucket / 8] & (1u << (e->bucket % 8)));
}

/* What a name with several links is waiting for; claimed when it is listed, so that the answers meet. */
static void claim(struct mover *m, struct dir *d, uint32_t index, const struct listed *e)
{
	struct meta meta = {.type = e->type, .size = e->size, .dev = e->dev, .ino = e->ino, .nlink = e->nlink};

	d->compare.needs[index].link = link_new(m, d, listed_name(&d->scan.listing, e), &meta, false);
}

enum step dir_list_step(struct mover *m, struct dir *d)
{
	AUTO_BUF payload = BUF_INIT;
	uint32_t first = d->compare.listed_len;

	if (!d->compare.needs)
		d->compare.needs = xcalloc(d->scan.listing.len, sizeof(*d->compare.needs));
	msg_list_head_put(&payload, false, d->compare.list_begun ? NULL : d->compare.bitmap,
		d->compare.list_begun ? 0 : (d->scan.buckets + 7) / 8);
	d->compare.list_begun = true;
	while (d->compare.list_next < d->scan.listing.len && payload.len < WIRE_BATCH_BYTES) {
		const struct listed *e = &d->scan.listing.entries[d->compare.list_next++];
		struct entry entry = {.flags = (e->linked ? ENTRY_LINKED : 0) | (e->doubt ? ENTRY_DOUBT : 0)};

		if (!is_listed(d, e))
			continue;
		entry.name = (struct bytes){(const uint8_t *)listed_name(&d->scan.listing, e), e->name_len};
		entry.meta = (struct bytes){d->scan.listing.arena.data + e->meta, e->meta_len};
		msg_entry_put(&payload, &entry, false);
		d->compare.listed_index[d->compare.listed_len++] = d->compare.list_next - 1;
	}
	if (d->compare.list_next == d->scan.listing.len)
		payload.data[0] = MSG_LAST;
	mover_send_content(m, MSG_LIST, d->id, &payload);
	for (uint32_t i = first; i < d->compare.listed_len; i++)
		if (d->scan.listing.entries[d->compare.listed_index[i]].linked)
			claim(m, d, i, &d->scan.listing.entries[d->compare.listed_index[i]]);
	if (d->compare.list_next < d->scan.listing.len)
		return STEP_MORE;
	d->state = DIR_STATE_NEED;
	return STEP_WAIT;
}
