/*
 * The shell script that brings the receiver to life on the target, and what it answers.
 *
 * It runs in any POSIX shell (dash, bash, busybox ash). Nothing that is not ours is ever evaluated: values
 * come in as single-quoted words, the target's root as hex. Answers are lines "REHOST-BOOT KEY ...", each
 * after a newline of its own, so that they are found behind the noise of a login's start files. Between two
 * steps nobody sends ahead: tools that read more of stdin than they should find nothing there to take.
 */
#include "transport/script.h"
#include "wire/frame.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>

static const char script_text[] =
	"LC_ALL=C; export LC_ALL; umask 077; unset ENV BASH_ENV CDPATH\n"
	"PATH=${PATH:-/usr/bin:/bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
	"tag=.rehost-helper; made=; pid=\n"
	"say() { printf '\\nREHOST-BOOT %s\\n' \"$*\"; }\n"
	"clean() { if [ -n \"$made\" ]; then rm -rf -- \"$made\"; made=; fi; }\n"
	"die() { clean; say \"error $*\"; exit 70; }\n"
	"trap 'clean; exit 143' HUP INT TERM PIPE\n"
	/* Does the file say it is what we want? The whole line when we know it, else the version alone. */
	"same() { case $1 in \"$full\") [ -n \"$full\" ];; *) [ -z \"$full\" ] && "
	"case \"$1 \" in \"rehost-receiver $version \"*) :;; *) false;; esac;; esac; }\n"
	"words() { \"$@\" --version 2>/dev/null </dev/null | head -n 1; }\n"
	/* Runs the receiver and stays behind it: the directory goes when it has ended, however that was. */
	"run() {\n"
	"if [ -n \"$sudo\" ]; then\n"
	"  out=$($sudo \"$1\" --version 2>&1 </dev/null) || die sudo $out\n"
	"fi\n"
	"say using \"$2\"\n"
	"exec 3<&0\n"
	"$sudo \"$1\" $args <&3 3<&- &\n"
	"pid=$!\n"
	"trap 'kill -TERM $pid 2>/dev/null; clean; exit 143' HUP INT TERM PIPE\n"
	"exec </dev/null 3<&- >/dev/null\n"
	"wait \"$pid\"; rc=$?\n"
	"clean\n"
	"exit $rc\n"
	"}\n"
	"case $(uname -s) in Linux) ;; *) die os \"$(uname -s)\";; esac\n"
	/* Named by target.helper. */
	"if [ -n \"$helper\" ]; then\n"
	"  case $helper in '~/'*) helper=$HOME/${helper#??};; esac\n"
	"  got=$(words $sudo \"$helper\")\n"
	"  if [ -z \"$got\" ] && [ -n \"$sudo\" ]; then\n"
	"    out=$($sudo true 2>&1 </dev/null) || die sudo $out\n"
	"  fi\n"
	"  [ -n \"$got\" ] || die missing \"$helper\"\n"
	"  case \"$got \" in \"rehost-receiver $version \"*) ;; *) die version \"$got\";; esac\n"
	"  run \"$helper\" -\n"
	"fi\n"
	/* Brought here by an earlier connection of this run. */
	"if [ -n \"$shared\" ] && [ -d \"$shared\" ] && [ ! -L \"$shared\" ] && [ -O \"$shared\" ] && "
	"[ -x \"$shared/rehost-receiver\" ] && same \"$(words \"$shared/rehost-receiver\")\"; then\n"
	"  run \"$shared/rehost-receiver\" \"$shared\"\n"
	"fi\n"
	/* Installed. */
	"for f in \"$(command -v rehost-receiver 2>/dev/null)\" /usr/lib/rehost/rehost-receiver "
	"/usr/libexec/rehost/rehost-receiver /usr/local/lib/rehost/rehost-receiver "
	"/usr/local/libexec/rehost/rehost-receiver; do\n"
	"  case $f in /*) [ -x \"$f\" ] && same \"$(words \"$f\")\" && run \"$f\" -;; esac\n"
	"done\n"
	"m=$(uname -m)\n"
	"[ \"$m\" = \"$arch\" ] || die arch \"$m\"\n"
	/* Left over from a run that was cut off: its shell is gone, or it is older than a day. Then a new
           place. */
	"full_dirs=\n"
	"for c in \"$XDG_RUNTIME_DIR\" /dev/shm /var/tmp \"$HOME\"; do\n"
	"  case $c in /?*) [ -d \"$c\" ] && [ -w \"$c\" ] || continue;; *) continue;; esac\n"
	"  for d in \"$c/$tag\"-*; do\n"
	"    [ -d \"$d\" ] && [ ! -L \"$d\" ] && [ -O \"$d\" ] || continue\n"
	"    p=; if [ -f \"$d/pid\" ]; then read -r p <\"$d/pid\"; fi\n"
	"    case $p in ''|*[!0-9]*) p=;; esac\n"
	"    if { [ -n \"$p\" ] && ! kill -0 \"$p\" 2>/dev/null; } || "
	"[ -n \"$(find \"$d\" -prune -mtime +0 2>/dev/null)\" ]; then rm -rf -- \"$d\"; fi\n"
	"  done\n"
	"  [ -z \"$made\" ] || continue\n"
	"  d=$(mktemp -d \"$c/$tag-XXXXXXXX\" 2>/dev/null) || "
	"{ d=$c/$tag-$$-$(date +%s); mkdir -m 700 \"$d\" 2>/dev/null || continue; }\n"
	"  made=$d\n"
	"  printf '#!/bin/sh\\nexit 0\\n' >\"$d/test\" 2>/dev/null && chmod 700 \"$d/test\" && "
	"\"$d/test\" </dev/null >/dev/null 2>&1 || { clean; continue; }\n"
	"  free=$(df -Pk \"$d\" 2>/dev/null | awk 'END { print $4 }' 2>/dev/null)\n"
	"  case $free in ''|*[!0-9]*) ;; *) if [ \"$free\" -lt \"$room\" ]; then full_dirs=\"$full_dirs "
	"$c\"; clean; "
	"continue; fi;; esac\n"
	"  echo $$ >\"$d/pid\" || { full_dirs=\"$full_dirs $c\"; clean; continue; }\n"
	"done\n"
	"if [ -z \"$made\" ]; then [ -z \"$full_dirs\" ] || die space$full_dirs; die noexec; fi\n"
	"rm -f \"$made/test\"\n"
	"f=$made/rehost-receiver\n"
	"say need \"$made\"\n"
	"read -r size sum || { clean; exit 70; }\n"
	"case $size in ''|*[!0-9]*) die upload size;; esac\n"
	"if command -v head >/dev/null 2>&1; then head -c \"$size\" >\"$f\"; else dd bs=1 count=\"$size\" "
	">\"$f\" "
	"2>/dev/null; fi || die space \"$made\"\n"
	"got=$(wc -c <\"$f\"); [ \"$((got))\" -eq \"$size\" ] || die space \"$made\"\n"
	"if command -v sha256sum >/dev/null 2>&1; then\n"
	"  got=$(sha256sum <\"$f\"); [ \"${got%% *}\" = \"$sum\" ] || die upload checksum\n"
	"fi\n"
	"chmod 700 \"$f\"\n"
	"got=$(words \"$f\")\n"
	"same \"$got\" || die upload \"it says '$got'\"\n"
	"run \"$f\" \"$made\"\n";

static void set_variable(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s=", name);
	shell_quote(out, value ? value : "");
	buf_append_u8(out, '\n');
}

void script_build(const struct boot_spec *s, const char *shared_dir, struct buf *out)
{
	AUTO_BUF body = BUF_INIT;

	set_variable(&body, "version", REHOST_VERSION);
	set_variable(&body, "full", s->version);
	set_variable(&body, "arch", s->arch);
	set_variable(&body, "args", s->args);
	set_variable(&body, "sudo", s->sudo ? "sudo -n --" : "");
	set_variable(&body, "helper", s->helper && !str_eq(s->helper, "auto") ? s->helper : "");
	set_variable(&body, "shared", shared_dir);
	set_variable(&body, "room", "16384"); /* KiB that must be free for the helper */
	buf_append_str(&body, script_text);
	buf_printf(out, "%zu\n", body.len);
	buf_append(out, body.data, body.len);
}

/* ---- answers ---- */

struct boot_error {
	const char *key;
	enum diag_code code;
	const char *format; /* one %s: the rest of the line */
};

static const struct boot_error boot_errors[] = {
	{"os", DIAG_TRANSPORT_TARGET_OS, "the target runs '%s'"},
	{"sudo", DIAG_TRANSPORT_SUDO, "cannot start the receiver with sudo: %s"},
	{"missing", DIAG_TRANSPORT_HELPER_MISSING, "cannot execute '%s' on the target"},
	{"version", DIAG_TRANSPORT_HELPER_VERSION, "this is rehost " REHOST_VERSION ", target.helper is '%s'"},
	{"arch", DIAG_TRANSPORT_ARCH, "the helper cannot run on the target, a '%s'"},
	{"space", DIAG_TRANSPORT_SPACE, "cannot write the helper to '%s' on the target"},
	{"noexec", DIAG_TRANSPORT_NO_EXEC_DIR, "no directory on the target can hold the helper%s"},
	{"upload", DIAG_TRANSPORT_UPLOAD, "the helper arrived damaged: %s"},
};

static enum boot_line boot_error_set(const char *rest, struct diag *d)
{
	size_t key_len = strcspn(rest, " ");
	const char *text = rest + key_len + (rest[key_len] ? 1 : 0);

	for (size_t i = 0; i < ARRAY_LEN(boot_errors); i++) {
		const struct boot_error *e = &boot_errors[i];
		const char *mark = strstr(e->format, "%s");

		if (strlen(e->key) != key_len || strncmp(e->key, rest, key_len) != 0)
			continue;
		diag_set(d, e->code, 0, NULL, "%.*s%.300s%s", (int)(mark - e->format), e->format, text, mark + 2);
		return BOOT_FAILED;
	}
	diag_set(d, DIAG_TRANSPORT_REPLY, 0, NULL, "cannot understand the answer '%.300s'", rest);
	return BOOT_FAILED;
}

/*
 * "REHOST-ERROR ID ERRNO TEXT" from the receiver, before its magic. The target may choose among errors of the
 * receiver's own rooms, not pretend that a login failed.
 */
static enum boot_line receiver_error_set(const char *rest, struct diag *d)
{
	char id[16] = "";
	size_t n = strcspn(rest, " ");
	enum diag_code code;
	unsigned long err;
	char *end;

	if (n < sizeof(id))
		memcpy(id, rest, n);
	rest += n;
	err = strtoul(rest, &end, 10);
	rest = *end == ' ' ? end + 1 : end;
	code = diag_find(id);
	if (code == DIAG_NONE || diag_info(code)->severity != DIAG_ERROR ||
		(strncmp(diag_info(code)->id, "RH08", 4) != 0 && strncmp(diag_info(code)->id, "RH12", 4) != 0))
		code = DIAG_TRANSPORT_ROOT;
	diag_set(d, code, err < 4096 ? (int)err : 0, NULL, "%.500s", *rest ? rest : "the receiver cannot start");
	return BOOT_FAILED;
}

static bool dir_ok(const char *s)
{
	if (*s != '/' || strlen(s) > 250)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static enum boot_line answer(const char *rest, char text[256], struct diag *d)
{
	if (strncmp(rest, "error ", 6) == 0)
		return boot_error_set(rest + 6, d);
	if (strncmp(rest, "need ", 5) == 0 && dir_ok(rest + 5)) {
		strcpy(text, rest + 5);
		return BOOT_NEED;
	}
	if (strncmp(rest, "using ", 6) == 0 && (str_eq(rest + 6, "-") || dir_ok(rest + 6))) {
		strcpy(text, rest[6] == '-' ? "" : rest + 6);
		return BOOT_USING;
	}
	diag_set(d, DIAG_TRANSPORT_REPLY, 0, NULL, "cannot understand the answer '%.300s'", rest);
	return BOOT_FAILED;
}

enum boot_line boot_line_parse(const struct boot_spec *s, const char *line, size_t n, char text[256], struct diag *d)
{
	static const char magic[] = WIRE_MAGIC;
	size_t magic_len = sizeof(magic) - 1;
	AUTO_FREE char *copy = NULL;

	/* The last line of the noise may lack its newline: the magic ends a line, it need not begin one. */
	if (n >= magic_len && memcmp(line + n - magic_len, magic, magic_len) == 0)
		return BOOT_MAGIC;
	while (n && isspace((unsigned char)line[n - 1]))
		n--;
	copy = xmemdup(line, n);
	for (size_t i = 0; i < n; i++)
		if (copy[i] == '\0')
			copy[i] = '?';
	if (strncmp(copy, WIRE_ERROR_PREFIX, strlen(WIRE_ERROR_PREFIX)) == 0)
		return receiver_error_set(copy + strlen(WIRE_ERROR_PREFIX), d);
	if (s->kind != TRANSPORT_LOCAL && strncmp(copy, BOOT_PREFIX, strlen(BOOT_PREFIX)) == 0)
		return answer(copy + strlen(BOOT_PREFIX), text, d);
	return BOOT_NOISE;
}
