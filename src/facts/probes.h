/* Private to the room facts: the probes, each one section of the document. They run in a child (gather.c) and may take their time. */
#pragma once

#include "facts/put.h"
#include "facts/tree.h"

typedef void (*probe_fn)(const struct tree *t, struct value *section);

void probe_os(const struct tree *t, struct value *section);
void probe_kernel(const struct tree *t, struct value *section);
void probe_machine(const struct tree *t, struct value *section); /* firmware, platform, processors, memory */
void probe_disks(const struct tree *t, struct value *section);
void probe_lvm(const struct tree *t, struct value *section);
void probe_mounts(const struct tree *t, struct value *section);
void probe_target(const struct tree *t, struct value *section); /* the directory that a copy goes to */
void probe_boot(const struct tree *t, struct value *section);
void probe_network(const struct tree *t, struct value *section);
void probe_services(const struct tree *t, struct value *section);
void probe_processes(const struct tree *t, struct value *section);
void probe_security(const struct tree *t, struct value *section);
void probe_time(const struct tree *t, struct value *section);
void probe_config(const struct tree *t, struct value *section); /* configuration files as text */
