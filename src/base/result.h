/*
 * The ladder of results. Every function that works on a file of the user's returns one of these, so that a
 * failure of one file is never mistaken for a failure of the run.
 */
#pragma once

enum result {
	RES_OK = 0, /* done */
	RES_RETRY, /* not done, trying again may help (the file changed, the link was lost) */
	RES_WARN, /* done, with something to say */
	RES_FAILED, /* this file is not done; the rest goes on */
	RES_FATAL, /* this run cannot go on */
};
