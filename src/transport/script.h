/* Private to the room transport: the script at the login shell, and its answers. */
#pragma once

#include "transport/spec.h"

/* The command given to the login shell, whatever shell that is; it reads the script from its stdin. */
#define BOOT_COMMAND "exec sh -c 'read -r n && eval \"$(dd bs=1 count=$n 2>/dev/null)\"'"
#define BOOT_PREFIX "REHOST-BOOT "
/* The script that finds or receives the helper and runs it. */
void script_build(const struct boot_spec *s, const char *shared_dir, struct buf *out);

enum boot_line {
	BOOT_NOISE, /* a login shell's words */
	BOOT_MAGIC,
	BOOT_NEED, /* send the helper; text: the directory it will be in */
	BOOT_USING, /* started from there; text: the directory, or "-" for an installed one */
	BOOT_FAILED, /* d is set */
};
/* Judges one line (with or without its newline). text is filled, at most 256 bytes, for NEED and USING. */
enum boot_line boot_line_parse(const struct boot_spec *s, const char *line, size_t n, char text[256], struct diag *d);
