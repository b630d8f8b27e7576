/* Private to the room verify: texts for people. */
#pragma once

#include "verify/inode.h"

void verify_describe_type(struct buf *out, uint8_t type);
void verify_describe_node(struct buf *out, const struct verify_node *n); /* "regular file of 12 bytes" */
void verify_describe_time(struct buf *out, int64_t s, uint32_t ns);
void verify_describe_flags(struct buf *out, uint32_t flags);
void verify_describe_acl(struct buf *out, const struct verify_xattr *x);
void verify_describe_value(struct buf *out, const struct verify_xattr *x);
