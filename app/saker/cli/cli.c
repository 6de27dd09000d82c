/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <rte_log.h>

#include <cmdline_socket.h>

#include "capture.h"
#include "grammar.h"
#include "live.h"
#include "nearest.h"

#define LONGEST_WORD (STR_TOKEN_SIZE - 2u) /* characters */

/* The prompt, or the file that is read: there is one at a time, as there is one main lcore. */
static struct {
	struct saker_gateway *gateway;
	struct cmdline *cl;
	cmdline_parse_ctx_t *grammar;
	/** for completion, separated by '#' */
	char *ports, *log_types, *keys, *groups;
	bool ran, failed; /**< the last command */
	bool prompt;      /**< it is on the terminal */
} cli;

static void
run_known(void *parsed, struct cmdline *cl, void *data)
{
	const struct saker_words *w = parsed;
	struct saker_call call = { .command = data, .gateway = cli.gateway };
	unsigned int n = 0;
	bool json;

	while (n < SAKER_WORDS && w->word[n][0] != '\0') {
		call.word[n] = w->word[n];
		n++;
	}
	json = strstr(call.command->syntax, "[json]") != NULL &&
	       strcmp(call.word[n - 1], "json") == 0;
	if (json)
		call.word[n - 1] = NULL;
	saker_out_file(&call.out, stdout, json);
	cli.ran = true;
	cli.failed = call.command->run(&call) != 0;
	fflush(stdout);
	if (saker_quit_asked())
		cmdline_quit(cl);
}

static void
suggest_help(const char *line)
{
	size_t len = strcspn(line, " \t");

	for (const struct saker_area *a = saker_areas; a->name != NULL; a++)
		if (strlen(a->name) == len && strncmp(a->name, line, len) == 0) {
			fprintf(stderr, "; `help %s` lists what there is\n", a->name);
			return;
		}
	fprintf(stderr, "; `help` lists what there is\n");
}

/* As much of a line as is told of it. What a terminal would obey is a '?'. */
static const char *
shown(const char *line)
{
	static char text[81];
	size_t n = 0;

	for (; n < sizeof(text) - 1 && line[n] != '\0'; n++)
		text[n] = (unsigned char)line[n] < ' ' || line[n] == 0x7f ? '?' : line[n];
	text[n] = '\0';
	return text;
}

/* The library takes no longer ones, and so finds no command for them. */
static bool
has_long_word(const char *line)
{
	for (size_t len = 0; *line != '\0'; line += len) {
		line += strspn(line, " \t");
		len = strcspn(line, " \t");
		if (len > LONGEST_WORD)
			return true;
	}
	return false;
}

static void
run_unknown(void *parsed, struct cmdline *cl, void *data)
{
	const struct saker_command *found[SAKER_NEAREST];
	const char *line = parsed;
	unsigned int n = saker_nearest(line, saker_commands(), found);

	(void)cl;
	(void)data;
	cli.ran = cli.failed = true;
	if (has_long_word(line)) {
		fprintf(stderr,
			"'%s' has a word of more than %u characters; give a shorter path, or a "
			"link to it\n",
			shown(line), LONGEST_WORD);
		return;
	}
	fprintf(stderr, "there is no command '%s'", shown(line));
	if (n == 0)
		suggest_help(line);
	for (unsigned int i = 0; i < n; i++)
		fprintf(stderr, "%s%s%s", i == 0 ? "; did you mean: " : ", ", found[i]->syntax,
			i == n - 1 ? "?\n" : "");
}

static char *
port_names(const struct saker_gateway *g)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (unsigned int i = 0; i < g->n_ports; i++)
		fprintf(f, "%s#", g->ports[i].cfg->name);
	fputs("all#json", f);
	fclose(f);
	return text;
}

static char *
key_names(const struct saker_config *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (unsigned int i = 0; c != NULL && i < c->n_root_keys; i++)
		fprintf(f, "%s%s", i == 0 ? "" : "#", c->root_keys[i].name);
	fclose(f);
	return text;
}

static char *
group_names(const struct saker_config *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	for (unsigned int i = 0; c != NULL && i < c->n_groups; i++)
		fprintf(f, "%s%s", i == 0 ? "" : "#", c->groups[i].name);
	fclose(f);
	return text;
}

static char *
log_types(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	rte_log_list_types(f, "");
	fclose(f);
	for (char *p = text; p != NULL && *p != '\0'; p++)
		if (*p == '\n')
			*p = p[1] == '\0' ? '\0' : '#';
	return text;
}

static void
tear_down(void)
{
	saker_grammar_free(cli.grammar);
	free(cli.ports);
	free(cli.log_types);
	free(cli.keys);
	free(cli.groups);
	memset(&cli, 0, sizeof(cli));
}

static int
set_up(struct saker_gateway *g)
{
	struct saker_choices choices[] = {
		{ "AREA", saker_area_names },
		{ "PORT", cli.ports = port_names(g) },
		{ "POINT", saker_capture_points },
		{ "TYPE", cli.log_types = log_types() },
		{ "LEVEL", saker_log_levels },
		{ "NAME", cli.keys = key_names(g->config) },
		{ "GROUP", cli.groups = group_names(g->config) },
		{ NULL, NULL },
	};
	struct saker_grammar_spec spec = { saker_commands(), choices, run_known, run_unknown };

	cli.gateway = g;
	cli.grammar = saker_grammar_new(&spec);
	if (cli.grammar != NULL)
		return 0;
	tear_down();
	return -ENOMEM;
}

static bool
is_blank(const char *line)
{
	size_t at = strspn(line, " \t\r\n");

	return line[at] == '\0' || line[at] == '#';
}

static int
run_line(const char *text)
{
	char *line = NULL;

	cli.ran = cli.failed = false;
	if (asprintf(&line, "%s\n", text) < 0)
		return -ENOMEM;
	cmdline_parse(cli.cl, line);
	free(line);
	return cli.ran && !cli.failed ? 0 : -EINVAL;
}

/* @return 0, or -EINVAL at the first line that fails: it is in *text, its number in *number */
static int
run_lines(FILE *f, char **text, unsigned int *number)
{
	size_t room = 0;
	ssize_t len;
	int ret = 0;

	while (ret == 0 && !saker_quit_asked() && (len = getline(text, &room, f)) >= 0) {
		bool whole = strlen(*text) == (size_t)len;

		saker_live_poll(cli.gateway);
		(*number)++;
		(*text)[strcspn(*text, "\r\n")] = '\0';
		if (!whole) {
			fputs("a command holds a NUL octet; is this a file of text?\n", stderr);
			ret = -EINVAL;
		} else if (!is_blank(*text)) {
			ret = run_line(*text);
		}
	}
	return ret;
}

static int
run_file(FILE *f, const char *file)
{
	char *text = NULL;
	unsigned int number = 0;
	int ret = run_lines(f, &text, &number);

	if (ret != 0) {
		fprintf(stderr, "%s:%u: '%s' failed; the rest of the file is not run\n", file,
			number, shown(text));
		ret = -EINVAL;
	} else if (ferror(f)) {
		fprintf(stderr, "%s: can't be read: %s\n", file, strerror(errno));
		ret = -EINVAL;
	}
	free(text);
	return ret;
}

int
saker_cli_file(struct saker_gateway *g, const char *file)
{
	FILE *f = fopen(file, "r");
	int ret;

	if (f == NULL) {
		fprintf(stderr, "%s: can't be opened: %s\n", file, strerror(errno));
		return -EINVAL;
	}
	ret = set_up(g);
	if (ret == 0)
		cli.cl = cmdline_new(cli.grammar, "", -1, -1);
	if (cli.cl == NULL) {
		fprintf(stderr, "%s: no memory to run its commands\n", file);
		ret = -EINVAL;
	} else {
		ret = run_file(f, file);
		cmdline_free(cli.cl);
	}
	fclose(f);
	tear_down();
	return ret;
}

/* librte_cmdline takes Ctrl-C as a letter; here it ends the program, and a long command. */
static void
let_signals_pass(void)
{
	struct termios term;

	if (tcgetattr(STDIN_FILENO, &term) != 0)
		return;
	term.c_lflag |= ISIG;
	tcsetattr(STDIN_FILENO, TCSANOW, &term);
}

int
saker_cli_start(struct saker_gateway *g)
{
	int ret = set_up(g);

	if (ret != 0)
		return ret;
	fflush(stdout);
	cli.cl = cmdline_stdin_new(cli.grammar, "saker> ");
	if (cli.cl == NULL) {
		tear_down();
		return -ENOMEM;
	}
	cli.prompt = true;
	let_signals_pass();
	return 0;
}

/* The prompt's line is left as it is, so what is printed next begins below it. */
static bool
interrupted(void)
{
	fputs("\n", stdout);
	saker_ask_to_quit();
	return false;
}

bool
saker_cli_poll(struct saker_gateway *g, int timeout_ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char text[256];
	ssize_t n;

	cli.gateway = g;
	if (!cli.prompt)
		return false;
	if (poll(&in, 1, timeout_ms) <= 0)
		return saker_quit_asked() ? interrupted() : true;
	n = read(STDIN_FILENO, text, sizeof(text));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return saker_quit_asked() ? interrupted() : true;
	if (n <= 0)
		return interrupted();
	if (cmdline_in(cli.cl, text, (int)n) < 0)
		return saker_quit_asked() ? false : interrupted();
	return !saker_quit_asked();
}

void
saker_cli_stop(void)
{
	if (!cli.prompt)
		return;
	fflush(stdout);
	cmdline_stdin_exit(cli.cl);
	tear_down();
}
