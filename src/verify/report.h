/* Private to the room verify: what the caller is told. */
#pragma once

#include "verify/compare.h"
#include "verify/private.h"

/* Whether a time is one since the last sync, that a difference can be excused with. */
enum verify_when verify_when(const struct verifier *v, int64_t ns);
/* The same of an entry of the source by its ctime: it is counted. */
enum verify_when verify_changed(struct verifier *v, const char *path, const struct verify_node *s);
void verify_report(
	struct verifier *v, enum verify_kind kind, enum verify_when when, const char *path, struct finding *f);
/* Content and metadata of one path: one difference of each kind, or one of kind changed. */
void verify_report_findings(struct verifier *v, enum verify_when when, const char *path, struct findings *f);
void verify_report_missing(struct verifier *v, enum verify_when when, const char *path, const struct verify_node *s);
void verify_report_extra(struct verifier *v, enum verify_when when, const char *path, const struct verify_node *t);
void verify_report_type(struct verifier *v, enum verify_when when, const char *path, uint8_t source, uint8_t target);
/* What is no difference, but not the same either. */
void verify_report_held(
	struct verifier *v, const char *path, const struct verify_node *s, const struct verify_held *held);
/* A file that cannot be compared. */
void verify_report_failure(struct verifier *v, bool target, uint32_t err, const char *path, const char *what);
