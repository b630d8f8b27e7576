/* Whole commands against a scripted engine: which jobs they make, in which order, and what they exit with. */
#include "cli/commands.h"
#include "cli/fitness.h"
#include "base/fd.h"
#include "base/text.h"
#include "job/control.h"
#include "job/lock.h"
#include "job/runs.h"
#include "job/status.h"
#include "engine/engine.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the engine ---- */

static struct {
	int exit_codes[3]; /* of copy, sync, verify */
	bool copied;
	int signal;
	const char *job_document; /* what the check judges; NULL: nothing to find */
} script;

/* Each job leaves a line on descriptor 3: the test reads what the command has made of its options. */
static void describe(const struct job *j)
{
	const struct conf *c = j->conf;

	dprintf(3,
		"%s name=%s address=%s user=%s port=%u root=%s source=%s adhoc=%d dry=%d checksum=%d x=%d "
		"adopt=%d "
		"retry=%d first=%d items=%d delete=%d mode=%d recheck=%d processes=%u",
		job_kind_name(j->kind), j->name, c->target.address, c->target.user ? c->target.user : "-",
		c->target.port, c->target.root, c->source.root, j->adhoc, j->dry_run, j->checksum, j->one_file_system,
		j->adopt, j->retry, j->first_connection_retries, j->want_items, c->rules.delete_when, j->verify_mode,
		j->recheck, c->transfer.processes);
	for (size_t i = 0; i < c->rules.filters.len; i++)
		dprintf(3, " filter=[%s]", c->rules.filters.items[i].value);
	for (size_t i = 0; i < j->path_count; i++)
		dprintf(3, " path=%s", j->paths[i]);
	dprintf(3, "\n");
}

void engine_run(const struct job *job, const struct observer *observer, struct summary *out)
{
	describe(job);
	*out = (struct summary){
		.exit_code = script.exit_codes[job->kind], .counts.files_examined = 1, .signal = script.signal};
	if (out->exit_code == EXIT_UNREACHABLE)
		diag_set(&out->fatal, DIAG_INTERNAL, 0, NULL, "out of reach");
}

void engine_role_main(int argc, char **argv)
{
	abort();
}

bool job_copy_completed(const struct job *job)
{
	return script.copied;
}

bool job_state_read(const char *state_dir, const char *run_dir, const char *name, struct job_state *out, pid_t *out_pid,
	struct diag *d)
{
	*out = (struct job_state){0};
	*out_pid = 0;
	return true;
}

void job_state_release(struct job_state *s)
{
}

/* ---- the check: of documents that are given ---- */

bool fitness_check(struct work *w, const struct fitness_options *o, struct fitness *f, struct diag *d)
{
	struct preflight_subject s = {0};
	struct preflight_options po;

	*f = (struct fitness){.source = cJSON_CreateObject(), .target = cJSON_CreateObject()};
	f->job = cJSON_Parse(script.job_document ? script.job_document : "{}");
	s = (struct preflight_subject){.source = f->source, .target = f->target, .job = f->job};
	preflight_options_init(&po);
	preflight_judge(&s, &po, &f->found);
	return true;
}

cJSON *fitness_job(const struct work *w, struct diag *d)
{
	return cJSON_Parse(script.job_document ? script.job_document : "{}");
}

void fitness_release(struct fitness *f)
{
	preflight_release(&f->found);
	cJSON_Delete(f->source);
	cJSON_Delete(f->target);
	cJSON_Delete(f->job);
}

/* ---- a running job: nobody ---- */

struct cJSON *control_request(const char *command)
{
	return cJSON_CreateObject();
}

struct cJSON *control_ask(const char *run_dir, const char *name, struct cJSON *request, int *out_fd, struct diag *d)
{
	cJSON_Delete(request);
	diag_set(d, DIAG_JOB_NOT_RUNNING, 0, NULL, "job '%s' is not running", name);
	return NULL;
}

bool control_await_end(int fd, unsigned timeout_s)
{
	return true;
}

bool control_end_by_signal(const char *run_dir, const char *name, unsigned timeout_s)
{
	return false;
}

void control_list(const char *run_dir, struct buf *out)
{
	buf_append_str(out, "other");
}

/* ---- one command in a process of its own ---- */

struct outcome {
	int code;
	char *out, *err, *jobs;
};

static char dir[] = "/tmp/rehost-commands-XXXXXX";

static char *slurp(const char *name)
{
	char *text;
	size_t len;

	assert_int_equal(fd_read_file(AT_FDCWD, name, 1 << 20, &text, &len), 0);
	return text;
}

static void redirect(int to, const char *name)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (fd < 0 || dup2(fd, to) < 0)
		abort();
	if (fd != to)
		close(fd);
}

static void run(struct outcome *r, char **argv)
{
	int argc = 0, status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		while (argv[argc])
			argc++;
		redirect(3, "jobs");
		redirect(STDOUT_FILENO, "out");
		redirect(STDERR_FILENO, "err");
		status = cli_main(argc, argv);
		fflush(NULL);
		exit(status); /* not _exit(): leaks are looked for */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	r->code = WEXITSTATUS(status);
	r->out = slurp("out");
	r->err = slurp("err");
	r->jobs = slurp("jobs");
}

static void release(struct outcome *r)
{
	free(r->out);
	free(r->err);
	free(r->jobs);
}

#define RUN(r, ...) run(r, (char *[]){(char *)"rehost", __VA_ARGS__, NULL})
#define CONFIGURED "--set", "target.address=new", "--set", "target.root=/"

static void has(const char *text, const char *word)
{
	if (!strstr(text, word))
		fail_msg("'%s' lacks '%s'", text, word);
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_adhoc(void **state)
{
	struct outcome r;

	RUN(&r, "sync", "./src/", "me@[::1]:22:data", "--exclude=a", "--filter", "P b", "--include", "c",
		"--exclude-from=patterns", "-x", "-c");
	assert_int_equal(r.code, 0);
	has(r.jobs, "sync name=adhoc-");
	has(r.jobs, "address=[::1] user=me port=22 root=data");
	has(r.jobs, "/src adhoc=1 dry=0 checksum=1 x=1");
	has(r.jobs, "retry=0 first=0");
	has(r.jobs, "filter=[- a] filter=[P b] filter=[+ c] filter=[- d]");
	release(&r);
}

/* One pair of directories has one name, however it is spelt; another has another. */
static void test_name(void **state)
{
	char names[4][64];
	static const char *const spellings[][2] = {
		{"src", "local:dst"}, {"./src/", "local:./dst/"}, {"dst", "local:src"}, {"src", "host:dst"}};
	struct outcome r;

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		RUN(&r, "sync", (char *)spellings[i][0], (char *)spellings[i][1]);
		assert_int_equal(sscanf(r.jobs, "sync name=%63s", names[i]), 1);
		assert_int_equal(strlen(names[i]), strlen("adhoc-0123456789abcdef"));
		release(&r);
	}
	assert_string_equal(names[0], names[1]);
	assert_string_not_equal(names[0], names[2]);
	assert_string_not_equal(names[0], names[3]);
	RUN(&r, "--set", "job.name=mine", "sync", "src", "host:dst");
	has(r.jobs, "name=mine ");
	release(&r);
}

/* Deletion with SRC DST only when it is asked for; a configured job as its rules say. */
static void test_delete(void **state)
{
	AUTO_FREE char *no = xasprintf("delete=%d ", CONF_DELETE_NO);
	AUTO_FREE char *during = xasprintf("delete=%d ", CONF_DELETE_DURING);
	AUTO_FREE char *after = xasprintf("delete=%d ", CONF_DELETE_AFTER);
	struct outcome r;

	RUN(&r, "sync", "src", "host:dst");
	has(r.jobs, no);
	release(&r);
	RUN(&r, "--set", "rules.delete=during", "sync", "src", "host:dst");
	has(r.jobs, no);
	release(&r);
	RUN(&r, "sync", "--delete", "src", "host:dst");
	has(r.jobs, during);
	release(&r);
	RUN(&r, "--set", "rules.delete=after", "sync", "--delete", "src", "host:dst");
	has(r.jobs, after);
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "sync");
	has(r.jobs, during);
	release(&r);
}

static void test_usage(void **state)
{
	struct outcome r;

	RUN(&r, "sync", "src");
	assert_int_equal(r.code, 64);
	has(r.err, "rehost: error: [RH1105]");
	has(r.err, "rehost: hint: ");
	release(&r);
	RUN(&r, "sync", "missing", "host:dst");
	assert_int_equal(r.code, 64);
	has(r.err, "'missing' as source: No such file");
	release(&r);
	RUN(&r, "sync", "patterns", "host:dst");
	assert_int_equal(r.code, 64);
	release(&r);
	RUN(&r, "sync", "src", "dst");
	assert_int_equal(r.code, 64);
	has(r.err, "local:dst");
	release(&r);
	RUN(&r, "-c", "file", "sync", "src", "host:dst");
	assert_int_equal(r.code, 64);
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "sync", "--delete");
	assert_int_equal(r.code, 64);
	has(r.err, "'--delete' needs SRC and DST");
	release(&r);
	RUN(&r, "run", "src", "host:dst");
	assert_int_equal(r.code, 64);
	release(&r);
	RUN(&r, "--json", "sync", "src");
	assert_int_equal(r.code, 64);
	has(r.out, "{\"message_type\":\"exit_error\",\"command\":\"sync\",\"exit_code\":64,");
	assert_int_equal(lines(r.out), 1);
	release(&r);
	RUN(&r, "sync", "src", "host:dst", "--exclude-from=missing");
	assert_int_not_equal(r.code, 0);
	assert_string_equal(r.jobs, "");
	release(&r);
}

static void test_config_errors(void **state)
{
	struct outcome r;

	RUN(&r, "--set", "target.adress=x", "--set", "nonsense.a=b", "check-config");
	assert_int_equal(r.code, 78);
	has(r.err, "adress");
	has(r.err, "nonsense");
	assert_string_equal(r.out, "");
	release(&r);
	RUN(&r, "-c", "missing.conf", "sync");
	assert_int_equal(r.code, 78);
	release(&r);
	RUN(&r, "-c", "empty.conf", "sync");
	assert_int_equal(r.code, 78);
	has(r.err, "[target] address");
	release(&r);
	RUN(&r, "-c", "empty.conf", "--set", "target.address=new", "sync", "--json");
	assert_int_equal(r.code, 78);
	has(r.err, "[target] root");
	has(r.out, "\"exit_code\":78");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "check-config");
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "configuration is valid\n");
	assert_string_equal(r.err, "");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "show-config");
	assert_int_equal(r.code, 0);
	has(r.out, "address = new");
	release(&r);
}

/* Of a job that does not run: 1, and which do; but what is no limit is a mistake of usage first. */
static void test_control(void **state)
{
	static const char *const words[] = {"pause", "resume", "stop", "limits"};
	struct outcome r;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		RUN(&r, "-c", "empty.conf", (char *)words[i]);
		assert_int_equal(r.code, 1);
		has(r.err, "[RH1020] job 'default' is not running");
		has(r.err, "running: other; ");
		release(&r);
		RUN(&r, "-c", "empty.conf", (char *)words[i], "nonsense");
		assert_int_equal(r.code, 64);
		release(&r);
	}
	RUN(&r, "-c", "empty.conf", "limits", "cpu=10%", "memory=1");
	assert_int_equal(r.code, 64);
	has(r.err, "bad value for 'memory': '1' ");
	release(&r);
	RUN(&r, "-c", "empty.conf", "limits", "band=1M");
	assert_int_equal(r.code, 64);
	has(r.err, "'band' is no limit");
	release(&r);
	RUN(&r, "-c", "empty.conf", "limits", "--json", "cpu=10%");
	assert_int_equal(r.code, 1);
	has(r.out, "\"exit_code\":1");
	release(&r);
}

static void test_run_order(void **state)
{
	struct outcome r;

	RUN(&r, "-c", "empty.conf", CONFIGURED, "run");
	assert_int_equal(r.code, 0);
	assert_int_equal(lines(r.jobs), 3);
	has(r.jobs, "copy name=default");
	has(r.jobs, "\nsync name=default");
	has(r.jobs, "\nverify name=default");
	has(r.jobs, "retry=1 first=1");
	release(&r);

	script.copied = true;
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "verify.mode=off", "run");
	assert_int_equal(lines(r.jobs), 1);
	has(r.jobs, "sync name=default");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "run", "-n");
	assert_int_equal(lines(r.jobs), 1);
	release(&r);
	script.copied = false;
	RUN(&r, "-c", "empty.conf", CONFIGURED, "run", "-n");
	assert_int_equal(lines(r.jobs), 1);
	has(r.jobs, "copy name=default");
	release(&r);
}

static void run_codes(int copy, int sync, int verify, int want, unsigned steps)
{
	struct outcome r;

	script.exit_codes[JOB_COPY] = copy;
	script.exit_codes[JOB_SYNC] = sync;
	script.exit_codes[JOB_VERIFY] = verify;
	RUN(&r, "-c", "empty.conf", CONFIGURED, "run", "--json");
	assert_int_equal(r.code, want);
	assert_int_equal(lines(r.jobs), steps);
	has(r.out, "{\"message_type\":\"summary\",\"command\":\"run\",");
	assert_string_equal(r.err, "");
	release(&r);
	memset(script.exit_codes, 0, sizeof(script.exit_codes));
}

#define UNFIT "{\"dirs\":[{\"path\":\"/var/lib/rehost\",\"problem\":\"Read-only file system\"}]}"

/* What fails the check ends `run` before anything is done; `check` says it, and its exit code. */
static void test_run_unfit(void **state)
{
	struct outcome r;

	script.job_document = UNFIT;
	RUN(&r, "-c", "empty.conf", CONFIGURED, "run");
	assert_int_equal(r.code, 1);
	assert_int_equal(lines(r.jobs), 0);
	has(r.out, "state-dir: rehost's own directories");
	has(r.err, "[RH1310] the check fails: state-dir");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "check.before_run=no", "run");
	assert_int_equal(r.code, 0);
	assert_int_equal(lines(r.jobs), 3);
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "check", "--no-network", "--json", "state-dir");
	assert_int_equal(r.code, 1);
	has(r.out, "\"id\":\"state-dir\",\"severity\":\"fail\"");
	has(r.out, "\"message_type\":\"summary\",\"command\":\"check\",\"exit_code\":1");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "check", "not-root");
	assert_int_equal(r.code, 0);
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "check", "state-dri");
	assert_int_equal(r.code, 64);
	has(r.err, "did you mean 'state-dir'?");
	release(&r);
	script.job_document = NULL;
	RUN(&r, "-c", "empty.conf", CONFIGURED, "check", "--no-network");
	assert_int_equal(r.code, 0);
	has(r.out, "0 failed");
	release(&r);
}

#define SOURCES                                                                                            \
	"{\"mounts\":[{\"path\":\"/\",\"type\":\"ext4\",\"used\":3221225472,\"inodes\":9,\"whole\":true}," \
	"{\"path\":\"/srv\",\"type\":\"xfs\",\"used\":1073741824,\"inodes\":9,\"whole\":true},"            \
	"{\"path\":\"/big\",\"type\":\"xfs\",\"used\":1e14,\"inodes\":9,\"whole\":true,\"excluded\":true}]}"

/* All file systems go into the root, but for those that the rules leave out. */
static void test_layout(void **state)
{
	struct outcome r;

	script.job_document = SOURCES;
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "target.image=/new.img:8G", "layout");
	assert_int_equal(r.code, 0);
	has(r.out, "/srv");
	has(r.out, "left out by the rules");
	has(r.out, "at least 4.54 GiB");
	has(r.out, "truncate --size 8589934592 /new.img");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "target.image=/new.img:4G", "--json", "layout");
	assert_int_equal(r.code, 1);
	has(r.out, "exit_error");
	has(r.out, "RH1702");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "layout");
	assert_int_equal(r.code, 78);
	release(&r);
	script.job_document = NULL;
}

static void test_run_codes(void **state)
{
	run_codes(3, 0, 0, 3, 3);
	run_codes(0, 3, 4, 3, 3);
	run_codes(0, 0, 4, 4, 3);
	run_codes(69, 0, 0, 69, 1);
	run_codes(3, 69, 0, 69, 2);
	run_codes(3, 0, 69, 69, 3);
	run_codes(0, 143, 0, 143, 2);
}

static void test_signal(void **state)
{
	struct outcome r;

	script.signal = 15;
	script.exit_codes[JOB_SYNC] = 128 + 15;
	RUN(&r, "sync", "src", "host:dst");
	assert_int_equal(r.code, 143);
	has(r.err, "rehost: error: [RH0002] ended by signal 15");
	has(r.out, "interrupted after");
	release(&r);
	script.signal = 0;
	script.exit_codes[JOB_SYNC] = 0;
}

static void test_verify(void **state)
{
	AUTO_FREE char *crc64 = xasprintf("mode=%d recheck=1", CONF_VERIFY_CRC64);
	AUTO_FREE char *quick = xasprintf("mode=%d recheck=0", CONF_VERIFY_QUICK);
	struct outcome r;

	RUN(&r, "verify", "src", "local:dst", "--mode", "crc64", "--recheck");
	has(r.jobs, "address=local:");
	has(r.jobs, crc64);
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "verify.mode=off", "verify", "etc", "usr/a:b");
	has(r.jobs, "name=default");
	has(r.jobs, quick);
	has(r.jobs, " path=etc path=usr/a:b\n");
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "verify.paths=/home,/srv", "verify");
	has(r.jobs, " path=/home path=/srv\n");
	release(&r);
}

/* -n writes nothing anywhere, its own directories included; -q says nothing; else the log tells. */
static void test_traces(void **state)
{
	struct outcome r;
	struct stat st;

	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "job.name=traces", "sync", "-n");
	has(r.jobs, "dry=1");
	has(r.jobs, "items=1");
	assert_int_equal(stat("log/traces.log", &st), -1);
	release(&r);
	RUN(&r, "-c", "empty.conf", CONFIGURED, "--set", "job.name=traces", "sync", "-q");
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "");
	has(r.jobs, "items=0");
	assert_int_equal(stat("log/traces.log", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat("log", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	release(&r);
}

static void test_dry_run_makes_nothing(void **state)
{
	struct stat st;
	struct outcome r;

	setenv("REHOST_STATE_DIR", "fresh", 1);
	RUN(&r, "sync", "-n", "src", "host:dst");
	assert_int_equal(r.code, 0);
	assert_int_equal(stat("fresh", &st), -1);
	assert_int_equal(errno, ENOENT);
	setenv("REHOST_STATE_DIR", "state", 1);
	release(&r);
}

/* The disk behind standard output is full. */
static void test_output_lost(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char *argv[] = {(char *)"rehost", (char *)"sync", (char *)"src", (char *)"host:dst", NULL};

		redirect(STDOUT_FILENO, "/dev/full");
		redirect(STDERR_FILENO, "err");
		redirect(3, "jobs");
		_exit(cli_main(4, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void test_printing(void **state)
{
	struct outcome r;

	RUN(&r, "--help");
	assert_int_equal(r.code, 0);
	for (size_t i = 0; i < CMD_COUNT; i++)
		has(r.out, commands[i].summary);
	for (size_t i = 0; i < OPT_COUNT; i++)
		has(r.out, option_defs[i].help);
	release(&r);
	RUN(&r, "verify", "--help");
	has(r.out, "--mode=quick|crc64");
	assert_null(strstr(r.out, "--adopt"));
	release(&r);
	RUN(&r, "--version");
	assert_int_equal(r.code, 0);
	has(r.out, "rehost ");
	has(r.out, "libssh2");
	has(r.out, "librsync");
	release(&r);
	RUN(&r, "explain", "rh0002");
	assert_int_equal(r.code, 0);
	has(r.out, "RH0002: ended by a signal");
	release(&r);
	RUN(&r, "explain", "[RH2]");
	assert_int_equal(r.code, 0);
	release(&r);
	RUN(&r, "explain", "RH9999");
	assert_int_equal(r.code, 64);
	release(&r);
	RUN(&r, "explain");
	assert_int_equal(r.code, 64);
	has(r.err, "rehost-diagnostics(7)");
	assert_int_equal(lines(r.out), 0);
	release(&r);
	RUN(&r, "help", "synk");
	assert_int_equal(r.code, 64);
	has(r.err, "'sync'");
	release(&r);
}

static void test_status(void **state)
{
	struct outcome r;

	RUN(&r, "-c", "empty.conf", "--set", "job.name=never", "status");
	assert_int_equal(r.code, 0);
	has(r.out, "No run of this job is recorded");
	release(&r);
	RUN(&r, "-c", "empty.conf", "--set", "job.name=never", "status", "--check");
	assert_int_equal(r.code, 3);
	assert_int_equal(lines(r.out), 1);
	release(&r);
	RUN(&r, "-c", "missing.conf", "status", "--check", "--json");
	assert_int_equal(r.code, 3);
	has(r.out, "\"check\":\"UNKNOWN\",\"check_code\":3");
	release(&r);
}

static int setup(void **state)
{
	int fd;

	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("src", 0700) < 0 || mkdir("dst", 0700) < 0)
		return -1;
	fd = open("patterns", O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, "d\n", 2) != 2)
		return -1;
	close(fd);
	close(open("empty.conf", O_CREAT | O_WRONLY, 0600));
	setenv("REHOST_STATE_DIR", "state", 1);
	setenv("REHOST_RUN_DIR", "run", 1);
	setenv("REHOST_LOG_DIR", "log", 1);
	return 0;
}

static int teardown(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf '%s'", dir);

	return chdir("/") || system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adhoc),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_config_errors),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_run_order),
		cmocka_unit_test(test_run_unfit),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_run_codes),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_dry_run_makes_nothing),
		cmocka_unit_test(test_output_lost),
		cmocka_unit_test(test_printing),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
