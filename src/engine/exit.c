#include "engine/exit.h"
#include "engine/coordinator.h"

int exit_code(const struct engine *e)
{
	const struct summary *s = e->out;

	if (s->signal)
		return 128 + s->signal;
	if (diag_is_set(&s->fatal)) {
		int c = diag_info(s->fatal.code)->exit_class;
		return c ? c : EXIT_FAILED;
	}
	if (s->counts.files_failed || e->budget.warned || e->source_lost)
		return EXIT_PARTIAL;
	if (s->differences > s->difference_counts[DIFFERENCE_CHANGED])
		return EXIT_DIFFERENT;
	return EXIT_DONE;
}
