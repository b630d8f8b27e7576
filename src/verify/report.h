/* Private to the room verify: what the caller is told. */
#pragma once

#include "verify/compare.h"
#include "verify/private.h"

void verify_report(struct verifier *v, enum verify_kind kind, bool changed, const char *path, struct finding *f);
/* Content and metadata of one path: one difference of each kind, or one of kind changed. */
void verify_report_findings(struct verifier *v, bool changed, const char *path, struct findings *f);
void verify_report_missing(struct verifier *v, bool changed, const char *path, const struct verify_node *s);
void verify_report_extra(struct verifier *v, bool changed, const char *path, const struct verify_node *t);
void verify_report_type(struct verifier *v, bool changed, const char *path, uint8_t source, uint8_t target);
/* What is no difference, but not the same either. */
void verify_report_held(
	struct verifier *v, const char *path, const struct verify_node *s, const struct verify_held *held);
/* A file that cannot be compared. */
void verify_report_failure(struct verifier *v, bool target, uint32_t err, const char *path, const char *what);
static inline bool changed_since(const struct verifier *v, int64_t ctime_ns)
{
	return ctime_ns >= v->since_ns;
}
