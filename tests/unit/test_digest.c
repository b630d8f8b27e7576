/* Digests: sums that know no order, depend on the key, and tell apart what differs. */
#include "wire/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const uint8_t seed[16] = "0123456789abcdef";

static struct digest entry(const struct digest_key *k, enum digest_kind kind, const char *name, const char *packed)
{
	return digest_entry(k, kind, name, strlen(name), packed, strlen(packed));
}

static bool same(enum digest_kind a, const char *a_name, const char *a_packed, enum digest_kind b, const char *b_name,
	const char *b_packed)
{
	struct digest_key k;
	struct digest x, y;

	digest_key_init(&k, seed);
	x = entry(&k, a, a_name, a_packed);
	y = entry(&k, b, b_name, b_packed);
	return digest_equal(&x, &y);
}

static void test_order(void **state)
{
	struct digest_key k;
	struct digest up = {}, down = {}, twice = {}, without = {};

	digest_key_init(&k, seed);
	for (int i = 0; i < 1000; i++) {
		char a[20], b[20];
		struct digest x, y;

		snprintf(a, sizeof(a), "name %d", i);
		snprintf(b, sizeof(b), "name %d", 999 - i);
		x = entry(&k, DIGEST_PLAIN, a, "meta");
		y = entry(&k, DIGEST_PLAIN, b, "meta");
		digest_add(&up, &x);
		digest_add(&down, &y);
		digest_add(&twice, &x);
		if (i == 7)
			digest_add(&twice, &x);
		if (i != 7)
			digest_add(&without, &x);
	}
	assert_int_equal(up.count, 1000);
	assert_true(digest_equal(&up, &down));
	assert_false(digest_equal(&up, &twice));
	assert_false(digest_equal(&up, &without));
}

/* The carry goes from the low half to the high one: sums of sums are the sum. */
static void test_carry(void **state)
{
	struct digest a = {.lo = UINT64_MAX, .hi = 1, .count = 1}, b = {.lo = 1, .hi = UINT64_MAX - 1, .count = 2};
	struct digest sum = {};

	digest_add(&sum, &a);
	digest_add(&sum, &b);
	assert_true(sum.lo == 0 && sum.hi == 0);
	assert_int_equal(sum.count, 3);
	sum = (struct digest){};
	assert_false(digest_equal(&sum, &a));
	a = (struct digest){.count = 1}; /* the same sums, another number of entries */
	assert_false(digest_equal(&sum, &a));
}

static void test_keyed(void **state)
{
	uint8_t other[16];
	struct digest_key k, l, again;
	struct digest x, y;

	digest_key_init(&k, seed);
	digest_key_init(&again, seed);
	x = entry(&k, DIGEST_PLAIN, "name", "meta");
	y = entry(&again, DIGEST_PLAIN, "name", "meta");
	assert_true(digest_equal(&x, &y));
	assert_true(digest_name(&k, "name", 4) == digest_name(&again, "name", 4));
	/* Each bit of the seed matters to both halves of the sum and to the names. */
	for (unsigned bit = 0; bit < 128; bit++) {
		memcpy(other, seed, sizeof(other));
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		digest_key_init(&l, other);
		y = entry(&l, DIGEST_PLAIN, "name", "meta");
		assert_true(x.lo != y.lo && x.hi != y.hi);
		assert_true(digest_name(&k, "name", 4) != digest_name(&l, "name", 4));
		for (size_t i = 0; i < sizeof(k.secret); i += 16) /* and to every part of the key */
			assert_memory_not_equal(k.secret + i, l.secret + i, 16);
	}
}

static void test_what_counts(void **state)
{
	assert_false(same(DIGEST_PLAIN, "a", "meta", DIGEST_PLAIN, "b", "meta"));
	assert_false(same(DIGEST_PLAIN, "a", "meta", DIGEST_PLAIN, "a", "atem"));
	/* Where the name ends and the metadata begin is part of it. */
	assert_false(same(DIGEST_PLAIN, "ab", "c", DIGEST_PLAIN, "a", "bc"));
	assert_false(same(DIGEST_PLAIN, "ab", "", DIGEST_DIR, "ab", ""));
	assert_false(same(DIGEST_LINKED, "ab", "", DIGEST_DIR, "ab", ""));
	assert_false(same(DIGEST_LINKED, "ab", "", DIGEST_PLAIN, "ab", ""));
	/* Of directories and linked names only the name. */
	assert_true(same(DIGEST_DIR, "a", "x", DIGEST_DIR, "a", "other"));
	assert_true(same(DIGEST_LINKED, "a", "x", DIGEST_LINKED, "a", "other"));
	assert_false(same(DIGEST_DIR, "a", "", DIGEST_DIR, "b", ""));
	assert_false(same(DIGEST_LINKED, "a", "", DIGEST_LINKED, "b", ""));
}

/* Metadata moved from one name to the other leave no sum as it was, nor does a swap of names. */
static void test_moves(void **state)
{
	struct digest_key k;
	struct digest before = {}, after = {}, e;

	digest_key_init(&k, seed);
	e = entry(&k, DIGEST_PLAIN, "a", "1");
	digest_add(&before, &e);
	e = entry(&k, DIGEST_PLAIN, "b", "2");
	digest_add(&before, &e);
	e = entry(&k, DIGEST_PLAIN, "a", "2");
	digest_add(&after, &e);
	e = entry(&k, DIGEST_PLAIN, "b", "1");
	digest_add(&after, &e);
	assert_false(digest_equal(&before, &after));
}

/* On both sides of the buffer that short entries are put together in: the last byte counts, and nothing behind it. */
static void test_long_metadata(void **state)
{
	struct digest_key k;
	char packed[3000], name[256];

	digest_key_init(&k, seed);
	memset(name, 'n', sizeof(name));
	for (size_t n = 700; n < 2900; n += 11) {
		struct digest x, y;

		memset(packed, 'p', sizeof(packed));
		x = digest_entry(&k, DIGEST_PLAIN, name, 255, packed, n);
		packed[n] = 'q';
		y = digest_entry(&k, DIGEST_PLAIN, name, 255, packed, n);
		assert_true(digest_equal(&x, &y));
		packed[n - 1] = 'q';
		y = digest_entry(&k, DIGEST_PLAIN, name, 255, packed, n);
		assert_false(digest_equal(&x, &y));
	}
}

static void test_slices_and_buckets(void **state)
{
	enum { SLICES = 7, BUCKETS = 64, NAMES = 70000 };
	unsigned slices[SLICES] = {}, buckets[BUCKETS] = {}, both[SLICES] = {};
	struct digest_key k;

	digest_key_init(&k, seed);
	for (int i = 0; i < NAMES; i++) {
		char name[20];
		int n = snprintf(name, sizeof(name), "%d", i);
		uint64_t h = digest_name(&k, name, (size_t)n);

		assert_true(digest_slice(h, SLICES) < SLICES && digest_bucket(h, BUCKETS) < BUCKETS);
		assert_int_equal(digest_slice(h, 1), 0);
		assert_int_equal(digest_bucket(h, 1), 0);
		slices[digest_slice(h, SLICES)]++;
		buckets[digest_bucket(h, BUCKETS)]++;
		if (digest_bucket(h, BUCKETS) == 0)
			both[digest_slice(h, SLICES)]++;
	}
	for (unsigned i = 0; i < SLICES; i++) {
		assert_in_range(slices[i], NAMES / SLICES * 9 / 10, NAMES / SLICES * 11 / 10);
		/* The one does not follow from the other. */
		assert_in_range(both[i], NAMES / SLICES / BUCKETS / 2, NAMES / SLICES / BUCKETS * 2);
	}
	for (unsigned i = 0; i < BUCKETS; i++)
		assert_in_range(buckets[i], NAMES / BUCKETS * 8 / 10, NAMES / BUCKETS * 12 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_carry),
		cmocka_unit_test(test_keyed),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_long_metadata),
		cmocka_unit_test(test_slices_and_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
