/*
 * Both ends of the operator, by the first byte: 0: requests of a hostile peer, who has gone when they are read, so that nothing is
 * gathered; 1: answers of a hostile operator, as the probe takes them in, and the document that is made of them; 2: JSON, which
 * whoever parses it must take when it was found valid; 3: tables of the host's.
 */
#include "base/fd.h"
#include "base/jsontext.h"
#include "check/sections.h"
#include "facts/document.h"
#include "facts/fields.h"
#include "operator/operator.h"
#include "operator/proto.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(const uint8_t *data, size_t size)
{
	struct operator_config c = {.root = "/nowhere", .version = "0"};
	int pair[2];

	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	c.in = pair[0];
	c.out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (c.out < 0 || fd_write_full(pair[1], data, size) < 0)
		abort();
	close(pair[1]);
	operator_serve(&c);
	close(c.out);
	close(pair[0]);
}

static void check_document(const struct sections *s)
{
	cJSON *document;

	if (s->got.count > FACTS_SECTIONS_MAX || s->bytes > SECTIONS_BYTES + OPERATOR_PART_BYTES)
		abort();
	document = facts_document(&s->got, "/", "0");
	facts_anonymize(document);
	cJSON_Delete(document);
}

static void take(const uint8_t *data, size_t size)
{
	struct sections *s = xcalloc(1, sizeof(*s));
	struct operator_image_done image;
	struct operator_facts_done done;
	struct operator_hello hello;
	struct frame_decoder in;
	struct operator_part m;
	struct frame f;

	frame_decoder_init(&in);
	memcpy(frame_decoder_space(&in, size), data, size);
	frame_decoder_filled(&in, size);
	while (frame_decode(&in, &f) == FRAME_READY) {
		if (f.type == OPERATOR_HELLO_OK && operator_hello_get(&f, &hello))
			continue;
		if (f.type == OPERATOR_IMAGE_DONE && operator_image_done_get(&f, &image))
			continue;
		if (f.type == OPERATOR_FACTS_DONE && operator_facts_done_get(&f, &done)) {
			s->got.live = done.live;
			s->got.taken = done.taken;
			continue;
		}
		if (f.type != OPERATOR_FACTS_PART || !operator_part_get(&f, &m) || sections_take(s, &m) == SECTIONS_BAD)
			break;
	}
	check_document(s);
	sections_release(s);
	free(s);
	frame_decoder_release(&in);
}

/* cJSON has bounds of its own for numbers; beside them it takes what is valid. */
static void parse(const uint8_t *data, size_t size)
{
	size_t digits = 0, longest = 0;
	cJSON *parsed;

	for (size_t i = 0; i < size; i++) {
		digits = strchr("0123456789+-.eE", data[i]) && data[i] ? digits + 1 : 0;
		longest = MAX(longest, digits);
	}
	if (!jsontext_valid(data, size, 64, 1000) || longest > 60)
		return;
	parsed = cJSON_ParseWithLength((const char *)data, size);
	if (!parsed)
		abort();
	cJSON_Delete(parsed);
}

static void read_table(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xmemdup(data, size);
	char *at = text, *line, *word;
	size_t n = 0;

	while ((line = fields_line(&at))) {
		bool cells = *line == ' ';

		while ((word = cells ? fields_cell(&line) : fields_word(&line)))
			n += strlen(word) + 1;
	}
	if (n > size + 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(const uint8_t *, size_t) = {serve, take, parse, read_table};

	signal(SIGPIPE, SIG_IGN);
	if (size)
		parts[data[0] % ARRAY_LEN(parts)](data + 1, size - 1);
	return 0;
}
