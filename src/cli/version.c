/* --version: what this program is made of. Only the rooms that own librsync and libssh2 include them. */
#include "cli/commands.h"
#include "delta/delta.h"
#include "limits/group.h"
#include "transport/transport.h"

#include <cjson/cJSON.h>
#include <libmount/libmount.h>
#include <lzma.h>
#include <seccomp.h>
#include <stdio.h>
#include <xxhash.h>
#include <zstd.h>

/* XXH_versionNumber() is MAJOR * 10000 + MINOR * 100 + RELEASE. */
static void put_xxhash(void)
{
	unsigned v = XXH_versionNumber();

	printf("  xxhash      %u.%u.%u\n", v / 10000, v / 100 % 100, v % 100);
}

int cmd_version(void)
{
	const struct scmp_version *seccomp = seccomp_version();
	const char *mount_version = "unknown";

	mnt_get_library_version(&mount_version);
	printf("rehost %s\n\nlibraries:\n", REHOST_VERSION);
	printf("  librsync    %s\n", delta_library_version());
	printf("  libssh2     %s\n", transport_library_version());
	printf("  zstd        %s\n", ZSTD_versionString());
	put_xxhash();
	printf("  liblzma     %s\n", lzma_version_string());
#ifdef REHOST_ISAL_VERSION
	printf("  isa-l       %s\n", REHOST_ISAL_VERSION);
#endif
	printf("  libmount    %s\n", mount_version);
	printf("  cJSON       %s\n", cJSON_Version());
	if (seccomp)
		printf("  libseccomp  %u.%u.%u\n", seccomp->major, seccomp->minor, seccomp->micro);
	printf("  libcap      %s\n", REHOST_CAP_VERSION);
	puts("\nback ends:\n  transport   libssh2 ssh local");
#ifdef REHOST_ISAL_VERSION
	puts("  crc64       isa-l liblzma");
#else
	puts("  crc64       liblzma");
#endif
	printf("  limits      %s\n", group_backends());
	puts("  log         file json_file syslog plugins");
	return 0;
}
