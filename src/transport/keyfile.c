/* Looking at a private key's file: can libssh2 use it, or is it one that only ssh can. Nothing is decrypted. */
#include "transport/keyfile.h"
#include "transport/knownhosts.h"

struct view {
	const uint8_t *p;
	size_t n;
};

static bool get_string(struct view *v, const uint8_t **out, size_t *out_n)
{
	size_t n;

	if (v->n < 4)
		return false;
	n = (size_t)v->p[0] << 24 | (size_t)v->p[1] << 16 | (size_t)v->p[2] << 8 | v->p[3];
	if (n > v->n - 4)
		return false;
	*out = v->p + 4;
	*out_n = n;
	v->p += 4 + n;
	v->n -= 4 + n;
	return true;
}

static bool is(const uint8_t *p, size_t n, const char *s)
{
	return n == strlen(s) && memcmp(p, s, n) == 0;
}

/* openssh-key-v1: cipher, kdf, kdf options, number of keys, public key { type, ... }, ... */
static enum key_kind openssh_key(const char *text, size_t n)
{
	static const char magic[] = "openssh-key-v1"; /* its NUL included */
	AUTO_BUF packed = BUF_INIT;
	AUTO_BUF raw = BUF_INIT;
	struct view v, pub;
	const uint8_t *cipher, *skip, *blob, *type;
	size_t cipher_n, skip_n, blob_n, type_n;

	for (size_t i = 0; i < n; i++)
		if (text[i] != '\n' && text[i] != '\r')
			buf_append_u8(&packed, (uint8_t)text[i]);
	if (!base64_decode(&raw, (char *)packed.data, packed.len) || raw.len < sizeof(magic) ||
		memcmp(raw.data, magic, sizeof(magic)) != 0)
		return KEY_UNUSABLE;
	v = (struct view){raw.data + sizeof(magic), raw.len - sizeof(magic)};
	if (!get_string(&v, &cipher, &cipher_n) || !get_string(&v, &skip, &skip_n) || !get_string(&v, &skip, &skip_n) ||
		v.n < 4)
		return KEY_UNUSABLE;
	v.p += 4;
	v.n -= 4;
	if (!get_string(&v, &blob, &blob_n))
		return KEY_UNUSABLE;
	pub = (struct view){blob, blob_n};
	if (!get_string(&pub, &type, &type_n) || !is(cipher, cipher_n, "none"))
		return KEY_UNUSABLE;
	if (is(type, type_n, "ssh-rsa"))
		return KEY_RSA;
	if (is(type, type_n, "ssh-ed25519") || is(type, type_n, "ecdsa-sha2-nistp256") ||
		is(type, type_n, "ecdsa-sha2-nistp384") || is(type, type_n, "ecdsa-sha2-nistp521"))
		return KEY_PLAIN;
	return KEY_UNUSABLE;
}

enum key_kind key_classify(const char *text, size_t n)
{
	static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	AUTO_FREE char *copy = xmemdup(text, n);
	char *begin, *end;

	if (strlen(copy) != n)
		return KEY_UNUSABLE;
	begin = strstr(copy, openssh);
	if (begin) {
		begin += strlen(openssh);
		end = strstr(begin, "-----END");
		return end ? openssh_key(begin, (size_t)(end - begin)) : KEY_UNUSABLE;
	}
	if (strstr(copy, "ENCRYPTED"))
		return KEY_UNUSABLE;
	if (strstr(copy, "-----BEGIN RSA PRIVATE KEY-----"))
		return KEY_RSA;
	if (strstr(copy, "-----BEGIN EC PRIVATE KEY-----") || strstr(copy, "-----BEGIN PRIVATE KEY-----"))
		return KEY_PLAIN;
	return KEY_UNUSABLE;
}
