/* Everything transport reads that it did not write: the first byte says which parser gets the rest. */
#include "transport/address.h"
#include "transport/keyfile.h"
#include "transport/knownhosts.h"
#include "transport/net.h"
#include "transport/script.h"

static void settings(const char *p, size_t n)
{
	struct ssh_settings s;

	ssh_settings_parse(&s, p, n);
	if (s.hostname && s.user && s.proxy_command)
		free(ssh_settings_expand(&s, "host", s.proxy_command, false));
	for (size_t i = 0; s.hostname && s.user && i < s.identities.n; i++)
		free(ssh_settings_expand(&s, "host", s.identities.v[i], true));
	ssh_settings_release(&s);
}

static void known_hosts(const char *p, size_t n)
{
	const char *unread;
	struct known k;
	const char *file;
	unsigned line;

	(void)known_load(&k, NULL, "host.example", 2222, NULL, &unread);
	known_scan(&k, "file", p, n);
	known_check(&k, "ssh-ed25519", "blob", 4, &file, &line);
	known_release(&k);
}

static void boot_lines(const char *p, size_t n)
{
	struct boot_spec s = {.kind = n & 1 ? TRANSPORT_SSH : TRANSPORT_LOCAL};
	AUTO_DIAG d = DIAG_INIT;
	char text[256];

	switch (boot_line_parse(&s, p, n, text, &d)) {
	case BOOT_FAILED:
		if (!diag_is_set(&d))
			abort();
		break;
	case BOOT_NEED:
		if (text[0] != '/' || s.kind == TRANSPORT_LOCAL)
			abort();
		break;
	default:
		break;
	}
}

static void words(const char *p, size_t n)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_STRV list = {};

	if (words_classify(p, n, "host", &d) != diag_is_set(&d))
		abort();
	free(noise_excerpt(p, n));
	strv_split(&list, p, n);
}

static void reports(const char *p, size_t n)
{
	struct link_verdict v;
	struct link_spec s;
	struct boot_spec b;

	link_report_parse(p, n, &v);
	link_verdict_release(&v);
	if (link_spec_unpack(&s, p, n))
		link_spec_release(&s);
	if (boot_spec_unpack(&b, p, n))
		boot_spec_release(&b);
}

static void addresses(const char *p, size_t n)
{
	AUTO_FREE char *text = xmemdup(p, n);
	struct address a;
	char *host = NULL;
	unsigned port;

	if (address_parse(text, &a)) {
		if (!a.local && (!a.host || *a.host == '-' || (a.user && *a.user == '-')))
			abort();
		address_release(&a);
	}
	if (net_proxy_parse(text, &host, &port) && (!host || !port))
		abort();
	free(host);
	net_http_status(p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *, size_t) = {
		settings, known_hosts, boot_lines, words, reports, addresses};
	AUTO_FREE char *exact = NULL;

	if (size < 1)
		return 0;
	/* A copy of exactly this size, so that reading beyond it is seen. */
	exact = malloc(size);
	if (!exact)
		return 0;
	memcpy(exact, data, size);
	if (data[0] % 7 == 6)
		key_classify(exact + 1, size - 1);
	else
		parsers[data[0] % 7](exact + 1, size - 1);
	return 0;
}
