/* Listings: names of one slice first (in the order of their inodes), then a record for each. */
#include "verify/prover_private.h"
#include "base/ownname.h"
#include "verify/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZSTD_LEVEL 1

struct listing {
	struct buf text; /* the names */
	struct buf names; /* struct verify_name */
	uint64_t count; /* of the slice, those beyond the bound too */
};

static void send_records(struct prover *p, uint32_t id)
{
	if (!p->records.len)
		return;
	frame_encode_zstd(&p->out, V_RECORDS, id, p->records.data, p->records.len, ZSTD_LEVEL, &p->zstd);
	buf_clear(&p->records);
	prover_flush(p);
}

/* Appends one record; true while the slice may have more. */
static bool add_record(struct prover *p, uint32_t id, const char *name, const struct verify_node *node, uint64_t *bytes)
{
	size_t before = p->records.len;

	verify_record_put(&p->records, name, strlen(name), node);
	*bytes += p->records.len - before;
	if (p->records.len >= VERIFY_RECORDS_BYTES)
		send_records(p, id);
	return *bytes <= VERIFY_SLICE_BYTES;
}

static bool add_own(struct prover *p, uint32_t id, int dirfd, uint64_t *bytes)
{
	struct verify_node node;
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return false;
	verify_node_read_fd(&p->reader, dirfd, &st, &node);
	add_record(p, id, "", &node, bytes);
	return true;
}

/* What is gone by now has no record. */
static bool add_entry(struct prover *p, uint32_t id, int dirfd, const char *name, uint64_t *bytes)
{
	struct verify_node node;
	struct stat st;

	/* Once more for one that became another inode meanwhile. */
	for (int tries = 0; tries < 2; tries++) {
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				return true;
			node = (struct verify_node){.err = (uint32_t)errno};
			break;
		}
		if (S_ISDIR(st.st_mode)) {
			verify_node_stat(&st, &node);
			break;
		}
		if (verify_node_read(&p->reader, dirfd, name, &st, &node) == 0)
			break;
		if (errno == ENOENT)
			return true;
		node.err = EAGAIN;
	}
	return add_record(p, id, name, &node, bytes);
}

/* 0, or -1 with errno. Beyond the bound names are only counted. */
static int gather(struct prover *p, struct verify_names *dir, const struct verify_list *m, struct listing *l)
{
	struct dirent *e;
	struct stat st;
	int more;

	if (fstat(dirfd(dir->dir), &st) < 0)
		return -1;
	while ((more = verify_names_next(dir, &e)) > 0) {
		size_t len = strlen(e->d_name);
		struct verify_name *n;

		if (!path_name_valid((const uint8_t *)e->d_name, len) || own_name_is(e->d_name, st.st_ino) ||
			!verify_in_slice(verify_name_hash(p->seed, e->d_name, len), m->slice, m->slices))
			continue;
		if (++l->count > VERIFY_SLICE_ENTRIES)
			continue;
		n = (struct verify_name *)(void *)buf_extend(&l->names, sizeof(*n));
		*n = (struct verify_name){.ino = e->d_ino, .at = (uint32_t)l->text.len, .len = (uint16_t)len};
		buf_append(&l->text, e->d_name, len + 1);
	}
	return more;
}

static void add_entries(struct prover *p, uint32_t id, struct verify_names *dir, const struct verify_list *m,
	uint64_t *bytes, struct verify_list_end *end)
{
	struct listing l = {};
	struct verify_name *n;

	if (gather(p, dir, m, &l) < 0) {
		*end = (struct verify_list_end){.status = VERIFY_LIST_FAIL, .err = (uint32_t)errno};
		goto out;
	}
	end->count = l.count;
	if (l.count > VERIFY_SLICE_ENTRIES) {
		end->status = VERIFY_LIST_SPLIT;
		goto out;
	}
	n = (struct verify_name *)(void *)l.names.data;
	if (l.count)
		qsort(n, (size_t)l.count, sizeof(*n), verify_name_by_ino);
	for (size_t i = 0; i < l.count && !p->lost; i++) {
		if (i % 256 == 255)
			pace_rest(&p->pace);
		if (add_entry(p, id, dirfd(dir->dir), (const char *)l.text.data + n[i].at, bytes))
			continue;
		/* Huge metadata: the rest of the slice did not fit. */
		*end = (struct verify_list_end){.status = VERIFY_LIST_SPLIT, .count = 4 * l.count};
		break;
	}
out:
	buf_release(&l.text);
	buf_release(&l.names);
}

static void list_dir(struct prover *p, uint32_t id, int fd, const struct verify_list *m, struct verify_list_end *end)
{
	struct verify_names dir;
	uint64_t bytes = 0;

	if ((m->flags & VERIFY_LIST_OWN) && !add_own(p, id, fd, &bytes)) {
		*end = (struct verify_list_end){.status = VERIFY_LIST_FAIL, .err = (uint32_t)errno};
		close(fd);
		return;
	}
	if (!(m->flags & VERIFY_LIST_ENTRIES)) {
		close(fd);
		return;
	}
	if (!verify_names_open(&dir, fd)) {
		*end = (struct verify_list_end){.status = VERIFY_LIST_FAIL, .err = (uint32_t)errno};
		return;
	}
	add_entries(p, id, &dir, m, &bytes, end);
	verify_names_close(&dir);
}

static void list_name(struct prover *p, uint32_t id, int fd, const struct verify_list *m)
{
	char name[VERIFY_NAME_MAX + 1];
	uint64_t bytes = 0;

	memcpy(name, m->name.p, m->name.len);
	name[m->name.len] = '\0';
	add_entry(p, id, fd, name, &bytes);
	close(fd);
}

bool prover_list(struct prover *p, const struct frame *f)
{
	struct verify_list_end end = {.status = VERIFY_LIST_OK};
	struct verify_list m;
	int fd;

	if (!verify_list_get(f, &m))
		return false;
	fd = verify_tree_open(p->root_fd, m.path, p->reader.noatime);
	if (fd < 0)
		end = (struct verify_list_end){.status = VERIFY_LIST_FAIL, .err = (uint32_t)errno};
	else if (m.flags & VERIFY_LIST_NAME)
		list_name(p, f->id, fd, &m);
	else
		list_dir(p, f->id, fd, &m, &end);
	send_records(p, f->id);
	verify_list_end_put(&p->out, f->id, &end);
	free(m.path);
	return true;
}
