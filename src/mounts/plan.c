/* The plan: what is where in it, and what is taken out of it or fenced off. */
#include "mounts/private.h"

struct mount *mounts_at(const struct mount_plan *p, const char *path)
{
	for (size_t k = 0; k < p->chosen_count; k++) {
		if (str_eq(p->chosen[k].path, path))
			return &p->chosen[k];
	}
	return NULL;
}

const char *mounts_rel(const struct mount_plan *p, const char *path)
{
	return mount_path_rest(p->root, path);
}

const struct mount *mount_above(const struct mount_plan *p, size_t n, const char *path)
{
	const struct mount *best = NULL;

	for (const struct mount *k = p->chosen; k < p->chosen + n; k++) {
		if (mount_path_beneath(k->path, path) && (!best || strlen(k->path) > strlen(best->path)))
			best = k;
	}
	return best;
}

char *mount_place(const struct mount_plan *p, size_t n, const char *path)
{
	const struct mount *parent = mount_above(p, n, path);

	if (!parent)
		return xstrdup(mount_path_rest(p->root, path));
	if (!*parent->target_rel)
		return xstrdup(mount_path_rest(parent->path, path));
	return xasprintf("%s/%s", parent->target_rel, mount_path_rest(parent->path, path));
}

static void add_fence(struct mount_plan *p, const struct mount_fence *f)
{
	p->fences = xrealloc(p->fences, (p->fence_count + 1) * sizeof(*p->fences));
	p->fences[p->fence_count++] = *f;
}

void mounts_fence(struct mount_plan *p, const char *path, bool lost)
{
	add_fence(p,
		&(struct mount_fence){.rel = xstrdup(mount_path_rest(p->root, path)),
			.target_rel = mount_place(p, p->chosen_count, path),
			.lost = lost});
}

/* Whether the next mount above is one that was left out, too: then no walk comes by. */
static bool lies_in_left_out(const struct mount_plan *p, const char *path)
{
	const struct mount *above = mount_above(p, p->chosen_count, path);
	size_t reach = above ? strlen(above->path) : 0;

	for (size_t k = 0; k < p->left_out_count; k++) {
		const struct mount_left_out *l = &p->left_out[k];
		if (!l->covered && mount_path_beneath(l->path, path) && strlen(l->path) > reach)
			return true;
	}
	return !above;
}

void mounts_fence_left_out(struct mount_plan *p)
{
	for (size_t k = 0; k < p->left_out_count; k++) {
		const struct mount_left_out *l = &p->left_out[k];
		if (!l->covered && mount_path_beneath(p->root, l->path) && !mounts_at(p, l->path) &&
			!lies_in_left_out(p, l->path))
			mounts_fence(p, l->path, false);
	}
}

static void release_mount(struct mount *m)
{
	free(m->path);
	free(m->rel);
	free(m->target_rel);
	free(m->fstype);
	free(m->source);
	free(m->within);
	free(m->id);
	cleanup_close(&m->fd);
}

void mounts_lose(struct mount_plan *p, size_t i)
{
	struct mount *m = &p->chosen[i];

	add_fence(p, &(struct mount_fence){.rel = STEAL(m->rel), .target_rel = STEAL(m->target_rel), .lost = true});
	release_mount(m);
	memmove(&p->chosen[i], &p->chosen[i + 1], (--p->chosen_count - i) * sizeof(*p->chosen));
}

void mount_plan_release(struct mount_plan *p)
{
	for (size_t k = 0; k < p->chosen_count; k++)
		release_mount(&p->chosen[k]);
	for (size_t k = 0; k < p->left_out_count; k++) {
		free(p->left_out[k].path);
		free(p->left_out[k].fstype);
		free(p->left_out[k].source);
		free(p->left_out[k].why);
	}
	for (size_t k = 0; k < p->fence_count; k++) {
		free(p->fences[k].rel);
		free(p->fences[k].target_rel);
	}
	free(p->chosen);
	free(p->left_out);
	free(p->fences);
	free(p->root);
	*p = (struct mount_plan){};
}
