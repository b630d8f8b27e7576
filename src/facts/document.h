/*
 * The document that facts are: sections put together, and substitutes for what tells who a host is. For the program alone: it
 * needs cJSON.
 *
 * Ownership: documents are the caller's, freed by cJSON_Delete().
 */
#pragma once

#include "facts/facts.h"

struct cJSON;

/* Of sections from anywhere: one that is no JSON of the allowed form is unknown. version: of what has read them. */
struct cJSON *facts_document(const struct facts_sections *s, const char *root, const char *version);
/* NULL with d when root is no directory. */
struct cJSON *facts_gather(const struct facts_options *o, struct diag *d);
/* Replaces addresses, host names, MAC addresses, UUIDs, serial numbers and key material, each by the same substitute wherever it
 * stands, so that what belongs together still does. */
void facts_anonymize(struct cJSON *facts);
