#include "cli/progress.h"
#include "base/clock.h"
#include "base/text.h"

#include <sys/ioctl.h>

#define PLAIN_INTERVAL (5 * NS_PER_S)
#define DEFAULT_COLUMNS 80

void progress_format(struct buf *out, const struct progress *p)
{
	buf_append_str(out, p->phase ? p->phase : "working");
	buf_append_u8(out, ' ');
	text_size(out, p->bytes_done);
	if (p->bytes_expected) {
		double percent = 100.0 * (double)MIN(p->bytes_done, p->bytes_expected) / (double)p->bytes_expected;

		buf_append_str(out, " of ");
		text_size(out, p->bytes_expected);
		buf_printf(out, ", %u%%", (unsigned)percent);
	}
	buf_append_str(out, ", ");
	text_size(out, p->rate);
	buf_append_str(out, "/s");
	if (p->remaining_s >= 0) {
		buf_append_str(out, ", ");
		text_duration(out, (uint64_t)p->remaining_s);
		buf_append_str(out, " left");
	} else if (p->elapsed_ns > 0) {
		buf_append_str(out, ", ");
		text_duration(out, (uint64_t)(p->elapsed_ns / NS_PER_S));
	}
	buf_printf(out, ", %llu files done", (unsigned long long)p->files_examined);
	if (p->files_expected > p->files_examined)
		buf_printf(out, ", %llu left", (unsigned long long)(p->files_expected - p->files_examined));
}

/* A line that reaches the last column would wrap, and could not be wiped. All of it is ASCII. */
static size_t columns(FILE *f)
{
	struct winsize ws;

	if (ioctl(fileno(f), TIOCGWINSZ, &ws) == 0 && ws.ws_col > 1)
		return ws.ws_col - 1u;
	return DEFAULT_COLUMNS - 1;
}

void progress_draw(struct progress_line *line, const struct progress *p)
{
	int64_t now = clock_mono_ns();
	AUTO_BUF b = BUF_INIT;

	if (!line->in_place && line->last && now - line->last < PLAIN_INTERVAL)
		return;
	line->last = now;
	progress_format(&b, p);
	if (line->in_place) {
		fprintf(line->f, "\r%.*s\033[K", (int)columns(line->f), buf_cstr(&b));
		line->shown = true;
	} else {
		fprintf(line->f, "rehost: %s\n", buf_cstr(&b));
	}
	fflush(line->f);
}

void progress_wipe(struct progress_line *line)
{
	if (!line->shown)
		return;
	fputs("\r\033[K", line->f);
	fflush(line->f);
	line->shown = false;
}
