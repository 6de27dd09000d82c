/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * The configuration in force against the file, and root keys against their files.
 */

#include <errno.h>
#include <inttypes.h>

#include "saker_keyfile.h"
#include "show_parts.h"

static void
value_cell(struct saker_report *r, const char *value)
{
	if (value != NULL)
		saker_report_text(r, "%s", value);
	else
		saker_report_none(r);
}

static void
change_row(void *arg, const struct saker_config_change *change)
{
	saker_report_text(arg, "%s", change->path);
	value_cell(arg, change->before);
	value_cell(arg, change->after);
	saker_report_text(arg, "%s", change->restart ? "restart" : "reload");
}

static void
key_row(struct saker_report *r, const char *name, const struct saker_root_values *running,
	const struct saker_root_values *file)
{
	if (running->index == file->index)
		return;
	saker_report_text(r, "root_keys.%s (index)", name);
	saker_report_text(r, "%" PRIu32, running->index);
	saker_report_text(r, "%" PRIu32, file->index);
	saker_report_text(r, "reload");
}

static void
key_rows(const struct saker_gateway *g, const struct saker_config *file, struct saker_report *r,
	struct saker_faults *faults)
{
	struct saker_root_values *v = saker_secret_alloc(sizeof(*v));

	for (unsigned int i = 0; v != NULL && i < file->n_root_keys; i++) {
		int same = saker_root_set_same(file, i, g->config);

		if (saker_keyfile_read(file->root_keys[i].file, v, faults) == 0 && same >= 0)
			key_row(r, file->root_keys[i].name, &g->roots.values[same], v);
	}
	if (v != NULL)
		saker_secret_free(v, sizeof(*v));
}

int
saker_show_diff(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "path", 'l' },
		{ "running", 'l' },
		{ "file", 'l' },
		{ "takes", 'l' },
	};
	struct saker_faults faults = { 0 };
	struct saker_config *file = saker_config_load(g->config->file, &faults);
	struct saker_report *r = SAKER_REPORT_BEGIN("config_diff", columns);
	int ret;

	if (file != NULL && r != NULL) {
		(void)saker_config_diff(g->config, file, change_row, r);
		key_rows(g, file, r, &faults);
	}
	ret = faults.errors > 0 ? -EINVAL : 0;
	saker_faults_print(&faults, stderr);
	saker_faults_free(&faults);
	saker_report_end(r, out, ret == 0 ? "the file says what runs" : "the file can't be loaded");
	saker_config_free(file);
	return ret;
}
