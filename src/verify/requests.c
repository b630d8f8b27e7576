#include "verify/requests.h"
#include "verify/private.h"

void verify_request_add(struct verifier *v, struct request *q)
{
	q->id = ++v->next_id;
	if (v->requests_tail)
		v->requests_tail->next = q;
	else
		v->requests = q;
	v->requests_tail = q;
}

struct request *verify_request_take(struct verifier *v)
{
	struct request *q = v->requests;

	v->requests = q->next;
	if (!v->requests)
		v->requests_tail = NULL;
	return q;
}
