/* Private to the room verify: the stream to the prover. */
#pragma once

#include "verify/verifier.h"

enum result verify_stream_receive(struct verifier *v, struct diag *d);
enum result verify_stream_send(struct verifier *v, struct diag *d);
