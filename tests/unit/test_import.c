/* import: what becomes of each format; the examples are those of its formats' documentation. */
#include "conf/conf.h"
#include "import/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define FILES 3

static const struct example {
	struct {
		const char *name, *text;
	} files[FILES];
	/* Lines that are there, and texts that are not. NULL ends each. */
	const char *has[8], *lacks[6];
} examples[] = {
	{{{"g-property.cfg",
		 "[a]\ntar.exclude.dir = /proc/*,/srv/old/*\nrsync.exclude.dir = /proc/*,/etc/*,/srv/tmp\n"}},
		{"copy_exclude = /srv/old/*", "sync_exclude = /srv/tmp"}, {"/etc", "/proc"}},
	{{{"x/g-property.cfg",
		 "\xef\xbb\xbftar.exclude.dir: /both,\r\n  /with "
		 "b/,/x\\,y\r\nrsync.exclude.dir=/both,/a[b]\r\ndebug=TRUE\r\n"}},
		{"exclude = /both", "copy_exclude = /with b", "level = debug",
			"# x/g-property.cfg:3: /a[b]: a pattern for one phase alone: 'filter_file' in [rules] is for "
			"both"},
		{"sync_exclude"}},
	{{{"g-property.cfg",
		 "auto_start_interval_seconds=900\nauto_start_each_addition_seconds=5\nauto_start_max_retry_times=3\n"
		 "linux.support.filesystem=ext4,xfs,nilfs2\nlinux.unsupport.filesystem=xfs\nservercheck=x\n"
		 "inode_used_limit=2000000\ndisableplatformservice = True\nmy_token = HUSH\ndebug=False\n"}},
		{"interval = 900s", "step = 5s", "max_retries = 3", "filesystems = ext4, nilfs2",
			"# g-property.cfg:9: my_token: not known: nothing of ours"},
		{"HUSH", "many-files", "disableplatform", "level", "ext2"}},
	{{{"disk.cfg", "[vol_disk_modify]\ndisk_name=/dev/vdc;/dev/vdd\nnew_disk_name=/dev/vdb;/dev/vdb\n"}},
		{"# disk.cfg:2: layout.disk: would be '/dev/vdc=/dev/vdb, /dev/vdd=/dev/vdb', which this version does "
		 "not take"},
		{NULL}},
	{{{"disk.cfg", "[vol_disk_modify]\ndisk_name=/dev/vdc;/dev/vdc\nnew_disk_name=/dev/vda;/dev/vdb\n"}},
		{"# disk.cfg:2: vol_disk_modify: volumes of '/dev/vdc' go to different disks: by hand"},
		{"layout.disk"}},
	{{{"auth.cfg",
		 "[proxy-config]\nenable = true\nproxy_addr = http://me:HUSH@192.0.2.8\nproxy_port = 3128\nproxy_user "
		 "= HUSH\n"
		 "use_password = True\naccess_id = HUSH\nsecret_key = HUSH\n"}},
		{"# auth.cfg:3: proxy_addr: theirs carries no data, ours would carry all of it and has no login: '# "
		 "proxy = "
		 "192.0.2.8:3128' in [target]"},
		{"HUSH", "me:"}},
	{{{"rsync_excludes_linux_disk1.txt", "/tmp/\n*.bak\n"},
		 {"user_config.json",
			 "{\"bandwidth_limit\": 4000, \"data_disks\": [{\"data_disk_index\": 1, \"data_disk_size\": "
			 "80, "
			 "\"src_path\": \"/data\"}]}"}},
		{"bandwidth = 4000K", "exclude = /data/tmp", "#filter_file = /data=FILE", "#     - *.bak"}, {"/=FILE"}},
	{{{"user_config.json",
		  "{\n\"bandwidth_limit\": \"0\",\n\"image_name\": \"my-host\", \"access_key\": "
		  "\"HUSH\",\n\"data_disks\": "
		  "[{\"src_path\": \"/mnt/disk1\"}]}"},
		 {"rsync_excludes_linux.txt", "/dev/*\n/mnt/*\nlost+found/*\n # x\n/a,b\n/end \n/sys/*\n"}},
		{"name = my-host", "#filter_file = /=FILE", "#     - /mnt/*", "#     - lost+found/*", "#     -  # x",
			"exclude = /a\\,b", "exclude = /end /"},
		{"HUSH", "bandwidth =", "/dev/*", "exclude = /mnt", "/sys"}},
	{{{"rsync_excludes_linux.txt", "+ /srv/keep\n- /srv/*\n/proc\n"}},
		{"#filter_file = /=FILE", "#     + /srv/keep", "#     - /srv/*", "#     - /proc"}, {"exclude = "}},
	{{{"client.json", "{\"Client\": {\"Rsync\": {\"BandwidthLimit\": \"2048\"}, \"SecretId\": \"HUSH\"}}"}},
		{"bandwidth = 2048K", "# client.json:1: SecretId: nothing of ours"}, {"HUSH", "mode ="}},
	{{{"client.json",
		 "{\"Client\": {\"Rsync\": {\"BandwidthLimit\": \"\", \"Checksum\": true},\n\"Extra\": "
		 "{\"IgnoreCheck\": true}}}"}},
		{"mode = crc64", "before_run = no"}, {"bandwidth ="}},
	{{{"r.json", "{\"replicatedDisks\": [{\"deviceName\": \"/dev/sda\"}], \"bandwidthThrottling\": 10}"}},
		{"bandwidth = 1250000"}, {NULL}},
	{{{"setup.sh",
		 "sudo ./aws-replication-installer-init --no-prompt --devices /dev/sda --aws-secret-access-key "
		 "HUSH\n"}},
		{"# setup.sh:1: --devices: list what is mounted from them in 'mounts' of [source]",
			"# setup.sh:1: --aws-secret-access-key: nothing of ours"},
		{"HUSH"}},
	{{{"crontab",
		 "MAILTO=x\n0 2 * * * root rsync -aAXHv --delete --exclude={/proc/*,/tmp/*,*.swp} / "
		 "root@192.0.2.7:/mnt/\n"}},
		{"address = root@192.0.2.7", "root = /mnt", "delete = during", "exclude = /tmp/*",
			"#filter_file = /=FILE", "#     - *.swp"},
		{"/proc", "source.root", "transfer.ids"}},
	{{{"run.sh",
		 "sshpass -p HUSH nice rsync -azWH \\\n  -e 'ssh -p 2222 -i /k -l me -o StrictHostKeyChecking=no' "
		 "--bwlimit 1.5m \\\n"
		 " --delete-after --max-delete=7 --exclude=/srv/x --exclude '*.o' --password-file=HUSH /srv h:/mnt "
		 ">/dev/null\n"}},
		{"port = 2222", "identity = /k", "user = me", "host_key = accept-new", "bandwidth = 1.5M",
			"delete = after", "exclude = /srv/x", "root = /mnt/srv"},
		{"HUSH"}},
	{{{"run.sh", "rsync -a --include='*.c' --exclude='*' --bwlimit=2MB --link-dest=/y /srv/ /mnt # never\n"}},
		{"#filter_file = /srv=FILE", "#     + *.c", "#     - *", "address = local:", "root = /srv",
			"delete = no", "bandwidth = 2000000",
			"# run.sh:1: --link-dest: not of ours: the result may differ"},
		{"exclude = ", "never"}},
};

static struct conf *load(const char *text)
{
	AUTO_FREE char *file = xstrdup("/tmp/test-import-XXXXXX");
	int fd = mkstemp(file);
	struct conf_sources from = {.path = file};
	struct conf_errors errors = {0};
	FILE *f = fdopen(fd, "w");
	struct conf *c;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	c = conf_load(&from, &errors);
	if (!c)
		print_message("%s\n%s\n", text, buf_cstr(&errors.text));
	remove(file);
	conf_errors_release(&errors);
	return c;
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = strstr(text, line); p; p = strstr(p + 1, line))
		if ((p == text || p[-1] == '\n') && p[n] == '\n')
			return true;
	return false;
}

static void examples_come_out_as_they_should(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		const struct example *e = &examples[i];
		struct import_file files[FILES];
		AUTO_BUF out = BUF_INIT;
		AUTO_DIAG d = DIAG_INIT;
		struct conf *c;
		size_t n = 0;

		for (; n < FILES && e->files[n].name; n++)
			files[n] = (struct import_file){
				e->files[n].name, (char *)e->files[n].text, strlen(e->files[n].text)};
		if (!import_files(files, n, &out, &d))
			fail_msg("%zu: %s", i, d.detail);
		for (size_t k = 0; k < ARRAY_LEN(e->has) && e->has[k]; k++)
			if (!has_line(buf_cstr(&out), e->has[k]))
				fail_msg("%zu: no line '%s' in\n%s", i, e->has[k], buf_cstr(&out));
		for (size_t k = 0; k < ARRAY_LEN(e->lacks) && e->lacks[k]; k++)
			if (strstr(buf_cstr(&out), e->lacks[k]))
				fail_msg("%zu: '%s' is in\n%s", i, e->lacks[k], buf_cstr(&out));
		c = load(buf_cstr(&out));
		assert_non_null(c);
		conf_free(c);
	}
}

static void what_is_none_of_them_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
		enum diag_code code;
	} bad[] = {
		{"hosts", "127.0.0.1 localhost\n", DIAG_IMPORT_UNKNOWN},
		{"user_config.json", "{", DIAG_IMPORT_MALFORMED},
		{"client.json", "[1]", DIAG_IMPORT_MALFORMED},
		{"user.json", "{\"a\": 1}", DIAG_IMPORT_MALFORMED},
		{"rsync_excludes_linux_disk1.txt", "/tmp\n", DIAG_IMPORT_MALFORMED},
		{"disk.cfg", "[vol_disk_modify]\ndisk_name=a;b\nnew_disk_name=c\n", DIAG_IMPORT_MALFORMED},
		{"run.sh", "rsync -a $SRC/ /mnt\n", DIAG_IMPORT_MALFORMED},
		{"run.sh", "rsync -a '/srv /mnt\n", DIAG_IMPORT_MALFORMED},
		{"run.sh", "# rsync alone\n", DIAG_IMPORT_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct import_file f = {bad[i].name, (char *)bad[i].text, strlen(bad[i].text)};
		AUTO_BUF out = BUF_INIT;
		AUTO_DIAG d = DIAG_INIT;

		assert_false(import_files(&f, 1, &out, &d));
		assert_int_equal(d.code, bad[i].code);
		assert_int_equal(out.len, 0);
	}
	struct import_file nul = {"disk.cfg", (char *)"a\0b", 3};
	AUTO_BUF out = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;
	assert_false(import_files(&nul, 1, &out, &d));
	assert_int_equal(d.code, DIAG_IMPORT_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_come_out_as_they_should),
		cmocka_unit_test(what_is_none_of_them_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
