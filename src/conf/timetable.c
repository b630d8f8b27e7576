/* The bandwidth by time of day and week. */
#include "base/text.h"
#include "conf/values.h"

#include <time.h>

#define RATE_MIN 1024u

static bool parse_rate(const char *s, uint64_t *out_rate)
{
	*out_rate = 0;
	if (str_eq(s, "off") || str_eq(s, "0"))
		return true;
	return text_parse_size(s, out_rate) && *out_rate >= RATE_MIN;
}

/* "Mon-" in any case: the day of the week, which is skipped; -1: none. */
static int parse_day(char **s)
{
	static const char days[] = "sunmontuewedthufrisat";

	for (int i = 0; i < 7; i++)
		if (strncasecmp(*s, days + 3 * i, 3) == 0 && (*s)[3] == '-') {
			*s += 4;
			return i;
		}
	return -1;
}

/* "08:00,20M" or "Mon-08:00,20M"; out_day is -1 for every day. */
static bool parse_window(char *s, struct conf_bandwidth_window *out, int *out_day)
{
	char *comma = strchr(s, ',');
	unsigned h, m;

	*out_day = parse_day(&s);
	if (!comma || comma - s != 5 || s[2] != ':')
		return false;
	for (int i = 0; i < 5; i++)
		if (i != 2 && (s[i] < '0' || s[i] > '9'))
			return false;
	h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	out->minute = h * 60 + m;
	return h < 24 && m < 60 && parse_rate(comma + 1, &out->rate);
}

/* Keeps the windows ascending; false when one begins at that minute already. */
static bool insert_window(struct conf_bandwidth_window *w, size_t *n, struct conf_bandwidth_window new)
{
	size_t i = *n;

	for (; i && w[i - 1].minute >= new.minute; i--) {
		if (w[i - 1].minute == new.minute)
			return false;
		w[i] = w[i - 1];
	}
	w[i] = new;
	++*n;
	return true;
}

/* A window of every day is seven of the week. */
static bool insert_days(struct conf_bandwidth_window *w, size_t *n, struct conf_bandwidth_window new, int day)
{
	const unsigned minute = new.minute;

	for (int i = 0; i < 7; i++) {
		if (day >= 0 && i != day)
			continue;
		new.minute = (unsigned)i * 24 * 60 + minute;
		if (!insert_window(w, n, new))
			return false;
	}
	return true;
}

bool conf_bandwidth_assign(struct conf *c, const char *value, struct buf *out_why)
{
	AUTO_FREE struct conf_bandwidth_window *w = NULL;
	AUTO_FREE char *copy = xstrdup(value);
	char *save = NULL;
	size_t n = 0;

	if (!strchr(value, ',')) {
		w = xcalloc(1, sizeof(*w));
		if (!parse_rate(value, &w[0].rate))
			return conf_refuse(out_why, value,
				"is no rate: bytes a second from 1K on, such as '20M', a timetable, or 'off'");
		n = w[0].rate ? 1 : 0;
		goto assign;
	}
	/* No two windows begin at the same minute, so there are no more than the week has minutes. */
	w = xcalloc(CONF_WEEK_MINUTES, sizeof(*w));
	for (char *s = strtok_r(copy, " \t", &save); s; s = strtok_r(NULL, " \t", &save)) {
		AUTO_FREE char *entry = xstrdup(s);
		struct conf_bandwidth_window new;
		int day;

		if (!parse_window(s, &new, &day))
			return conf_refuse(
				out_why, entry, "is no window of a timetable such as '08:00,20M' or 'Sat-19:00,off'");
		if (!insert_days(w, &n, new, day))
			return conf_refuse(out_why, entry, "begins when another window of the timetable does");
	}
	w = xrealloc(w, n * sizeof(*w));
assign:
	free(c->transfer.windows);
	c->transfer.windows = n ? STEAL(w) : NULL;
	c->transfer.window_count = n;
	c->transfer.unlimited = false;
	return true;
}

uint64_t conf_bandwidth_at(const struct conf *c, unsigned minute_of_week)
{
	size_t n = c->transfer.window_count;
	size_t i = n;

	if (!n || c->transfer.unlimited)
		return 0;
	while (i && c->transfer.windows[i - 1].minute > minute_of_week)
		i--;
	/* Before the week's first window the last one of the week before holds. */
	return c->transfer.windows[i ? i - 1 : n - 1].rate;
}

uint64_t conf_bandwidth_now(const struct conf *c)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return conf_bandwidth_at(c, (unsigned)((tm.tm_wday * 24 + tm.tm_hour) * 60 + tm.tm_min));
}
