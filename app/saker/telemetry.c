/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "telemetry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_telemetry.h>

#include "control.h"
#include "show.h"

#define PREFIX "/saker/"

/* A reply has 16 kB and a dictionary 256 entries; what goes beyond is left out without a word. */
#define PAGE_OCTETS 14000
#define PAGE_ROWS   250

/* The nouns of `show` that programs are given. */
static const struct {
	const char *command;
	const char *help;
} commands[] = {
	{ PREFIX "stats", "Traffic by direction. Parameters: first row (0)" },
	{ PREFIX "drops", "Dropped packets by reason. Parameters: first row (0)" },
	{ PREFIX "stages", "Cycles per packet of every stage. Parameters: first row (0)" },
	{ PREFIX "groups", "Trust groups. Parameters: first row (0)" },
	{ PREFIX "keys", "Root keys by id and check value. Parameters: first row (0)" },
	{ PREFIX "sessions", "Sequence numbers by session. Parameters: first row (0)" },
	{ PREFIX "lcores", "Workers and their load. Parameters: first row (0)" },
	{ PREFIX "policies", "Policies with their traffic. Parameters: first row (0)" },
	{ PREFIX "psp", "PSP packets by what became of them. Parameters: first row (0)" },
	{ PREFIX "proxies", "Proxies with their traffic. Parameters: first row (0)" },
	{ PREFIX "peers", "Traffic by peer. Parameters: first row (0)" },
};

/** A reply under way. */
struct reply {
	struct rte_tel_data *data;
	size_t first;
	int ret;
};

static const struct saker_gateway *gateway;

/* Octets that a row takes at most, with quotes and punctuation. */
static size_t
row_octets(const struct saker_table *t, size_t row)
{
	size_t octets = 16;

	for (unsigned int c = 0; c < t->n_columns; c++)
		octets += strlen(t->columns[c].name) +
			  2 * strlen(t->cell[row * t->n_columns + c].text) + 8;
	return octets;
}

static int
add_cell(struct rte_tel_data *row, const char *name, const struct saker_cell *cell)
{
	char text[RTE_TEL_MAX_STRING_LEN];

	switch (cell->kind) {
	case SAKER_CELL_NUMBER:
		return rte_tel_data_add_dict_u64(row, name, strtoull(cell->text, NULL, 10));
	case SAKER_CELL_TRUE:
	case SAKER_CELL_FALSE:
		return rte_tel_data_add_dict_u64(row, name, cell->kind == SAKER_CELL_TRUE);
	case SAKER_CELL_NONE:
		return 0;
	default:
		snprintf(text, sizeof(text), "%s", cell->text);
		return rte_tel_data_add_dict_string(row, name, text);
	}
}

static int
add_row(struct rte_tel_data *rows, const struct saker_table *t, size_t number)
{
	struct rte_tel_data *row = rte_tel_data_alloc();
	char name[24];
	int ret = 0;

	if (row == NULL)
		return -ENOMEM;
	rte_tel_data_start_dict(row);
	for (unsigned int c = 0; c < t->n_columns && ret == 0; c++)
		ret = add_cell(row, t->columns[c].name, &t->cell[number * t->n_columns + c]);
	snprintf(name, sizeof(name), "%zu", number);
	if (ret == 0)
		ret = rte_tel_data_add_dict_container(rows, name, row, 0);
	if (ret != 0)
		rte_tel_data_free(row);
	return ret;
}

/* @return the row behind the last that was added */
static size_t
add_rows(struct rte_tel_data *rows, const struct saker_table *t, size_t first)
{
	size_t octets = 0, row = first;

	for (; row < t->n_rows && row - first < PAGE_ROWS; row++) {
		octets += row_octets(t, row);
		if (octets > PAGE_OCTETS || add_row(rows, t, row) != 0)
			break;
	}
	return row;
}

/* {"total": rows there are, "rows": {"0": {column: value, ...}, ...}, "next": if there are more} */
static void
put_table(void *arg, const struct saker_table *t)
{
	struct reply *reply = arg;
	struct rte_tel_data *rows = rte_tel_data_alloc();
	size_t end;

	reply->ret = -ENOMEM;
	if (rows == NULL)
		return;
	rte_tel_data_start_dict(rows);
	end = add_rows(rows, t, reply->first);
	rte_tel_data_start_dict(reply->data);
	rte_tel_data_add_dict_u64(reply->data, "total", t->n_rows);
	if (end < t->n_rows)
		rte_tel_data_add_dict_u64(reply->data, "next", end);
	reply->ret = rte_tel_data_add_dict_container(reply->data, "rows", rows, 0);
	if (reply->ret != 0)
		rte_tel_data_free(rows);
}

/* @return 0, or -EINVAL: that is no row number */
static int
read_first(const char *params, size_t *first)
{
	char *end;

	*first = 0;
	if (params == NULL || *params == '\0')
		return 0;
	if (*params < '0' || *params > '9')
		return -EINVAL;
	errno = 0;
	*first = strtoull(params, &end, 10);
	return errno != 0 || *end != '\0' ? -EINVAL : 0;
}

static int
answer(const char *command, const char *params, struct rte_tel_data *data)
{
	const struct saker_show *s = saker_show_find(command + sizeof(PREFIX) - 1);
	struct reply reply = { .data = data, .ret = -ENODEV };
	struct saker_out out;

	if (s == NULL || read_first(params, &reply.first) != 0)
		return -EINVAL;
	saker_out_tables(&out, put_table, &reply);
	saker_control_lock();
	if (gateway != NULL)
		s->show(gateway, &out);
	saker_control_unlock();
	return reply.ret;
}

void
saker_telemetry_start(const struct saker_gateway *g)
{
	saker_control_lock();
	gateway = g;
	saker_control_unlock();
	for (unsigned int i = 0; i < RTE_DIM(commands); i++)
		(void)rte_telemetry_register_cmd(commands[i].command, answer, commands[i].help);
}

void
saker_telemetry_stop(void)
{
	saker_control_lock();
	gateway = NULL;
	saker_control_unlock();
}
