/* Resolving: from the configuration and ssh_config to everything that is needed to connect. */
#include "transport/transport.h"
#include "transport/address.h"
#include "transport/child.h"
#include "transport/helper.h"
#include "transport/internal.h"
#include "transport/knownhosts.h"
#include "transport/net.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define SSH_G_TIMEOUT_S 30
#define CONNECT_TIMEOUT_S 30

void transport_free(struct transport *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->note);
	free(t->host);
	free(t->user);
	strv_release(&t->ssh_words);
	strv_release(&t->identity);
	free(t->known_hosts);
	free(t->http_proxy);
	ssh_settings_release(&t->settings);
	free(t->version);
	free(t);
}

enum transport_kind transport_kind(const struct transport *t)
{
	return t->kind;
}

const char *transport_name(const struct transport *t)
{
	return t->name;
}

void transport_want_socket(struct transport *t)
{
	t->want_tcp = true;
}

const char *transport_note(const struct transport *t)
{
	return t->note;
}

/* Options that choose the connection and must be the same for -G and for the real thing. */
static void base_argv(const struct transport *t, struct strv *argv)
{
	strv_add_all(argv, &t->ssh_words);
	if (t->port) {
		strv_add(argv, "-p");
		strv_addf(argv, "%u", t->port);
	}
	if (t->user) {
		strv_add(argv, "-l");
		strv_add(argv, t->user);
	}
}

/* Runs ssh -G. False only when ssh is there and rejects its configuration. */
static bool ask_ssh(struct transport *t, struct diag *d)
{
	AUTO_STRV argv = {};
	AUTO_BUF out = BUF_INIT;
	AUTO_BUF err = BUF_INIT;
	AUTO_FREE char *said = NULL;
	int status = 0;

	base_argv(t, &argv);
	strv_add(&argv, "-G");
	strv_add(&argv, t->host);
	if (!child_capture(argv.v, SSH_G_TIMEOUT_S, &out, &err, &status)) {
		if (errno == ENOENT && t->wanted != CONF_TRANSPORT_SSH) {
			ssh_settings_default(&t->settings, t->host);
			return true;
		}
		diag_set(d, DIAG_TRANSPORT_NO_SSH, errno, NULL, "cannot run '%s'", t->ssh_words.v[0]);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		ssh_settings_parse(&t->settings, (char *)out.data, out.len);
		t->settings.told = t->settings.hostname;
		if (t->settings.told)
			return true;
		ssh_settings_release(&t->settings);
	} else if (!strstr(buf_cstr(&err), "usage:") && !strstr(buf_cstr(&err), "option -- ")) {
		said = noise_excerpt(err.data, err.len);
		diag_set(d, DIAG_TRANSPORT_SSH_CONFIG, 0, NULL, "'%s -G %s' failed: %s", t->ssh_words.v[0], t->host,
			said);
		return false;
	}
	/* A program that is not OpenSSH, or older than 6.8: it must do the connecting, its settings are unknown. */
	ssh_settings_default(&t->settings, t->host);
	t->settings.unsuited = xstrdup("target.ssh_command does not tell its settings (-G)");
	return true;
}

/* What the configuration says goes over what ssh_config says. */
static void override(struct transport *t)
{
	struct ssh_settings *s = &t->settings;

	if (!s->user)
		s->user = local_user();
	if (t->user) {
		free(s->user);
		s->user = xstrdup(t->user);
	}
	if (t->port)
		s->port = t->port;
	if (t->identity.n) {
		strv_release(&s->identities);
		strv_add_all(&s->identities, &t->identity);
		s->identities_only = true;
	}
	if (t->known_hosts) {
		strv_release(&s->known_files);
		strv_add(&s->known_files, t->known_hosts);
	}
	if (t->host_key == CONF_HOST_KEY_STRICT)
		s->host_key = HOST_KEY_STRICT;
	else if (t->host_key == CONF_HOST_KEY_ACCEPT_NEW)
		s->host_key = HOST_KEY_ACCEPT_NEW;
}

/* ssh would only say that the login is refused. One that can be read will do, and the public half of a key in the agent. */
static bool check_identity(const struct transport *t, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; i < t->identity.n; i++) {
		AUTO_FREE char *path = ssh_settings_expand(&t->settings, t->host, t->identity.v[i], true);
		AUTO_FREE char *public = path ? xasprintf("%s.pub", path) : NULL;

		if (!path || access(path, R_OK) == 0)
			return true;
		err = errno;
		if (access(public, R_OK) == 0)
			return true;
	}
	if (!t->identity.n)
		return true;
	diag_set(d, DIAG_TRANSPORT_IDENTITY, err, t->identity.v[0], "cannot read the key '%s'", t->identity.v[0]);
	return false;
}

/* ssh would take the host for an unknown one, and with accept-new accept whatever key it shows. */
static bool check_known(const struct transport *t, struct diag *d)
{
	for (size_t i = 0; i < t->settings.known_files.n; i++) {
		AUTO_FREE char *path = ssh_settings_expand(&t->settings, t->host, t->settings.known_files.v[i], true);

		if (!path || known_readable(path))
			continue;
		diag_set(d, DIAG_TRANSPORT_KNOWN_HOSTS, errno, path, "cannot read the known host keys in '%s'", path);
		return false;
	}
	return true;
}

static bool choose_kind(struct transport *t, struct diag *d)
{
	struct link_spec spec;
	char *reason = NULL;

	t->kind = t->wanted == CONF_TRANSPORT_SSH ? TRANSPORT_SSH : TRANSPORT_LIBSSH2;
	if (t->kind == TRANSPORT_SSH)
		return true;
	if (!link_spec_from(t, &spec, &reason)) {
		if (t->wanted == CONF_TRANSPORT_LIBSSH2)
			diag_set(d, DIAG_TRANSPORT_LIBSSH2_UNSUITED, 0, NULL, "libssh2 cannot connect to '%s': %s",
				t->host, reason);
		t->kind = TRANSPORT_SSH;
		t->note = reason;
	}
	link_spec_release(&spec);
	return t->kind == TRANSPORT_LIBSSH2 || t->wanted != CONF_TRANSPORT_LIBSSH2;
}

static bool take_address(struct transport *t, const struct conf *c, struct diag *d)
{
	struct address a;

	if (!c->target.address || !address_parse(c->target.address, &a)) {
		diag_set(d, DIAG_TRANSPORT_ADDRESS, 0, NULL, "cannot use the address '%s'",
			c->target.address ? c->target.address : "");
		return false;
	}
	if (a.local)
		t->kind = TRANSPORT_LOCAL;
	t->host = STEAL(a.host);
	t->user = c->target.user ? xstrdup(c->target.user) : STEAL(a.user);
	t->port = c->target.port ? c->target.port : a.port;
	address_release(&a);
	if (t->user && !address_word_ok(t->user)) {
		diag_set(d, DIAG_TRANSPORT_ADDRESS, 0, NULL, "cannot use the user '%s'", t->user);
		return false;
	}
	return true;
}

static bool take_options(struct transport *t, const struct conf *c, struct diag *d)
{
	const char *command = c->target.ssh_command ? c->target.ssh_command : "ssh";
	char *host = NULL;
	unsigned port;

	if (!strv_split(&t->ssh_words, command, strlen(command)) || t->ssh_words.n == 0) {
		diag_set(d, DIAG_TRANSPORT_NO_SSH, 0, NULL, "cannot read the command '%s'", command);
		return false;
	}
	for (size_t i = 0; i < c->target.identity.len; i++)
		strv_add(&t->identity, c->target.identity.items[i].value);
	t->known_hosts = c->target.known_hosts ? xstrdup(c->target.known_hosts) : NULL;
	t->host_key = c->target.host_key;
	if (c->target.proxy) {
		if (!net_proxy_parse(c->target.proxy, &host, &port)) {
			diag_set(d, DIAG_TRANSPORT_ADDRESS, 0, NULL, "cannot use the proxy '%s'", c->target.proxy);
			return false;
		}
		t->http_proxy = xasprintf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
		free(host);
	}
	return true;
}

static void set_name(struct transport *t)
{
	AUTO_FREE char *user = text_escaped(t->settings.user);
	AUTO_FREE char *host = text_escaped(t->host);

	t->name = xasprintf(strchr(host, ':') ? "ssh %s@[%s]:%u" : "ssh %s@%s:%u", user, host, t->settings.port);
}

bool transport_resolve(const struct conf *c, bool batch, struct transport **out, struct diag *d)
{
	struct transport *t = xcalloc(1, sizeof(*t));

	t->batch = batch;
	t->wanted = c->target.transport;
	t->sudo = c->target.sudo;
	if (!take_address(t, c, d))
		goto failed;
	t->version = transport_helper_version();
	if (t->kind == TRANSPORT_LOCAL) {
		t->name = xstrdup("local");
		*out = t;
		return true;
	}
	if (!take_options(t, c, d) || !ask_ssh(t, d))
		goto failed;
	override(t);
	t->connect_timeout = c->target.connect_timeout ? c->target.connect_timeout
		: t->settings.connect_timeout          ? t->settings.connect_timeout
						       : CONNECT_TIMEOUT_S;
	set_name(t);
	if (!check_identity(t, d) || !check_known(t, d) || !choose_kind(t, d))
		goto failed;
	*out = t;
	return true;
failed:
	transport_free(t);
	return false;
}

void transport_bootstrap_pack(const struct transport *t, const struct transport_receiver *r, struct buf *out)
{
	AUTO_FREE char *args = receiver_args(r);
	struct utsname u;
	struct boot_spec s = {
		.kind = t->kind,
		.args = args,
		.sudo = r->sudo || t->sudo,
		.helper = (char *)r->helper,
		.version = t->version,
		.arch = uname(&u) == 0 ? u.machine : (char *)"unknown",
		/* With a terminal somebody may have to type a password first. */
		.first_timeout = t->batch ? 2 * t->connect_timeout + 60 : 600,
	};

	boot_spec_pack(&s, out);
}
