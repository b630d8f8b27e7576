/*
 * Private to the room target: the session's state, and what its files offer each other.
 *
 * Everything happens relative to a descriptor of a directory, with one bare name; only resolve.c takes paths,
 * and it never follows a symbolic link.
 */
#pragma once

#include "delta/delta.h"
#include "pace/pace.h"
#include "rules/rules.h"
#include "receiver/session.h"
#include "wire/msg.h"

#include <pthread.h>
#include <sys/stat.h>

#define DIRS_MAX 256
#define FILES_MAX 64
#define WRITTEN_MAX 32
#define SCOPE_HIDDEN_MAX 4096
#define LISTING_KEEP_BYTES \
	(32u << 20) /* packed listings kept between DIR and LIST, of all open directories \
					*/
#define LISTING_KEEP_ONE (16u << 20) /* ... of one */
#define INPLACE_MIN (64u << 20) /* update = auto: larger files are updated in place */
#define TMP_DIR ".rehost.tmp"
#define TMP_PREFIX ".rehost."

/* ---- directories ---- */

/* UNSURE: it could not be read, or what it looks like is not to be believed: it equals nothing. */
enum own_flag { OWN_LINKED = 1 << 0, OWN_SEEN = 1 << 1, OWN_UNSURE = 1 << 2 };
struct own { /* one entry of our own listing */
	uint64_t hash, ino;
	uint32_t name, meta, meta_len; /* in the arena; meta_len 0: not kept */
	uint8_t type; /* META_* */
	uint8_t flags;
};
struct listing {
	struct buf arena;
	struct own *e;
	size_t n, cap;
	uint32_t *table; /* index + 1 into e, open addressing, made by listing_index() */
	size_t mask;
};

struct place { /* a directory that is worked in */
	int fd; /* -1: dry run, and it does not exist */
	char *src, *dst;
	bool made; /* by this DIR */
	bool plain; /* what is created in it inherits nothing: no default ACL, no flags, no label */
	bool beside; /* the temporary directory is on another file system */
	bool modified; /* by us: its mtime is not what it was */
	bool unlocked; /* i or a were cleared */
	bool widened; /* u+rwx was added */
	uint64_t dev, ino;
	struct meta have; /* as it was when it was opened */
};

struct slice {
	uint32_t number, of, buckets;
};

struct dir {
	uint32_t id;
	uint8_t flags;
	struct place at;
	struct meta want;
	bool has_want;
	struct slice slice;
	struct {
		struct listing *own; /* kept between DIR and LIST, and during LIST */
		size_t own_bytes;
		bool begun; /* LIST frames have come */
		bool unreadable; /* our listing could not be read again: every entry fails */
		struct buf bitmap;
		struct buf needs; /* NEED frames, held until the mover has sent its last LIST */
		uint32_t index;
	} list;
	unsigned files; /* open files in it */
};

/* ---- temporary names ---- */

struct tmpname {
	int dirfd; /* borrowed; -1: none */
	char name[32];
	bool beside;
};

/* ---- large files ---- */

struct file {
	uint32_t id;
	uint8_t flags;
	struct dir *dir; /* NULL with FILE_SEGMENT, or when the directory is not open */
	char *name;
	struct meta want, have; /* have.type META_NONE: nothing was there */
	int fd; /* written to; -1: nothing yet */
	int basis_fd; /* -1: no basis. The same number as fd when in place */
	uint64_t size, basis_size;
	bool inplace, created, cloned, wrote;
	struct tmpname tmp;
	struct stat fresh; /* of what we created */
	struct buf equal; /* uint64_t pairs off, end: basis ranges known to be right, not copied yet */
	struct buf again; /* records of FILE_AGAIN: runs to be sent literally */
	struct diag failed; /* the first failure; nothing is done after it */
};

/* ---- the session ---- */

struct fsref {
	uint64_t dev;
	int fd;
};

struct epoch { /* see epoch.c; what the thread uses is left alone while it runs */
	bool dirty; /* something may have been written since the last one began */
	bool all_wanted; /* of what any receiver can have written */
	bool running, all;
	int64_t time, next_ns; /* of the clock that inodes have; monotonic */
	pthread_t thread;
	int wake[2]; /* a pipe: something to read when the thread is done */
	int fds[WRITTEN_MAX];
	size_t fds_n;
	int err;
};

struct session {
	int root_fd;
	uint64_t root_dev, root_ino, root_mount;
	bool read_only, is_root, dry, ready;
	int out_fd; /* -1: the caller takes the answers */
	bool bye, error;
	int sync_errno; /* of a file system that had to be synced early */
	bool lost; /* out_fd could not be written */
	bool no_openat2;
	uint8_t boot_id[16];
	const char *version;
	uint32_t flags, fields;
	struct digest_key digest;
	struct delta_key delta;
	struct rules *rules;
	bool has_rules;
	char **hidden;
	size_t hidden_n;
	struct buf out;
	struct dir *dirs[DIRS_MAX];
	size_t dirs_n;
	struct file *files[FILES_MAX];
	size_t files_n;
	struct fsref fs[WRITTEN_MAX];
	size_t fs_n;
	struct epoch epoch;
	struct suspect suspects[WIRE_SUSPECTS_MAX];
	size_t suspects_n;
	size_t kept_bytes;
	int cwd; /* descriptor the current directory was set from, -1: unknown */
	int tmp_fd;
	bool tmp_plain;
	uint64_t rng;
	int64_t started_s;
	uint64_t uid;
	struct buf window, result; /* scratch of segment.c */
	const struct sysload_files *load;
	const struct below *below;
	uint64_t filled; /* bytes of FILL */
	struct pace pace;
};

/* session.c */
/* Answers MSG_ERROR and ends the session: always returns false. */
bool answer_error(struct session *s, enum diag_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool answer_malformed(struct session *s, const char *what);
/* Fills d: "WHAT 'dst/name'"; a few errnos have codes of their own. dir and name may be NULL. */
void fail_entry(
	struct diag *d, enum diag_code code, int err, const struct place *atir, const char *name, const char *what);
/* dst of an entry; freed by the caller. */
char *path_join(const char *dir, const char *name);
/* Writes what has gathered, when that is much: between frames only. */
void answer_push(struct session *s);
void answer_flush(struct session *s);
/* Remembers that the file system is written to. */
void written_note(struct session *s, int fd, uint64_t dev);

/* hello.c */
bool on_hello(struct session *s, const struct frame *f);

/* sync.c */
bool on_sync(struct session *s, const struct frame *f);

/* measure.c */
bool on_fill(struct session *s, const struct frame *f);
bool on_ping(struct session *s, const struct frame *f);
bool on_load(struct session *s, const struct frame *f);

/* resolve.c: O_RDONLY descriptors of directories; -1 with errno. Nothing is followed. */
int resolve_dir(struct session *s, const char *path);
int resolve_parent(struct session *s, const char *path, const char **out_name);
/* One component. no_xdev: EXDEV at a mount point (where the kernel can tell). */
int resolve_child(struct session *s, int dirfd, const char *name, bool no_xdev);
/* chmod of what the name is itself, never through a symbolic link. */
int resolve_chmod(int dirfd, const char *name, mode_t mode);

/* dir.c */
bool on_dir(struct session *s, const struct frame *f);
bool on_dir_end(struct session *s, const struct frame *f);
struct dir *dir_find(struct session *s, uint32_t id);
void dir_abandon_all(struct session *s);
/* Closes it as it is; DIR_FAIL has been said. */
void dir_give_up(struct session *s, struct dir *d);
/* Clears i and a of the directory, to come back when it is closed. True when there was something to clear. */
bool place_unlock(struct session *s, struct place *at);
/* Before its entries are changed. */
void place_modify(struct session *s, struct place *at);
void dir_drop_listing(struct session *s, struct dir *d);
void place_relock(struct place *at);
/* What our work has changed of a directory whose metadata are to be left alone goes back to what it was. */
void place_put_back(struct place *at);
/* Closes it. */
void place_release(struct session *s, struct place *at);
/* Makes it the current directory. */
int place_enter(struct session *s, int fd);
bool meta_is_plain(const struct meta *m);

/* listing.c */
enum listing_result { LISTING_OK, LISTING_SPLIT, LISTING_ERROR };
/* Names and types of the slice. Split: out_slices says into how many. */
enum listing_result listing_names(
	struct session *s, struct place *at, const struct slice *slice, struct listing **out, uint32_t *out_slices);
/* Reads every entry; sums[buckets] are the low halves. Packed metadata stay in the arena while the budget
 * lasts. The current directory must be d. */
void listing_sum(struct session *s, struct place *at, uint32_t buckets, struct listing *l, uint64_t *sums,
	struct digest *out_total);
void listing_index(struct listing *l);
struct own *listing_find(const struct listing *l, uint64_t hash, const char *name);
void listing_free(struct listing *l);
static inline const char *own_name(const struct listing *l, const struct own *o)
{
	return (const char *)l->arena.data + o->name;
}

/* scope.c */
bool scope_hide(struct session *s, const struct bytes *records);
bool scope_hidden(const struct session *s, const char *dst, const char *name);
bool scope_reserved(const struct place *at, const char *name);
/* The rules' word on an entry of the directory with this source path. */
bool scope_protected(const struct session *s, const char *src, const char *name, bool is_dir);
/* The same while that directory is being deleted: perishable rules count not. */
bool scope_protected_dying(const struct session *s, const char *src, const char *name, bool is_dir);
bool scope_invisible(const struct session *s, const struct place *at, const char *name, bool is_dir);

/* dents.c */
uint8_t type_of_mode(mode_t mode); /* META_* */
/* Raw directory entries into buf; bytes, 0 at the end, -1. */
uint8_t type_of_dtype(unsigned char dtype);
unsigned char dtype_of_type(uint8_t type);
ssize_t dents_read(int fd, void *buf, size_t n);
struct dent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

/* epoch.c */
int64_t epoch_clock(void); /* never behind the times that inodes get from now on */
bool epoch_init(struct session *s);
void epoch_release(struct session *s);
/* Between requests: begins an epoch when it is time, and answers when one has ended. */
void epoch_tick(struct session *s);
int epoch_timeout_ms(const struct session *s); /* until the next tick is of use; -1: none is */
void epoch_wait(struct session *s); /* for the thread, if it runs */
bool on_flush(struct session *s, const struct frame *f);

/* suspect.c */
bool on_suspect(struct session *s, const struct frame *f);
/* Whether a regular file's contents are to be compared whatever its size and time say. */
bool suspect_matches(const struct session *s, const struct meta *m);

/* answer.c */
/* An answer under way, of a type whose payload begins with a flags byte. */
struct answer {
	struct buf *out;
	uint8_t type;
	uint32_t id;
	size_t start;
	bool open;
};
struct buf *answer_record(struct answer *a);
void answer_close(struct answer *a, bool last);
void answer_next(struct answer *a);

/* need.c */
struct pair { /* what is compared */
	struct session *s;
	struct place *at;
	const char *name;
	const struct meta *want;
	uint8_t flags; /* ENTRY_* */
	struct meta *have;
	int fd;
	unsigned diff;
};
/* n->op stays 0 when there is nothing to say. */
void need_find(struct pair *p, struct need *n, bool there);
void need_put(struct answer *a, struct need *n);

/* list.c */
bool on_list(struct session *s, const struct frame *f);

/* entry.c: one name in a directory. All return 0 or -1 with d set, unless they say otherwise. */
/* What a file that was just created has, so that meta_apply need not look. NULL when things may have been
 * inherited. */
const struct meta *entry_fresh(struct meta *room, const struct stat *st, bool plain);
/* After EPERM or EACCES: clears i and a of the directory and of what the name is. True: worth trying again.
 */
bool entry_unlock(struct session *s, struct place *at, const char *name, int err);
/*
 * A name is about to go, which gives its inode a new ctime: a suspect one that has other names must not look equal by that,
 * and loses its time. Before the greeting is answered nobody knows which ones are suspect: then it is every one.
 */
void entry_unname(struct session *s, int dirfd, const char *name);
/* Opens a regular file as meta_read() found it, even when its mode forbids that to us. -1 with errno. */
int entry_open(struct session *s, struct place *at, const char *name, int flags);
/* Whether what is there may give way to this type: not when a rule protects it. */
bool entry_may_become(struct session *s, struct place *at, const char *name, uint8_t type, struct diag *diag);
/* Removes a directory that stands where something else must come. */
int entry_clear_way(struct session *s, struct place *at, const char *name, struct diag *diag);
/* Renames over whatever is there. -2: EXDEV (d->beside is set: make it again), else as the others. */
int entry_commit(struct session *s, struct tmpname *t, struct place *at, const char *name, struct diag *diag);
/* A directory of mode; out_made false: it was there. Replaces a non-directory. */
int entry_mkdir(struct session *s, struct place *at, const char *name, mode_t mode, bool *out_made, struct diag *diag);
/* A symbolic link, device, fifo or socket, with metadata, in the place of what is there. */
int entry_make_special(struct session *s, struct place *at, const char *name, const struct meta *m, bool is_new,
	struct diag *diag, struct stat *out_st);
/* Gives the name an inode of its own with the same contents, and metadata m. */
int entry_break(struct session *s, struct place *at, const char *name, const struct meta *m, struct diag *diag);
/* Metadata of what is there. fd: descriptor of it or -1. */
int entry_apply(struct session *s, struct place *at, const char *name, int fd, const struct meta *m,
	const struct meta *have, struct diag *diag);
/* An inode with i or a cannot be renamed: a temporary file gets what entry_movable() leaves, and the rest
 * after the rename by entry_lock(). The copy shares m's buffers. */
struct meta entry_movable(const struct meta *m);
void entry_lock(struct session *s, struct place *at, const char *name, int fd, const struct meta *m, struct diag *diag);
/* TARGET_METADATA naming the fields of the mask; nothing for mask 0. */
void fail_metadata(struct diag *diag, unsigned mask, int err, const struct place *at, const char *name);

/* put.c */
bool on_put(struct session *s, const struct frame *f);

/* meta.c */
bool on_meta(struct session *s, const struct frame *f);

/* file.c */
bool on_file(struct session *s, const struct frame *f);
struct file *file_find(struct session *s, uint32_t id);
void file_abandon_all(struct session *s);
/* The temporary file exists from here on, with what is known to be equal. False: f->failed is set. */
bool file_materialise(struct session *s, struct file *f);
/* Copies the ranges noted as equal. */
bool file_copy_equal(struct session *s, struct file *f);
void file_fail(struct file *f, enum diag_code code, int err, const char *what);
void file_close(struct session *s, struct file *f); /* frees it */
void file_spoil_time(struct session *s, const struct file *f);
void file_answer_done(struct session *s, struct file *f, const struct msg_file_done *done);

/* file_end.c */
bool on_file_end(struct session *s, const struct frame *f);

/* segment.c */
bool on_data(struct session *s, const struct frame *f);
bool on_hole(struct session *s, const struct frame *f);
bool on_seg_hash(struct session *s, const struct frame *f);
bool on_run(struct session *s, const struct frame *f);

/* copy.c: between our own files, at the pace of s. 0 or -1. */
int copy_clone(int from, int to);
/* Into what is a hole so far: holes stay holes. */
int copy_sparse(struct session *s, int from, int to, uint64_t off, uint64_t len);
/* The whole file with its holes. */
int copy_whole(struct session *s, int from, int to, uint64_t size);
/* Nothing is stored there (past the end too). */
bool copy_is_hole(int fd, uint64_t off, uint64_t len);
int copy_zero(int fd, uint64_t off, uint64_t len); /* a hole, or zeros; within the file's size only */

/* link.c */
bool on_link(struct session *s, const struct frame *f);

/* delete.c */
bool on_delete(struct session *s, const struct frame *f);
/* The names of the slice that the mover has not listed. */
void extra_send(struct session *s, struct dir *d);

/* remove.c */
enum remove_flag {
	REMOVE_LIST = 1 << 0, /* touches nothing: says what would be removed */
	REMOVE_ALL = 1 << 1, /* whatever the rules say: rehost's own */
};
struct remove_sink { /* where records go; arg is the function's */
	void (*removed)(void *arg, uint8_t type, const char *path);
	void (*failed)(void *arg, const char *path, struct diag *diag);
	void *arg;
	uint64_t budget; /* counted down */
	bool budget_reached;
};
/* One name with all beneath it. False when something stays. */
bool remove_entry(struct session *s, struct place *at, const char *name, unsigned flags, struct remove_sink *sink);
/* All entries of a directory of ours (the temporary directory). */
void remove_contents(struct session *s, int dirfd);

/* tmp.c */
void tmp_start(struct session *s, bool empty);
/* Removes what is in the temporary directory: when nobody writes there, it is of a receiver that was killed. */
void tmp_empty(struct session *s);
void tmp_end(struct session *s);
/* A new name; on the file system of d. */
void tmp_place(struct session *s, struct place *at, struct tmpname *t);
int tmp_create(struct session *s, struct place *at, struct tmpname *t); /* O_RDWR descriptor or -1 */
bool tmp_is_plain(const struct session *s, const struct place *at, const struct tmpname *t);
void tmp_discard(struct tmpname *t);
bool tmp_is_leftover(const char *name); /* .rehost. and 16 hex digits */
/* Around what changes the root's entries but must not change its mtime. */
struct root_times {
	struct timespec mtime;
	bool known;
};
void root_times_hold(struct session *s, struct root_times *t);
void root_times_restore(struct session *s, const struct root_times *t);
void root_lock(struct session *s);
void root_unlock(struct session *s);
