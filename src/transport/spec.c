/*
 * Specifications that travel between our own processes: what the link is to connect to, what the mover is to
 * start. Every field is a string behind its length; both ends are the same binary.
 */
#include "transport/spec.h"
#include "transport/address.h"
#include "transport/internal.h"
#include "transport/script.h"
#include "base/fd.h"
#include "base/text.h"

#include <stdio.h>
#include <sys/socket.h>

static void put_u32(struct buf *b, uint32_t v)
{
	uint8_t raw[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_append(b, raw, sizeof(raw));
}

/* NULL is kept apart from "" by the length 2^32-1. */
static void put_str(struct buf *b, const char *s)
{
	put_u32(b, s ? (uint32_t)strlen(s) : UINT32_MAX);
	if (s)
		buf_append_str(b, s);
}

static void put_strv(struct buf *b, const struct strv *s)
{
	put_u32(b, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++)
		put_str(b, s->v[i]);
}

struct view {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static uint32_t get_u32(struct view *v)
{
	uint32_t out;

	if (v->bad || v->n < 4) {
		v->bad = true;
		return 0;
	}
	out = (uint32_t)v->p[0] << 24 | (uint32_t)v->p[1] << 16 | (uint32_t)v->p[2] << 8 | v->p[3];
	v->p += 4;
	v->n -= 4;
	return out;
}

static char *get_str(struct view *v)
{
	uint32_t n = get_u32(v);
	char *s;

	if (v->bad || n == UINT32_MAX)
		return NULL;
	if (n > v->n || memchr(v->p, 0, n)) {
		v->bad = true;
		return NULL;
	}
	s = xmemdup(v->p, n);
	v->p += n;
	v->n -= n;
	return s;
}

static void get_strv(struct view *v, struct strv *out)
{
	uint32_t count = get_u32(v);

	while (!v->bad && count--) {
		char *s = get_str(v);

		if (s)
			strv_take(out, s);
		else
			v->bad = true;
	}
}

void link_spec_pack(const struct link_spec *s, struct buf *out)
{
	put_str(out, s->hostname);
	put_str(out, s->user);
	put_u32(out, s->port);
	put_u32(out, (uint32_t)s->family);
	put_u32(out, s->connect_timeout);
	put_str(out, s->key_name);
	put_u32(out, s->host_key);
	put_strv(out, &s->known_files);
	put_strv(out, &s->identities);
	put_u32(out, s->identities_only);
	put_str(out, s->agent);
	put_strv(out, &s->proxy_argv);
	put_str(out, s->http_proxy);
	put_str(out, s->command);
	put_u32(out, s->want_tcp);
}

bool link_spec_unpack(struct link_spec *s, const void *p, size_t n)
{
	struct view v = {p, n, false};

	*s = (struct link_spec){};
	s->hostname = get_str(&v);
	s->user = get_str(&v);
	s->port = get_u32(&v);
	s->family = (int)get_u32(&v);
	s->connect_timeout = get_u32(&v);
	s->key_name = get_str(&v);
	s->host_key = (enum host_key_mode)get_u32(&v);
	get_strv(&v, &s->known_files);
	get_strv(&v, &s->identities);
	s->identities_only = get_u32(&v);
	s->agent = get_str(&v);
	get_strv(&v, &s->proxy_argv);
	s->http_proxy = get_str(&v);
	s->command = get_str(&v);
	s->want_tcp = get_u32(&v);
	if (!v.bad && !v.n && s->hostname && s->user && s->command)
		return true;
	link_spec_release(s);
	return false;
}

void link_spec_release(struct link_spec *s)
{
	free(s->hostname);
	free(s->user);
	free(s->key_name);
	strv_release(&s->known_files);
	strv_release(&s->identities);
	free(s->agent);
	strv_release(&s->proxy_argv);
	free(s->http_proxy);
	free(s->command);
	*s = (struct link_spec){};
}

void boot_spec_pack(const struct boot_spec *s, struct buf *out)
{
	put_u32(out, s->kind);
	put_str(out, s->args);
	put_u32(out, s->sudo);
	put_str(out, s->helper);
	put_str(out, s->version);
	put_str(out, s->arch);
	put_u32(out, s->first_timeout);
}

bool boot_spec_unpack(struct boot_spec *s, const void *p, size_t n)
{
	struct view v = {p, n, false};

	*s = (struct boot_spec){};
	s->kind = (enum transport_kind)get_u32(&v);
	s->args = get_str(&v);
	s->sudo = get_u32(&v);
	s->helper = get_str(&v);
	s->version = get_str(&v);
	s->arch = get_str(&v);
	s->first_timeout = get_u32(&v);
	if (!v.bad && !v.n && s->args && s->arch)
		return true;
	boot_spec_release(s);
	return false;
}

void boot_spec_release(struct boot_spec *s)
{
	free(s->args);
	free(s->helper);
	free(s->version);
	free(s->arch);
	*s = (struct boot_spec){};
}

char *receiver_args(const struct transport_receiver *r)
{
	struct buf b = BUF_INIT;

	buf_append_str(&b, "--root-hex ");
	for (const char *p = r->root; *p; p++)
		buf_printf(&b, "%02x", (uint8_t)*p);
	if (!*r->root)
		buf_append_str(&b, "2e"); /* "." */
	if (r->create)
		buf_append_str(&b, " --create");
	if (r->read_only)
		buf_append_str(&b, " --read-only");
	if (r->prove)
		buf_append_str(&b, " --prove");
	if (r->operate)
		buf_append_str(&b, " --operator");
	return buf_detach(&b);
}

/* ---- the report ---- */

void link_report_send(int fd, enum link_report type, const char *text, size_t n)
{
	AUTO_BUF b = BUF_INIT;

	buf_append_u8(&b, (uint8_t)type);
	put_u32(&b, (uint32_t)n);
	buf_append(&b, text, n);
	/* A coordinator that is gone needs no report. */
	if (fd_write_full(fd, b.data, b.len) < 0)
		return;
}

void link_report_parse(const void *p, size_t n, struct link_verdict *out)
{
	struct view v = {p, n, false};

	*out = (struct link_verdict){};
	while (v.n >= 5) {
		uint8_t type = *v.p;
		uint32_t len;

		v.p++;
		v.n--;
		len = get_u32(&v);
		if (len > v.n)
			return;
		if (type == LINK_STDERR) {
			buf_append(&out->noise, v.p, len);
		} else if (type == LINK_CONNECTED) {
			out->connected = true;
		} else if (type && strchr("EurnplakKi", type) && !out->end) {
			out->end = (enum link_report)type;
			free(out->text);
			out->text = xmemdup(v.p, len);
		}
		v.p += len;
		v.n -= len;
	}
}

void link_verdict_release(struct link_verdict *v)
{
	free(v->text);
	buf_release(&v->noise);
	*v = (struct link_verdict){};
}

/* ---- from the settings to the link's specification ---- */

/* One hop of ProxyJump: [user@]host[:port] or ssh://... */
static bool jump_words(struct strv *argv, const char *hop)
{
	struct address a;
	size_t n;

	if (strncmp(hop, "ssh://", 6) == 0)
		hop += 6;
	n = strlen(hop);
	while (n && hop[n - 1] == '/')
		n--;
	AUTO_FREE char *clean = xmemdup(hop, n);
	if (!address_parse(clean, &a) || a.local)
		return false;
	if (a.user) {
		strv_add(argv, "-l");
		strv_add(argv, a.user);
	}
	if (a.port) {
		strv_add(argv, "-p");
		strv_addf(argv, "%u", a.port);
	}
	strv_add(argv, a.host);
	address_release(&a);
	return true;
}

/* ProxyJump a,b,c: ssh -J a,b -W target c. */
static bool jump_argv(const struct transport *t, struct strv *argv)
{
	const char *jump = t->settings.proxy_jump, *last = strrchr(jump, ',');

	strv_add_all(argv, &t->ssh_words);
	strv_add(argv, "-oBatchMode=yes");
	strv_addf(argv, "-oConnectTimeout=%u", t->connect_timeout);
	strv_add(argv, "-oServerAliveInterval=15");
	strv_add(argv, "-oServerAliveCountMax=3");
	strv_add(argv, "-oControlMaster=no");
	strv_add(argv, "-oControlPath=none");
	if (last) {
		strv_add(argv, "-J");
		strv_take(argv, xmemdup(jump, (size_t)(last - jump)));
		jump = last + 1;
	}
	strv_add(argv, "-W");
	strv_addf(
		argv, strchr(t->settings.hostname, ':') ? "[%s]:%u" : "%s:%u", t->settings.hostname, t->settings.port);
	return jump_words(argv, jump);
}

static bool command_argv(const struct transport *t, struct strv *argv)
{
	char *command = ssh_settings_expand(&t->settings, t->host, t->settings.proxy_command, false);
	const char *shell = getenv("SHELL");

	if (!command)
		return false;
	strv_add(argv, shell && *shell == '/' ? shell : "/bin/sh");
	strv_add(argv, "-c");
	strv_addf(argv, "exec %s", command);
	free(command);
	return true;
}

static char *agent_path(const struct transport *t)
{
	const char *agent = t->settings.agent, *env = getenv("SSH_AUTH_SOCK");

	if (!agent)
		return env && *env ? xstrdup(env) : NULL;
	if (str_eq(agent, "none"))
		return NULL;
	if (*agent == '$') {
		env = getenv(agent[1] == '{' ? "" : agent + 1);
		if (agent[1] != '{')
			return env && *env ? xstrdup(env) : NULL;
	}
	return ssh_settings_expand(&t->settings, t->host, agent, true);
}

static void expand_all(const struct transport *t, const struct strv *from, struct strv *out)
{
	for (size_t i = 0; i < from->n; i++) {
		char *path = ssh_settings_expand(&t->settings, t->host, from->v[i], true);

		if (path)
			strv_take(out, path);
	}
}

static bool why(char **out, const char *text)
{
	*out = xstrdup(text);
	return false;
}

bool link_spec_from(const struct transport *t, struct link_spec *s, char **out_why)
{
	const struct ssh_settings *set = &t->settings;

	*s = (struct link_spec){.port = set->port, .family = set->family, .connect_timeout = t->connect_timeout};
	if (set->unsuited)
		return why(out_why, set->unsuited);
	if (!t->http_proxy && set->proxy_jump) {
		if (!jump_argv(t, &s->proxy_argv))
			return why(out_why, "ProxyJump is of a form that is left to ssh");
	} else if (!t->http_proxy && set->proxy_command && !command_argv(t, &s->proxy_argv)) {
		return why(out_why, "ProxyCommand holds a token that is left to ssh");
	}
	s->hostname = xstrdup(set->hostname);
	s->user = xstrdup(set->user);
	s->key_name = set->host_key_alias ? xstrdup(set->host_key_alias) : NULL;
	s->host_key = set->host_key;
	expand_all(t, &set->known_files, &s->known_files);
	expand_all(t, &set->identities, &s->identities);
	s->identities_only = set->identities_only;
	s->agent = agent_path(t);
	s->http_proxy = t->http_proxy ? xstrdup(t->http_proxy) : NULL;
	s->command = xstrdup(BOOT_COMMAND);
	s->want_tcp = t->want_tcp;
	return true;
}
