/* The configuration: grammar, every type of value, errors with their places, --set, show-config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "conf/change.h"
#include "conf/ini.h"
#include "conf/origins.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct conf *load_sets(const char *text, const char *const *sets, size_t n, struct conf_errors *errors)
{
	*errors = (struct conf_errors){0};
	return conf_load_text(text, strlen(text), "t.conf", sets, n, errors);
}

static struct conf *good(const char *text)
{
	struct conf_errors errors;
	struct conf *c = load_sets(text, NULL, 0, &errors);

	if (!c)
		fail_msg("%s", buf_cstr(&errors.text));
	assert_int_equal(errors.count, 0);
	conf_errors_release(&errors);
	return c;
}

/* The errors of text are exactly these lines. */
static void bad(const char *text, const char *expected)
{
	struct conf_errors errors;
	struct conf *c = load_sets(text, NULL, 0, &errors);

	assert_null(c);
	assert_string_equal(buf_cstr(&errors.text), expected);
	conf_errors_release(&errors);
}

static void bad_value(const char *section, const char *assignment)
{
	AUTO_FREE char *text = xasprintf("[%s]\n%s\n", section, assignment);
	struct conf_errors errors;
	struct conf *c = load_sets(text, NULL, 0, &errors);

	if (c)
		fail_msg("'%s' is taken", assignment);
	assert_int_equal(errors.count, 1);
	if (strncmp(buf_cstr(&errors.text), "t.conf:2: bad value for '", 25) != 0)
		fail_msg("'%s': %s", assignment, buf_cstr(&errors.text));
	conf_errors_release(&errors);
}

static void good_value(const char *section, const char *assignment)
{
	AUTO_FREE char *text = xasprintf("[%s]\n%s\n", section, assignment);

	conf_free(good(text));
}

static void defaults(void **state)
{
	struct conf *c = good("");

	assert_null(c->job.name);
	assert_null(c->target.address);
	assert_null(c->target.helper);
	assert_int_equal(c->target.port, 0);
	assert_int_equal(c->target.host_key, CONF_HOST_KEY_DEFAULT);
	assert_int_equal(c->target.transport, CONF_TRANSPORT_AUTO);
	assert_int_equal(c->target.connect_timeout, 30);
	assert_string_equal(c->source.root, "/");
	assert_int_equal(c->source.filesystems.len, 1);
	assert_string_equal(c->source.filesystems.items[0].value, "local");
	assert_int_equal(c->rules.delete_when, CONF_DELETE_DURING);
	assert_false(c->rules.delete_set);
	assert_int_equal(c->rules.max_delete, -1);
	assert_int_equal(c->rules.filters.len, 0);
	assert_int_equal(c->transfer.processes, 0);
	assert_int_equal(c->transfer.compression, CONF_COMPRESSION_AUTO);
	assert_int_equal(c->transfer.window_count, 0);
	assert_true(c->transfer.delta && c->transfer.ids_numeric);
	assert_int_equal(c->retry.interval, 1800);
	assert_int_equal(c->retry.step, 10);
	assert_int_equal(c->retry.max_retries, 10);
	assert_int_equal(c->verify.mode, CONF_VERIFY_QUICK);
	assert_true(c->verify.metadata);
	assert_int_equal(c->log.level, CONF_LOG_INFO);
	assert_false(c->log.syslog || c->target.sudo);
	conf_free(c);
}

static void values(void **state)
{
	struct conf *c = good(
		"[target]\naddress=u@h\nroot = /mnt//new/\nport=22\nhost_key = accept-new\ntransport=ssh\nsudo=yes\n"
		"helper=/opt/r\nconnect_timeout=2m\nidentity=~/a , /b/./c\n"
		"[source]\nroot=/srv/.\nfilesystems = xfs\nmap = /a=/, /b/ = x//y/\nhidden = copy\npage_cache=use\n"
		"[rules]\ndelete=no\nmax_delete=0\n"
		"[transfer]\nprocesses=16\nsync_processes=1\ncompression=zstd:19\nupdate=inplace\ndelta=off\nids="
		"numeric\n"
		"[retry]\ninterval=5m\nstep=0\nmax_retries=0\n[verify]\nmode=off\nmetadata=no\n[log]\nlevel=debug\n"
		"[target]\nuser = me\n");

	assert_string_equal(c->target.root, "/mnt/new");
	assert_int_equal(c->target.port, 22);
	assert_int_equal(c->target.host_key, CONF_HOST_KEY_ACCEPT_NEW);
	assert_int_equal(c->target.transport, CONF_TRANSPORT_SSH);
	assert_true(c->target.sudo);
	assert_string_equal(c->target.helper, "/opt/r");
	assert_int_equal(c->target.connect_timeout, 120);
	assert_string_equal(c->target.identity.items[0].value, "~/a");
	assert_string_equal(c->target.identity.items[1].value, "/b/c");
	assert_string_equal(c->target.user, "me");
	assert_string_equal(c->source.root, "/srv");
	assert_int_equal(c->source.filesystems.len, 1);
	assert_int_equal(c->source.map_count, 2);
	assert_string_equal(c->source.maps[0].target, "");
	assert_string_equal(c->source.maps[1].mount, "/b");
	assert_string_equal(c->source.maps[1].target, "x/y");
	assert_true(c->source.copy_hidden);
	assert_int_equal(c->source.page_cache, CONF_PAGE_CACHE_USE);
	assert_int_equal(c->rules.delete_when, CONF_DELETE_NO);
	assert_true(c->rules.delete_set);
	assert_int_equal(c->rules.max_delete, 0);
	assert_int_equal(c->transfer.processes, 16);
	assert_int_equal(c->transfer.compression, CONF_COMPRESSION_ZSTD);
	assert_int_equal(c->transfer.zstd_level, 19);
	assert_int_equal(c->transfer.update, CONF_UPDATE_INPLACE);
	assert_false(c->transfer.delta);
	assert_int_equal(c->retry.interval, 300);
	assert_int_equal(c->retry.step, 0);
	assert_int_equal(c->verify.mode, CONF_VERIFY_OFF);
	assert_false(c->verify.metadata);
	assert_int_equal(c->log.level, CONF_LOG_DEBUG);
	conf_free(c);
}

static void bounds(void **state)
{
	static const char *const cases[][2] = {
		{"job", "name = .x"},
		{"job", "name = a/b"},
		{"job", "name = a b"},
		{"job", "name ="},
		{"job", "name = 12345678901234567890123456789012345678901234567890123456789012345"},
		{"target", "address = host:dir"},
		{"target", "address = host:"},
		{"target", "address = host:0"},
		{"target", "address = host:65536"},
		{"target", "address = [::1]22"},
		{"target", "address = [::1"},
		{"target", "address = ::1"},
		{"target", "address = :22"},
		{"target", "address = -oProxyCommand=x"},
		{"target", "address = u@"},
		{"target", "address = @h"},
		{"target", "address = a b"},
		{"target", "address = h;reboot"},
		{"target", "address = local:/x"},
		{"target", "address = [x]"},
		{"target", "root = mnt"},
		{"target", "root = /a/../b"},
		{"target", "port = 0"},
		{"target", "port = 65536"},
		{"target", "port = 22x"},
		{"target", "port = -1"},
		{"target", "user = -x"},
		{"target", "identity = id_rsa"},
		{"target", "host_key = no"},
		{"target", "transport = SSH"},
		{"target", "sudo = true"},
		{"target", "proxy = host"},
		{"target", "proxy = https://h:1"},
		{"target", "proxy = h:0"},
		{"target", "proxy = :80"},
		{"target", "helper = receiver"},
		{"target", "connect_timeout = 0"},
		{"target", "connect_timeout = 2h"},
		{"source", "root = ."},
		{"source", "filesystems = ext4 xfs"},
		{"source", "mounts = home"},
		{"source", "map = /a"},
		{"source", "map = a=b"},
		{"source", "map = /a=../b"},
		{"source", "map = /a=b, /a=c"},
		{"source", "map = /a=b, /c=/b/"},
		{"source", "page_cache = drop"},
		{"rules", "exclude = tmp"},
		{"rules", "exclude = *.o"},
		{"rules", "sync_only = /a/../b"},
		{"rules", "exclude = ,"},
		{"rules", "delete = yes"},
		{"rules", "max_delete = -1"},
		{"rules", "max_delete = 9223372036854775808"},
		{"transfer", "processes = 0"},
		{"transfer", "processes = 17"},
		{"transfer", "sync_processes = many"},
		{"transfer", "compression = gzip"},
		{"transfer", "compression = zstd:"},
		{"transfer", "compression = zstd:0"},
		{"transfer", "compression = zstd:20"},
		{"transfer", "bandwidth = 100"},
		{"transfer", "bandwidth = fast"},
		{"transfer", "bandwidth = 24:00,1M"},
		{"transfer", "bandwidth = 8:00,1M"},
		{"transfer", "bandwidth = 08:60,1M"},
		{"transfer", "bandwidth = 08:00,1M 08:00,2M"},
		{"transfer", "bandwidth = 08:00,1M, 09:00,2M"},
		{"transfer", "bandwidth = ,"},
		{"transfer", "bandwidth = Mo-08:00,1M"},
		{"transfer", "bandwidth = mon-08:00,1M 08:00,2M"},
		{"limits", "cpu = 0"},
		{"limits", "cpu = 101%"},
		{"limits", "cpu = 5%%"},
		{"limits", "cpu = %"},
		{"limits", "memory = 63M"},
		{"limits", "memory = much"},
		{"limits", "io_read = 1K"},
		{"limits", "pressure = io"},
		{"limits", "pressure = io:10% io:20%"},
		{"limits", "pressure = disk:5%"},
		{"limits", "pressure = io:0"},
		{"limits", "backend = cgroup3"},
		{"limits", "enforce = yes"},
		{"transfer", "update = always"},
		{"transfer", "delta = on"},
		{"transfer", "ids = name"},
		{"retry", "interval = 0s"},
		{"retry", "interval = soon"},
		{"retry", "interval = 8d"},
		{"retry", "max_retries = 10001"},
		{"verify", "mode = md5"},
		{"verify", "paths = etc"},
		{"log", "level = trace"},
		{"log", "file = log"},
		{"metrics", "textfile = /dev/null"},
		{"metrics", "textfile = x.prom"},
		{"metrics", "textfile = /x.prom.d"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		bad_value(cases[i][0], cases[i][1]);
	good_value("job", "name = A-z_0.9");
	good_value("target", "address = local:");
	good_value("target", "address = u@[fe80::1%eth0]");
	good_value("target", "address = u.v+w@web-1.example.net");
	good_value("target", "address = [::1]:22");
	good_value("target", "address = u@h:65535");
	good_value("target", "user = DOM\\me");
	good_value("target", "port = 65535");
	good_value("target", "proxy = http://[::1]:3128/");
	good_value("target", "helper = auto");
	good_value("rules", "max_delete = 9223372036854775807");
	good_value("transfer", "bandwidth = 0");
	good_value("transfer", "bandwidth = 1K");
	good_value("limits", "cpu = 25%");
	good_value("limits", "target_cpu = 100");
	good_value("limits", "memory = 64M");
	good_value("limits", "io_write = off");
	good_value("limits", "pressure = io:10% cpu:20% memory:5%");
	good_value("limits", "pressure = io:1%,cpu:100");
	good_value("limits", "backend = systemd");
	good_value("limits", "enforce = require");
	good_value("hooks", "on_failure = logger \"$REHOST_SUMMARY\"");
	good_value("metrics", "textfile = /var/lib/x/rehost.prom");
	good_value("metrics", "textfile =");
	good_value("log", "json_file =");
	good_value("hooks", "on_start =");
	good_value("transfer", "processes = auto");
	good_value("source", "filesystems = fuse.glusterfs");
}

static void grammar(void **state)
{
	AUTO_BUF text = BUF_INIT;
	struct conf *c =
		good("\xef\xbb\xbf# first\r\n  ; indented\r\n\r\n [ rules ] \r\n"
		     "exclude = /a b , /c\\,d,, /e\\\\,f ,\r\nexclude=/#g;h\n\texclude\t=\t/i = j\t\n[job]\nname=x");

	assert_int_equal(c->rules.exclude.len, 5);
	assert_string_equal(c->rules.exclude.items[0].value, "/a b");
	assert_string_equal(c->rules.exclude.items[1].value, "/c,d");
	assert_string_equal(c->rules.exclude.items[2].value, "/e\\,f");
	assert_string_equal(c->rules.exclude.items[3].value, "/#g;h");
	assert_int_equal(c->rules.exclude.items[3].line, 6);
	assert_string_equal(c->rules.exclude.items[4].value, "/i = j");
	assert_string_equal(c->job.name, "x");
	conf_free(c);

	/* A line as long as one likes. */
	buf_append_str(&text, "[rules]\nexclude = ");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "/directory%d/file%d,", i, i);
	c = good(buf_cstr(&text));
	assert_int_equal(c->rules.exclude.len, 10000);
	conf_free(c);
}

static void errors_name_their_place(void **state)
{
	static const char nul[] = "[job]\nname = a\0b\n";
	struct conf_errors errors = {0};
	AUTO_DIAG d = DIAG_INIT;

	bad("name = x\n[job\n[job] x\n[]\nname\n= x\n",
		"t.conf:1: 'name' stands before any [section]\n"
		"t.conf:2: the section's name has no ']'\n"
		"t.conf:3: text after the section's ']'\n"
		"t.conf:4: the section has no name\n"
		"t.conf:5: neither '[section]' nor 'key = value'\n"
		"t.conf:6: no key before '='\n");
	bad("[rules]\nexlude = /x\n[rule]\nanything = 1\n[job]\nexclude = /x\nzzzzzzzz = 1\n[zzzzzzz]\n",
		"t.conf:2: unknown key 'exlude' in [rules], did you mean 'exclude'?\n"
		"t.conf:3: unknown section [rule], did you mean [rules]?\n"
		"t.conf:6: unknown key 'exclude' in [job], there is one in [rules]\n"
		"t.conf:7: unknown key 'zzzzzzzz' in [job]\n"
		"t.conf:8: unknown section [zzzzzzz]\n");
	bad("[job]\nname = a\n\n[job]\nname = b\n",
		"t.conf:5: 'name' in [job] is given again, the first is at t.conf:2\n");
	bad("[transfer]\nids = name\nprocesses = 99\n",
		"t.conf:2: bad value for 'ids' in [transfer]: 'name' is not one of numeric\n"
		"t.conf:3: bad value for 'processes' in [transfer]: '99' is neither 'auto' nor a whole number from 1 "
		"to 16\n");
	bad("[rules]\nexclude = a, /b, c\n",
		"t.conf:2: bad value for 'exclude' in [rules]: 'a' is not an absolute path; 'c' is not an absolute "
		"path\n");
	bad("[job]\nn\x1b[2J\xff = x\n", "t.conf:2: unknown key 'n\\x1b[2J\\xff' in [job]\n");
	assert_null(conf_load_text(nul, sizeof(nul) - 1, "n.conf", NULL, 0, &errors));
	assert_string_equal(buf_cstr(&errors.text), "n.conf:2: the line holds a NUL byte\n");
	conf_errors_diag(&errors, &d);
	assert_int_equal(d.code, DIAG_CONF_INVALID);
	assert_int_equal(diag_info(d.code)->exit_class, EXIT_CONFIG_ERROR);
	assert_string_equal(d.detail, "1 error in the configuration");
	conf_errors_release(&errors);
}

static void sets_overlay_and_append(void **state)
{
	static const char *const sets[] = {"job.name=b", "job.name= c ", "rules.exclude=/x,/y",
		"source.filesystems=tmpfs", "source.mounts=", "transfer.bandwidth=08:00,1M 09:00,off",
		"source.skip_mounts=/s", "metrics.textfile=/a.prom", "metrics.textfile="};
	static const char *const wrong[] = {
		"job.name", "name=x", "jobs.name=x", "job.nam=x", "job.name=.x", "rules.exclude=/a\nb"};
	struct conf_errors errors;
	struct conf *c = load_sets(
		"[job]\nname = a\n[rules]\nexclude = /a\n[source]\nmounts = /m\n", sets, ARRAY_LEN(sets), &errors);

	assert_non_null(c);
	assert_string_equal(c->job.name, "c");
	assert_int_equal(c->rules.exclude.len, 3);
	assert_string_equal(c->rules.exclude.items[2].value, "/y");
	assert_string_equal(c->rules.exclude.items[2].file, "--set");
	assert_int_equal(c->rules.exclude.items[2].line, 0);
	assert_int_equal(c->source.filesystems.len, 2); /* tmpfs beside what is local */
	assert_int_equal(c->source.mounts.len, 0);
	assert_int_equal(c->source.skip_mounts.len, 1);
	assert_int_equal(c->transfer.window_count, 2 * 7);
	assert_null(c->metrics.textfile);
	conf_free(c);
	assert_null(load_sets("", wrong, ARRAY_LEN(wrong), &errors));
	assert_string_equal(buf_cstr(&errors.text),
		"--set job.name: not SECTION.KEY=VALUE\n"
		"--set name=x: not SECTION.KEY=VALUE\n"
		"--set jobs.name=x: unknown section [jobs], did you mean [job]?\n"
		"--set job.nam=x: unknown key 'nam' in [job], did you mean 'name'?\n"
		"--set job.name=.x: bad value for 'name' in [job]: '.x' begins with a dot\n"
		"--set rules.exclude=/a\\nb: a value holds no line break\n");
	conf_errors_release(&errors);
}

static void address_is_spread(void **state)
{
	static const struct {
		const char *text, *set, *address, *user;
		unsigned port;
	} cases[] = {
		{"address = u@h:2222", NULL, "h", "u", 2222},
		{"address = u@[::1]:99", NULL, "[::1]", "u", 99},
		{"address = dead:22", NULL, "dead", NULL, 22},
		{"address = [fe80::1%eth0]", NULL, "[fe80::1%eth0]", NULL, 0},
		{"port = 22\naddress = h:22", NULL, "h", NULL, 22},
		{"user = me\naddress = u@h", NULL, "h", "me", 0},
		{"address = h:22", "target.port=99", "h", NULL, 99},
		{"port = 22", "target.address=u@h:99", "h", "u", 99},
		{"port = 22\naddress = u@h", "target.address=local:", "local:", NULL, 22},
	};
	static const char *const both[] = {"target.port=1", "target.address=h:2"};
	struct conf_errors errors = {0};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *text = xasprintf("[target]\n%s\n", cases[i].text);
		struct conf *c = load_sets(text, &cases[i].set, cases[i].set ? 1 : 0, &errors);

		assert_non_null(c);
		assert_string_equal(c->target.address, cases[i].address);
		assert_int_equal(c->target.port, cases[i].port);
		assert_true(!c->target.user == !cases[i].user);
		if (c->target.user)
			assert_string_equal(c->target.user, cases[i].user);
		conf_free(c);
	}
	assert_null(load_sets("[target]\naddress = h:22\nport = 23\n", NULL, 0, &errors));
	assert_string_equal(
		buf_cstr(&errors.text), "t.conf:3: bad value for 'port' in [target]: 23, where 'address' says 22\n");
	conf_errors_release(&errors);
	assert_null(load_sets("", both, 2, &errors));
	assert_string_equal(
		buf_cstr(&errors.text), "--set: bad value for 'port' in [target]: 1, where 'address' says 2\n");
	conf_errors_release(&errors);
}

static void empty_value_empties_a_list(void **state)
{
	struct conf *c = good("[source]\nfilesystems =\n[rules]\nexclude=/a\nexclude =\nexclude=/b\n");
	AUTO_BUF b = BUF_INIT;

	assert_int_equal(c->source.filesystems.len, 0);
	assert_int_equal(c->rules.exclude.len, 1);
	assert_string_equal(c->rules.exclude.items[0].value, "/b");
	conf_print(c, &b);
	assert_non_null(strstr(buf_cstr(&b), "\nfilesystems =  # t.conf:2\n"));
	conf_free(c);
}

static void bandwidth_by_time_of_day(void **state)
{
	struct conf *c = good("[transfer]\nbandwidth = 19:00,off 08:00,20M\n");

	assert_int_equal(c->transfer.windows[0].minute, 480);
	assert_int_equal(conf_bandwidth_at(c, 0), 0);
	assert_int_equal(conf_bandwidth_at(c, 479), 0);
	assert_int_equal(conf_bandwidth_at(c, 480), 20 << 20);
	assert_int_equal(conf_bandwidth_at(c, 1139), 20 << 20);
	assert_int_equal(conf_bandwidth_at(c, 1140), 0);
	assert_int_equal(conf_bandwidth_at(c, 5 * 1440 + 480), 20 << 20);
	assert_int_equal(conf_bandwidth_at(c, CONF_WEEK_MINUTES - 1), 0);
	conf_free(c);
	c = good("[transfer]\nbandwidth = Mon-08:00,1M fri-18:30,off 12:00,3M\n");
	assert_int_equal(conf_bandwidth_at(c, 0), 3 << 20); /* Sunday: Saturday's noon holds */
	assert_int_equal(conf_bandwidth_at(c, 1440 + 479), 3 << 20);
	assert_int_equal(conf_bandwidth_at(c, 1440 + 480), 1 << 20);
	assert_int_equal(conf_bandwidth_at(c, 1440 + 720), 3 << 20);
	assert_int_equal(conf_bandwidth_at(c, 5 * 1440 + 18 * 60 + 30), 0);
	assert_int_equal(conf_bandwidth_at(c, 6 * 1440 + 719), 0);
	conf_free(c);
	c = good("[transfer]\nbandwidth = 12:00,1M\n");
	assert_int_equal(conf_bandwidth_at(c, 0), 1 << 20);
	conf_free(c);
	c = good("[transfer]\nbandwidth = 1.5M\n");
	assert_int_equal(conf_bandwidth_at(c, 77), 3 << 19);
	conf_free(c);
	c = good("[transfer]\nbandwidth = off\n");
	assert_int_equal(c->transfer.window_count, 0);
	conf_free(c);
}

static void show_config(void **state)
{
	static const char *const sets[] = {"rules.exclude=/x /", "log.json_file="};
	struct conf_errors errors;
	struct conf *c = load_sets("[job]\nname = a\n[rules]\nexclude = /a\\,b, /p/*\n", sets, 2, &errors);
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF again = BUF_INIT;

	assert_non_null(c);
	conf_print(c, &b);
	assert_non_null(strstr(buf_cstr(&b), "[job]\nname = a  # t.conf:2\n\n[target]\n#address =  # default\n"));
	assert_non_null(strstr(buf_cstr(&b),
		"[rules]\nexclude = /a\\,b  # t.conf:4\nexclude = /p/*  # t.conf:4\nexclude = /x /  # --set\n"
		"#copy_exclude =  # default\n"));
	assert_non_null(strstr(buf_cstr(&b), "\nfilesystems = local  # default\n"));
	assert_non_null(strstr(buf_cstr(&b), "\nconnect_timeout = 30s  # default\n"));
	assert_non_null(strstr(buf_cstr(&b), "\n#host_key = strict  # default\n"));
	assert_non_null(strstr(buf_cstr(&b), "\n#json_file =  # --set\n"));
	buf_clear(&b);
	conf_print_plain(c, &b);
	assert_null(strchr(buf_cstr(&b), '#'));
	conf_free(c);
	c = good(buf_cstr(&b));
	assert_string_equal(c->rules.exclude.items[2].value, "/x ");
	assert_int_equal(c->source.filesystems.len, 1);
	conf_free(c);
}

static void check_option(
	void *arg, const char *section, const char *key, const char *form, const char *default_value, const char *help)
{
	AUTO_FREE char *assignment = xasprintf("%s = %s", key, default_value);

	assert_true(*form && *help);
	if (*default_value)
		good_value(section, assignment);
	++*(int *)arg;
}

static void every_default_is_a_value(void **state)
{
	int n = 0;

	conf_each_option(check_option, &n);
	assert_true(n > 40);
}

static void setters(void **state)
{
	struct conf *c = good("");
	AUTO_FREE char *path = NULL;
	const char *why = NULL;

	conf_add_filter(c, "- x", "--filter");
	conf_add_pattern(c, "a b", false, "--exclude", 0);
	conf_add_pattern(c, "- a", true, "--include", 0);
	conf_add_pattern(c, "-a", true, "--include", 0);
	conf_add_pattern(c, "!", true, "f", 7);
	conf_add_pattern(c, "", true, "f", 8);
	assert_int_equal(c->rules.filters.len, 5);
	assert_string_equal(c->rules.filters.items[1].value, "- a b");
	assert_string_equal(c->rules.filters.items[2].value, "- a");
	assert_string_equal(c->rules.filters.items[3].value, "+ -a");
	assert_string_equal(c->rules.filters.items[4].value, "!");
	assert_int_equal(c->rules.filters.items[4].line, 7);
	conf_free(c);
	assert_true(conf_normalize_path("//a/./b//...//", &path, &why));
	assert_string_equal(path, "/a/b/...");
	free(STEAL(path));
	assert_true(conf_normalize_path("/./", &path, &why));
	assert_string_equal(path, "/");
	assert_false(conf_normalize_path("a", &path, &why));
	assert_false(conf_normalize_path("", &path, &why));
	assert_false(conf_normalize_path("/a/..", &path, &why));
}

/* ---- with files ---- */

static char tmp[] = "/tmp/test-conf-XXXXXX";
static char *work;

static void put_file(const char *name, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/%s", work, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void files_in_order(void **state)
{
	AUTO_FREE char *dir = xasprintf("%s/conf.d", work);
	struct conf_sources from = {.etc_dir = work};
	struct conf_errors errors = {0};
	struct conf *c = conf_load(&from, &errors);
	AUTO_FREE char *first = xasprintf("%s/rehost.conf", work);
	AUTO_FREE char *expected =
		xasprintf("%s/conf.d/b.conf:2: 'name' in [job] is given again, the first is at %s:2\n", work, first);

	/* None of the default files need be there. */
	assert_non_null(c);
	conf_free(c);
	assert_int_equal(mkdir(dir, 0700), 0);
	put_file("rehost.conf", "[job]\nname = main\n[rules]\nexclude = /1\n");
	put_file("conf.d/b.conf", "[rules]\nexclude = /4\n");
	put_file("conf.d/a.conf", "[rules]\nexclude = /3\n");
	put_file("conf.d/Z.conf", "[rules]\nexclude = /2\n");
	put_file("conf.d/.hidden.conf", "nonsense");
	put_file("conf.d/a.conf.bak", "nonsense");
	c = conf_load(&from, &errors);
	assert_non_null(c);
	assert_int_equal(c->rules.exclude.len, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(c->rules.exclude.items[i].value[1], '1' + i);
	conf_free(c);
	from.path = first;
	c = conf_load(&from, &errors);
	assert_non_null(c);
	assert_int_equal(c->rules.exclude.len, 1);
	conf_free(c);
	from.no_files = true;
	c = conf_load(&from, &errors);
	assert_non_null(c);
	assert_null(c->job.name);
	conf_free(c);
	put_file("conf.d/b.conf", "[job]\nname = other\n");
	from = (struct conf_sources){.etc_dir = work};
	assert_null(conf_load(&from, &errors));
	assert_string_equal(buf_cstr(&errors.text), expected);
	conf_errors_release(&errors);
}

static void files_that_cannot_be_read(void **state)
{
	struct conf_sources from = {.path = "/nonexistent/x.conf"};
	struct conf_errors errors = {0};

	assert_null(conf_load(&from, &errors));
	assert_string_equal(buf_cstr(&errors.text), "/nonexistent/x.conf: cannot open: No such file or directory\n");
	conf_errors_release(&errors);
	from.path = work;
	assert_null(conf_load(&from, &errors));
	assert_non_null(strstr(buf_cstr(&errors.text), ": cannot open: Is a directory\n"));
	conf_errors_release(&errors);
}

/* ---- what is installed beside the program ---- */

static char *read_source(const char *name)
{
	char *text;

	assert_int_equal(fd_read_file(AT_FDCWD, name, 1 << 20, &text, NULL), 0);
	return text;
}

struct papers {
	char *example, *manual;
};

static void check_papers(
	void *arg, const char *section, const char *key, const char *form, const char *default_value, const char *help)
{
	struct papers *p = arg;
	AUTO_FREE char *in_example = xasprintf("\n#%s = ", key);
	AUTO_FREE char *in_manual = xasprintf("\n.It Cm %s No = ", key);

	if (!strstr(p->example, in_example))
		fail_msg("etc/rehost.conf lacks '%s'", key);
	if (!strstr(p->manual, in_manual))
		fail_msg("rehost.conf(5) lacks '%s'", key);
}

static void example_and_manual_know_every_key(void **state)
{
	struct papers p = {read_source(SOURCE_DIR "/etc/rehost.conf"), read_source(SOURCE_DIR "/man/rehost.conf.5")};

	conf_each_option(check_papers, &p);
	conf_free(good(p.example));
	/* With the examples in force it is still good: they begin with a hash and no blank. */
	for (char *s = p.example; *s; s++)
		if (*s == '#' && s[1] >= 'a' && s[1] <= 'z' && s > p.example && s[-1] == '\n')
			*s = ' ';
	conf_free(good(p.example));
	free(p.example);
	free(p.manual);
}

static int setup(void **state)
{
	work = mkdtemp(tmp);
	return work ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	return remove(path);
}

static int teardown(void **state)
{
	return nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- what changes while a job runs ---- */

static void add_limit(void *arg, const char *name, const char *value)
{
	buf_printf(arg, "%s=%s ", name, value);
}

static void test_change_limits(void **state)
{
	const char *const names[] = {"cpu", "bandwidth", "memory"},
			  *const values[] = {" 20% ", "08:00,1M 19:00,off", "300M"};
	const char *const bad_names[] = {"cpu", "backend", "io_raed", "memory"};
	const char *const bad_values[] = {"30%", "none", "1M", "1\n2"};
	struct conf_errors errors = {0};
	static const char text[] = "[limits]\ncpu = 10%\nio_read = 5M\n";
	struct conf *c = conf_load_text(text, strlen(text), "f", NULL, 0, &errors), *new;
	AUTO_BUF why = BUF_INIT;
	AUTO_BUF shown = BUF_INIT;

	assert_non_null(c);
	assert_null(conf_change_limits(c, bad_names, bad_values, 4, &why));
	assert_string_equal(buf_cstr(&why),
		"'backend' is no limit that can be changed\n"
		"'io_raed' is no limit that can be changed, did you mean 'io_read'?\n"
		"bad value for 'memory': it holds a line break\n");
	assert_int_equal(c->limits.cpu, 10);
	new = conf_change_limits(c, names, values, 3, &why);
	assert_non_null(new);
	assert_int_equal(new->limits.cpu, 20);
	assert_int_equal(new->limits.io_read, 5 << 20);
	assert_int_equal(c->limits.cpu, 10);
	c->transfer.unlimited = true;
	conf_take_limits(c, new);
	conf_free(new);
	assert_int_equal(c->limits.cpu, 20);
	assert_int_equal(c->limits.memory, 300 << 20);
	assert_int_equal(
		conf_bandwidth_at(c, 9 * 60), 1 << 20); /* a new limit is in force, though the old one was off */
	conf_each_limit(c, add_limit, &shown);
	assert_string_equal(buf_cstr(&shown),
		"bandwidth=08:00,1M 19:00,off cpu=20% memory=300M io_read=5M io_write=off "
		"target_cpu=off target_io=off pressure=off ");
	conf_free(c);
	conf_errors_release(&errors);
}

static void test_take_reloaded(void **state)
{
	static const char before[] = "[target]\naddress = a\nroot = /x\n[limits]\ncpu = 10%\n[log]\nlevel = debug\n";
	static const char after[] =
		"[target]\naddress = a\nroot = /y\n[rules]\nexclude = /a\n[retry]\nmax_retries = 3\n"
		"[limits]\nio_read = 1M\n";
	struct conf_errors errors = {0};
	struct conf *c = conf_load_text(before, strlen(before), "f", NULL, 0, &errors);
	struct conf *new = conf_load_text(after, strlen(after), "f", NULL, 0, &errors);
	AUTO_BUF changed = BUF_INIT;
	AUTO_BUF kept = BUF_INIT;
	AUTO_BUF none = BUF_INIT;

	c->transfer.unlimited = true;
	conf_take_reloaded(c, new, &changed, &kept);
	assert_string_equal(
		buf_cstr(&changed), "limits.cpu = off\nlimits.io_read = 1M\nretry.max_retries = 3\nlog.level = info\n");
	assert_string_equal(buf_cstr(&kept), "target.root\nrules.exclude\n");
	assert_int_equal(c->limits.cpu, 0);
	assert_int_equal(c->limits.io_read, 1 << 20);
	assert_int_equal(c->retry.max_retries, 3);
	assert_int_equal(c->log.level, CONF_LOG_INFO);
	assert_string_equal(c->target.root, "/x");
	assert_true(c->transfer.unlimited); /* its limit is the same */
	conf_take_reloaded(c, new, &none, &none);
	assert_string_equal(buf_cstr(&none), "target.root\nrules.exclude\n");
	conf_free(c);
	conf_free(new);
	conf_errors_release(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(bounds),
		cmocka_unit_test(grammar),
		cmocka_unit_test(errors_name_their_place),
		cmocka_unit_test(sets_overlay_and_append),
		cmocka_unit_test(address_is_spread),
		cmocka_unit_test(empty_value_empties_a_list),
		cmocka_unit_test(bandwidth_by_time_of_day),
		cmocka_unit_test(show_config),
		cmocka_unit_test(every_default_is_a_value),
		cmocka_unit_test(setters),
		cmocka_unit_test(files_in_order),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(example_and_manual_know_every_key),
		cmocka_unit_test(test_change_limits),
		cmocka_unit_test(test_take_reloaded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
