/* Private to the room check: the operator's answers, looked at by the probe before anybody else gets them. */
#pragma once

#include "check/talk.h"

/* HELLO. */
void relay_hello(struct probe *p);
/* PROBE_FACTS. Returns when all has arrived, and been passed on. */
void relay_facts(struct probe *p, uint32_t limit_ms);
/* PROBE_IMAGE: the frame as it came. Returns when the image is there. */
void relay_image(struct probe *p, const struct frame *f);
