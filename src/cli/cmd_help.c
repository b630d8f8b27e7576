/* help and --help: made from the tables of commands and options. */
#include "cli/commands.h"

#include <stdio.h>

#define COLUMN 30 /* where the explanations begin */

static void put_line(const char *left, const char *right)
{
	if (strlen(left) + 2 > COLUMN)
		printf("%s\n%*s%s\n", left, COLUMN, "", right);
	else
		printf("%-*s%s\n", COLUMN, left, right);
}

static void put_option(const struct option_def *def)
{
	AUTO_BUF b = BUF_INIT;

	if (def->letter)
		buf_printf(&b, "  -%c, --%s", def->letter, def->name);
	else
		buf_printf(&b, "      --%s", def->name);
	if (def->arg)
		buf_printf(&b, "=%s", def->arg);
	put_line(buf_cstr(&b), def->help);
}

static void put_options(unsigned mask)
{
	puts("\nOptions, before or after the command:");
	for (size_t i = 0; i < OPT_COUNT; i++)
		if (option_defs[i].commands & mask)
			put_option(&option_defs[i]);
}

static void help_all(void)
{
	puts("usage: rehost [-c FILE] [--set SECTION.KEY=VALUE]... COMMAND [OPTIONS]\n\n"
	     "Moves a running Linux host to other hardware, file by file, over SSH.\n\nCommands:");
	for (size_t i = 0; i < CMD_COUNT; i++) {
		AUTO_BUF b = BUF_INIT;

		buf_printf(&b, "  %s%s%s", commands[i].name, *commands[i].usage ? " " : "", commands[i].usage);
		put_line(buf_cstr(&b), commands[i].summary);
	}
	put_options(~0u);
	puts("\nSRC is a directory of this host; DST is [USER@]HOST[:PORT]:DIR or local:DIR.\n"
	     "'rehost help COMMAND' lists what one command takes; rehost(8) is the manual.");
}

static void help_command(size_t id)
{
	const struct command *c = &commands[id];

	printf("usage: rehost %s [OPTIONS]%s%s\n\n%c%s\n", c->name, *c->usage ? " " : "", c->usage,
		c->summary[0] - 'a' + 'A', c->summary + 1);
	put_options(1u << id);
}

int cmd_help(const struct options *o)
{
	struct usage_error e = {0};
	size_t id = CMD_COUNT;
	int code = 0;

	if (o->command && o->id != CMD_HELP)
		id = o->id; /* --help behind a command is help of that command */
	else if (o->operand_count)
		id = command_find(o->operands[0], &e);
	if (diag_is_set(&e.diag))
		code = usage_print(&e);
	else if (id == CMD_COUNT)
		help_all();
	else
		help_command(id);
	usage_release(&e);
	return code;
}
