/*
 * Build-time tool: `rehost-gen-completions bash|zsh|fish` writes what the completions of that shell know of commands,
 * options, keys and codes to standard output. How they are completed stands in packaging/completions/.
 *
 * What an option, a key or an operand takes is told by its form in the tables: the words that begin with a
 * small letter are completed as they stand ("auto|1..16": auto), FILE, DIR, PATH and COMMAND stand for files.
 */
#include "base/buf.h"
#include "cli/options.h"
#include "conf/change.h"

#include <ctype.h>
#include <stdio.h>

#define HEAD "# Made from the option tables of rehost by rehost-gen-completions.\n"

/* ---- what the tables say ---- */

static bool form_has_files(const char *form)
{
	return strstr(form, "FILE") || strstr(form, "DIR") || strstr(form, "PATH") || strstr(form, "COMMAND");
}

/* The words of a form: "auto|off|zstd[:1..19]" gives "auto off zstd". */
static char *form_words(const char *form)
{
	AUTO_BUF out = BUF_INIT;

	for (const char *p = form; *p; p += strcspn(p, "|"), p += *p == '|') {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-_");

		if (!islower((unsigned char)*p))
			continue;
		n += p[n] == ':';
		if (p[n] && p[n] != '|' && p[n] != '[')
			continue;
		buf_append_str(&out, out.len ? " " : "");
		buf_append(&out, p, n);
	}
	return xstrdup(buf_cstr(&out));
}

/* The keys of 'rehost limits'. */
static void each_limit(void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	struct conf_errors errors = {0};
	struct conf *defaults = conf_load(&(struct conf_sources){.no_files = true}, &errors);

	conf_each_limit(defaults, fn, arg);
	conf_free(defaults);
	conf_errors_release(&errors);
}

struct lookup {
	const char *key;
	char *words;
};

static void look_up(
	void *arg, const char *section, const char *key, const char *form, const char *def, const char *help)
{
	struct lookup *l = arg;

	if (!l->words && str_eq(key, l->key) && (str_eq(section, "limits") || str_eq(section, "transfer")))
		l->words = form_words(form);
}

static char *limit_words(const char *key)
{
	struct lookup l = {.key = key};

	conf_each_option(look_up, &l);
	return l.words ? l.words : xstrdup("");
}

static bool takes(size_t command, size_t option)
{
	return option_defs[option].commands & (1u << command);
}

/* A word of a shell, within single quotes; special are characters that the shell's own grammar wants a backslash
 * for. */
static void put_quoted(const char *text, const char *special, const char *apostrophe)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\'') {
			fputs(apostrophe, stdout);
			continue;
		}
		if (strchr(special, *p))
			putchar('\\');
		putchar(*p);
	}
}

static void put_commands(void)
{
	for (size_t c = 0; c < CMD_COUNT; c++)
		printf("%s%s", c ? " " : "", commands[c].name);
}

static void put_codes(void)
{
	for (int c = 1; c < DIAG_CODES_END; c++)
		printf("%s%s", c > 1 ? " " : "", diag_info((enum diag_code)c)->id);
}

/* The options that take a value in the next argument, with their letters: "--config|-c|--set". */
static void put_valued(const char *separator)
{
	const char *between = "";

	for (size_t o = 0; o < OPT_COUNT; o++) {
		if (!option_defs[o].arg)
			continue;
		printf("%s--%s", between, option_defs[o].name);
		if (option_defs[o].letter)
			printf("%s-%c", separator, option_defs[o].letter);
		between = separator;
	}
}

/* ---- bash ---- */

static void bash_key(
	void *arg, const char *section, const char *key, const char *form, const char *def, const char *help)
{
	AUTO_FREE char *words = form_words(form);

	if (!arg)
		printf(" %s.%s=", section, key);
	else if (*words)
		printf("\t%s.%s) echo '%s' ;;\n", section, key, words);
}

static void bash_limit(void *arg, const char *name, const char *value)
{
	AUTO_FREE char *words = limit_words(name);

	if (!arg)
		printf(" %s=", name);
	else if (*words)
		printf("\t%s) echo '%s' ;;\n", name, words);
}

static void bash_operands(const struct command *c)
{
	if (strstr(c->usage, "CODE")) {
		printf("\t%s) echo '", c->name);
		put_codes();
		puts("' ;;");
	} else if (strstr(c->usage, "COMMAND")) {
		printf("\t%s) _rehost_commands ;;\n", c->name);
	}
}

static void bash_options(const char *name, unsigned mask)
{
	printf("\t'%s') echo '", name);
	for (size_t o = 0; o < OPT_COUNT; o++)
		if (option_defs[o].commands & mask)
			printf(" --%s%s", option_defs[o].name, option_defs[o].arg ? "=" : "");
	puts("' ;;");
}

static void gen_bash(void)
{
	printf("# shellcheck shell=bash\n" HEAD "_rehost_commands() { echo '");
	put_commands();
	printf("'; }\n_rehost_options() {\n\tcase $1 in\n");
	bash_options("", ~0u);
	for (size_t c = 0; c < CMD_COUNT; c++)
		bash_options(commands[c].name, 1u << c);
	printf("\tesac\n}\n_rehost_takes_value() {\n\tcase $1 in\n\t");
	put_valued(" | ");
	printf(") true ;;\n\t*) false ;;\n\tesac\n}\n_rehost_values() {\n\tcase $1 in\n");
	for (size_t o = 0; o < OPT_COUNT; o++) {
		AUTO_FREE char *words = form_words(option_defs[o].arg ? option_defs[o].arg : "");

		if (*words)
			printf("\t--%s) echo '%s' ;;\n", option_defs[o].name, words);
	}
	printf("\tesac\n}\n_rehost_operands() {\n\tcase $1 in\n");
	for (size_t c = 0; c < CMD_COUNT; c++)
		bash_operands(&commands[c]);
	printf("\t*) false ;;\n\tesac\n}\n_rehost_keys() { echo '");
	conf_each_option(bash_key, NULL);
	printf("'; }\n_rehost_key_values() {\n\tcase $1 in\n");
	conf_each_option(bash_key, (void *)bash_key);
	printf("\tesac\n}\n_rehost_limits() { echo '");
	each_limit(bash_limit, NULL);
	printf("'; }\n_rehost_limit_values() {\n\tcase $1 in\n");
	each_limit(bash_limit, (void *)bash_limit);
	puts("\tesac\n}");
}

/* ---- zsh ---- */

static void zsh_text(const char *text)
{
	put_quoted(text, ":[]\\", "'\\''");
}

/* ":MESSAGE:ACTION" of _arguments. */
static void zsh_value(const char *form)
{
	AUTO_FREE char *words = form_words(form);

	putchar(':');
	zsh_text(form);
	if (str_eq(form, "SECTION.KEY=VALUE"))
		printf(":_rehost_set");
	else if (*words)
		printf(":(%s)", words);
	else
		printf(form_has_files(form) ? ":_files" : ": ");
}

/* No letter where it means another option. */
static void zsh_option(const struct option_def *o, bool letter)
{
	printf("\t\t");
	if (letter && !o->arg)
		printf("'(-%c --%s)'{-%c,--%s}'", o->letter, o->name, o->letter, o->name);
	else if (letter)
		printf("\\*{-%c+,--%s=}'", o->letter, o->name);
	else
		printf("'%s--%s%s", o->arg ? "*" : "", o->name, o->arg ? "=" : "");
	putchar('[');
	zsh_text(o->help);
	putchar(']');
	if (o->arg)
		zsh_value(o->arg);
	puts("'");
}

static void zsh_operands(const struct command *c)
{
	const char *u = c->usage;

	if (strstr(u, "CODE")) {
		printf("\t\t'*:code:(");
		put_codes();
		puts(")'");
	} else if (strstr(u, "COMMAND")) {
		printf("\t\t':command:(");
		put_commands();
		puts(")'");
	} else if (strstr(u, "KEY=VALUE")) {
		puts("\t\t'*:limit:_rehost_limits'");
	} else if (strstr(u, "PATH")) {
		puts("\t\t'*:path:_files'");
	} else if (strstr(u, "SRC")) {
		puts("\t\t':SRC:_files -/' ':DST:_files -/'");
	}
}

static void zsh_key(
	void *arg, const char *section, const char *key, const char *form, const char *def, const char *help)
{
	AUTO_FREE char *words = form_words(form);

	if (!arg) {
		printf("\t'%s.%s:", section, key);
		put_quoted(help, "\\", "'\\''");
		puts("'");
	} else if (*words || form_has_files(form)) {
		printf("\t(%s.%s) ", section, key);
		if (*words)
			printf("compadd -- %s; ", words);
		puts(form_has_files(form) ? "_files ;;" : ";;");
	}
}

static void zsh_limit(void *arg, const char *name, const char *value)
{
	AUTO_FREE char *words = limit_words(name);

	if (!arg)
		printf(" %s", name);
	else if (*words)
		printf("\t(%s) compadd -- %s ;;\n", name, words);
}

static void gen_zsh(void)
{
	puts("#compdef rehost\n" HEAD "typeset -ga _rehost_commands=(");
	for (size_t c = 0; c < CMD_COUNT; c++) {
		printf("\t'%s:", commands[c].name);
		put_quoted(commands[c].summary, "\\", "'\\''");
		puts("'");
	}
	puts(")\ntypeset -ga _rehost_keys=(");
	conf_each_option(zsh_key, NULL);
	puts(")\n_rehost_key_values() {\n\tcase $1 in");
	conf_each_option(zsh_key, (void *)zsh_key);
	printf("\tesac\n}\ntypeset -ga _rehost_limit_keys=(");
	each_limit(zsh_limit, NULL);
	puts(" )\n_rehost_limit_values() {\n\tcase $1 in");
	each_limit(zsh_limit, (void *)zsh_limit);
	printf("\tesac\n}\n_rehost_takes_value() {\n\tcase $1 in\n\t(");
	put_valued("|");
	puts(") true ;;\n\t(*) false ;;\n\tesac\n}\n_rehost_specs() {\n\tcase $1 in\n\t('') specs=(");
	for (size_t o = 0; o < OPT_COUNT; o++)
		zsh_option(&option_defs[o], option_defs[o].letter && o != OPT_CHECKSUM);
	puts("\t) ;;");
	for (size_t c = 0; c < CMD_COUNT; c++) {
		printf("\t(%s) specs=(\n", commands[c].name);
		for (size_t o = 0; o < OPT_COUNT; o++)
			if (takes(c, o))
				zsh_option(&option_defs[o], option_defs[o].letter && o != OPT_CONFIG);
		zsh_operands(&commands[c]);
		puts("\t) ;;");
	}
	puts("\tesac\n}");
}

/* ---- fish ---- */

static void fish_text(const char *text)
{
	put_quoted(text, "\\", "\\'");
}

static void fish_key(
	void *arg, const char *section, const char *key, const char *form, const char *def, const char *help)
{
	AUTO_FREE char *words = form_words(form);

	printf("\t\techo '%s.%s='\\t'", section, key);
	fish_text(help);
	puts("'");
	if (*words)
		printf("\t\tprintf '%s.%s=%%s\\n' %s\n", section, key, words);
}

static void fish_limit(void *arg, const char *name, const char *value)
{
	AUTO_FREE char *words = limit_words(name);

	printf("\t\techo '%s='\\t\n", name);
	if (*words)
		printf("\t\tprintf '%s=%%s\\n' %s\n", name, words);
}

static void fish_option(size_t o)
{
	const struct option_def *d = &option_defs[o];
	AUTO_FREE char *words = form_words(d->arg ? d->arg : "");

	/* The letter that means two things: which one it is depends on whether the command stands there yet. */
	if (o == OPT_CONFIG)
		printf("complete -c rehost -n '__rehost_is none' -s c -r -F\n");
	printf("complete -c rehost -n '__rehost_is none");
	for (size_t c = 0; c < CMD_COUNT; c++)
		if (takes(c, o))
			printf(" %s", commands[c].name);
	printf("' -l %s", d->name);
	if (o == OPT_CHECKSUM)
		printf("\ncomplete -c rehost -n '__rehost_is copy sync' -s c");
	else if (d->letter && o != OPT_CONFIG)
		printf(" -s %c", d->letter);
	if (d->arg) {
		if (str_eq(d->arg, "SECTION.KEY=VALUE"))
			printf(" -x -a '(__rehost_assign __rehost_keys)'");
		else if (*words)
			printf(" -x -a '%s'", words);
		else
			printf(form_has_files(d->arg) ? " -r -F" : " -x");
	}
	printf(" -d '");
	fish_text(d->help);
	puts("'");
}

static void fish_command(const struct command *c)
{
	printf("complete -c rehost -n '__rehost_is none' -a %s -d '", c->name);
	fish_text(c->summary);
	puts("'");
	printf("complete -c rehost -n '__rehost_is %s'", c->name);
	if (strstr(c->usage, "CODE")) {
		printf(" -a '");
		put_codes();
		puts("'");
	} else if (strstr(c->usage, "COMMAND")) {
		printf(" -a '");
		put_commands();
		puts("'");
	} else if (strstr(c->usage, "KEY=VALUE")) {
		puts(" -a '(__rehost_assign __rehost_limits)'");
	} else if (strstr(c->usage, "SRC") || strstr(c->usage, "PATH")) {
		puts(" -F");
	} else {
		puts(" -f");
	}
}

static void gen_fish(void)
{
	printf(HEAD "function __rehost_takes_value\n\tcontains -- $argv[1] ");
	put_valued(" ");
	printf("\nend\nfunction __rehost_keys\n");
	conf_each_option(fish_key, NULL);
	puts("end\nfunction __rehost_limits");
	each_limit(fish_limit, NULL);
	puts("end\ncomplete -c rehost -f");
	for (size_t c = 0; c < CMD_COUNT; c++)
		fish_command(&commands[c]);
	for (size_t o = 0; o < OPT_COUNT; o++)
		fish_option(o);
}

int main(int argc, char **argv)
{
	const char *shell = argc == 2 ? argv[1] : "";

	if (str_eq(shell, "bash"))
		gen_bash();
	else if (str_eq(shell, "zsh"))
		gen_zsh();
	else if (str_eq(shell, "fish"))
		gen_fish();
	else
		return 64;
	return fflush(stdout) != 0;
}
