/* NEED: one entry of the mover against what is there. What needs no content is done at once. */
#include "receiver/answer.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/lease.h"
#include "receiver/need.h"
#include "receiver/place.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/suspect.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

void need_put(struct answer *a, struct need *n)
{
	msg_need_put(answer_record(a), n);
	answer_next(a);
	diag_release(&n->diag);
}

static void made(struct need *n, uint8_t op, unsigned why, int ret)
{
	n->op = ret < 0 || diag_is_set(&n->diag) ? NEED_FAILED : op;
	n->why = why;
}

static int make_dir(struct pair *p, struct need *n)
{
	bool is_new;

	return entry_mkdir(p->s, p->at, p->name, scope_passage(p->s, p->at->src, p->name), &is_new, &n->diag);
}

static void create_missing(struct pair *p, struct need *n)
{
	struct stat st;
	int ret = 0;

	if (p->want->type == META_REG) {
		n->op = NEED_NEW;
		return;
	}
	if (p->s->dry)
		;
	else if (p->want->type == META_DIR)
		ret = make_dir(p, n);
	else
		ret = entry_make_special(p->s, p->at, p->name, p->want, true, &n->diag, &st);
	made(n, NEED_CREATED, 0, ret);
}

/* Something of another type is there, and no directory. */
static void replace_type(struct pair *p, struct need *n)
{
	struct stat st;
	int ret = 0;

	if (!entry_may_become(p->s, p->at, p->name, p->want->type, &n->diag)) {
		n->op = NEED_FAILED;
		return;
	}
	if (p->want->type == META_REG) {
		n->op = NEED_NEW; /* what is in the way goes when the content comes */
		n->why = META_D_TYPE;
		return;
	}
	if (p->s->dry)
		;
	else if (p->want->type == META_DIR)
		ret = make_dir(p, n);
	else
		ret = entry_make_special(p->s, p->at, p->name, p->want, false, &n->diag, &st);
	made(n, NEED_UPDATED, META_D_TYPE, ret);
}

static void metadata_only(struct pair *p, struct need *n, bool own_inode)
{
	int ret = 0;

	if (p->s->dry)
		;
	else if (own_inode)
		ret = entry_break(p->s, p->at, p->name, p->want, &n->diag);
	else
		ret = entry_apply(p->s, p->at, p->name, p->fd, p->want, p->have, &p->held, &n->diag);
	if (ret == 0 && !own_inode && !p->s->dry && !(p->diff & ~hold_beyond(&p->held)))
		return;
	made(n, NEED_METADATA, p->diff | (own_inode ? META_D_HARDLINK : 0), ret);
}

/* Whether its contents may differ though size and time are equal. */
static bool doubted(const struct pair *p)
{
	return suspect_matches(p->s, p->have) || (p->flags & ENTRY_DOUBT && p->have->type == META_REG);
}

static void compare_regular(struct pair *p, struct need *n)
{
	const bool shared = p->have->nlink > 1;
	const bool look = (p->s->flags & HELLO_CHECKSUM) || doubted(p);

	if ((p->diff & (META_D_SIZE | META_D_MTIME)) || look) {
		n->op = NEED_UPDATE;
		n->basis = p->have->size;
		n->why = p->diff | (shared ? META_D_HARDLINK : 0);
	} else if (p->diff || shared) {
		metadata_only(p, n, shared);
	}
}

static void compare_special(struct pair *p, struct need *n)
{
	const bool shared = p->have->nlink > 1;
	struct stat st;
	int ret = 0;

	if (p->diff & (META_D_LINK | META_D_RDEV)) {
		if (!p->s->dry)
			ret = entry_make_special(p->s, p->at, p->name, p->want, false, &n->diag, &st);
		made(n, NEED_UPDATED, p->diff, ret);
	} else if (p->diff || shared) {
		metadata_only(p, n, shared);
	}
}

static void link_state(struct pair *p, struct need *n, bool there)
{
	n->op = NEED_LINK_STATE;
	n->exists = there && p->have->type == p->want->type;
	if (there && p->have->type == META_REG)
		n->basis = p->have->size;
	n->why = n->exists ? p->diff : 0;
	if (n->exists) {
		n->dev = p->have->dev;
		n->ino = p->have->ino;
		n->nlink = p->have->nlink;
		n->doubt = doubted(p);
	}
}

/* Reads what is there now, whatever the peer says it is (DT_UNKNOWN): a device is not to be opened for its word. 1; 0: nothing; -1: n says why it cannot be read. */
static int read_have(struct pair *p, struct need *n, bool want_fd)
{
	int ret;
	const bool open_it = want_fd && p->want->type == META_REG && !p->s->dry;

	if (p->at->fd < 0)
		return 0;
	do
		ret = place_enter(p->s, p->at->fd) < 0
			? -1
			: meta_read(p->at->fd, p->name, DT_UNKNOWN, p->s->fields, p->have, open_it ? &p->fd : NULL);
	while (ret < 0 && lease_pause(p->s));
	if (ret == 0) {
		hold_fit(p->s, p->at, p->want, p->have, &p->held);
		p->diff = meta_diff(p->have, p->want, p->s->fields);
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	fail_entry(&n->diag, DIAG_RECEIVER_LIST, errno, p->at, p->name, "cannot read the metadata of");
	n->op = NEED_FAILED;
	return -1;
}

/* n->op stays 0 when there is nothing to say. */
void need_find(struct pair *p, struct need *n, bool there)
{
	const bool linked = p->flags & ENTRY_LINKED;
	int found = there ? read_have(p, n, !linked) : 0;

	if (found < 0)
		return;
	if (found && p->have->type == META_DIR && p->want->type != META_DIR) {
		n->op = NEED_WAY;
		n->why = META_D_TYPE;
	} else if (linked)
		link_state(p, n, found);
	else if (!found)
		create_missing(p, n);
	else if (p->have->type != p->want->type)
		replace_type(p, n);
	else if (p->want->type == META_REG)
		compare_regular(p, n);
	else if (p->want->type != META_DIR)
		compare_special(p, n);
	/* What is made or written is said when that is done. */
	if (found && (!n->op || n->op == NEED_METADATA || (linked && !p->diff)))
		hold_say(p->s, p->at, p->name, &p->held);
	if (p->fd >= 0)
		close(p->fd);
}
