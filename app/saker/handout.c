/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "handout.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "control.h"
#include "saker_pspfile.h"

#define RESERVE 4096 /* SPIs of a block */

/** SPIs of one group and master key that are on disk as taken, and not yet handed out. */
struct block {
	char group[SAKER_NAME_MAX];
	struct saker_spi_key key;
	struct saker_spi_block left;
	struct block *next;
};

/** A trust group as it stands, copied so that nothing is locked while SAs are made. */
struct source {
	char group[SAKER_NAME_MAX], *state_dir;
	struct saker_spi_key key;
	struct saker_spi_want range;
	struct saker_handout handout;
	uint8_t master[SAKER_ROOT_LEN];
};

static struct block *blocks;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of blocks */

static int
refuse(struct saker_handout_lot *lot, int rc, const char *what)
{
	snprintf(lot->why, sizeof(lot->why), "%s", what);
	return rc;
}

static const struct saker_cfg_group *
find_group(const struct saker_config *c, const char *name)
{
	for (unsigned int i = 0; i < c->n_groups; i++)
		if (strcmp(c->groups[i].name, name) == 0)
			return &c->groups[i];
	return NULL;
}

/* The value that seals in other formats: every gateway that shares the root key opens with it. */
static int
copy_source(const struct saker_gateway *g, const struct saker_cfg_group *cfg, struct source *s)
{
	uint16_t number = cfg->root_keys.index[0];
	const struct saker_root_values *values = &g->roots.values[number];
	const struct saker_cfg_root_key *key = &g->config->root_keys[number];
	uint8_t generation = g->roots.sending[number].generation;

	snprintf(s->group, sizeof(s->group), "%s", cfg->name);
	memcpy(s->master, values->value[generation], sizeof(s->master));
	s->handout = (struct saker_handout){ s->master, saker_root_index(values, generation),
		cfg->version };
	s->range = (struct saker_spi_want){ cfg->spi, cfg->spi_last, 1, RESERVE };
	s->state_dir = strdup(g->config->gateway.state_dir);
	if (s->state_dir == NULL)
		return -ENOMEM;
	return saker_handout_key(&s->handout, key->id.octets, key->id.len, &s->key);
}

static int
look_up(const struct saker_gateway *g, const char *group, struct source *s,
	struct saker_handout_lot *lot)
{
	const struct saker_cfg_group *cfg;
	int rc;

	saker_control_lock();
	cfg = find_group(g->config, group);
	if (cfg == NULL)
		rc = refuse(lot, -ENOENT, "there is no such trust group; show groups lists them");
	else if (cfg->format != saker_format_psp.letter || cfg->role == SAKER_ROLE_PEER ||
		 cfg->root_keys.n == 0)
		rc = refuse(lot, -EPERM,
			"the trust group hands no SPIs out; that is for format psp and role "
			"server, or client with root_keys");
	else if (copy_source(g, cfg, s) != 0)
		rc = refuse(lot, -ENOMEM, "no memory, or the crypto library failed");
	else
		rc = 0;
	saker_control_unlock();
	return rc;
}

static struct block *
block_of(const struct source *s)
{
	struct block *b = blocks;

	while (b != NULL && strcmp(b->group, s->group) != 0)
		b = b->next;
	if (b == NULL) {
		b = calloc(1, sizeof(*b));
		if (b == NULL)
			return NULL;
		snprintf(b->group, sizeof(b->group), "%s", s->group);
		b->next = blocks;
		blocks = b;
	}
	return b;
}

/* What is left of a block under another master key, or outside of the range, is skipped. */
static void
check_block(struct block *b, const struct source *s)
{
	bool in_range = b->left.first >= s->range.first &&
			b->left.first + b->left.n - 1 <= s->range.last;

	if (b->left.n > 0 && in_range && memcmp(&b->key, &s->key, sizeof(b->key)) == 0)
		return;
	b->key = s->key;
	b->left.n = 0;
}

static int
refill(struct block *b, const struct source *s, unsigned int need, struct saker_handout_lot *lot)
{
	struct saker_spi_want want = s->range;
	struct saker_faults faults = { 0 };
	int rc;

	want.least = need;
	want.most = RTE_MAX(need, (unsigned int)RESERVE);
	rc = saker_spi_take(s->state_dir, &s->key, &want, &b->left, &faults);
	if (rc != 0)
		snprintf(lot->why, sizeof(lot->why), "%s",
			faults.n > 0 ? faults.text[0] : "the SPIs can't be taken");
	saker_faults_free(&faults);
	return rc;
}

static int
derive(const struct source *s, struct saker_spi_block *left, unsigned int n,
	struct saker_psp_sa *sas)
{
	const struct saker_spi_block part = { left->first, n };

	left->first += n;
	left->n -= n;
	return saker_handout_derive(&s->handout, &part, sas);
}

/* The rest of a block, then the beginning of another. If that fails nothing was handed out. */
static int
make(struct block *b, const struct source *s, struct saker_handout_lot *lot)
{
	unsigned int n = RTE_MIN(b->left.n, lot->sas.n), need = lot->sas.n - n;
	struct saker_spi_block rest = b->left;
	int rc = need == 0 ? 0 : refill(b, s, need, lot);

	if (rc != 0) {
		b->left = rest;
		return rc;
	}
	if (need == 0)
		rc = derive(s, &b->left, n, lot->sas.sa);
	else if (n > 0)
		rc = derive(s, &rest, n, lot->sas.sa);
	if (rc == 0 && need > 0)
		rc = derive(s, &b->left, need, lot->sas.sa + n);
	return rc == 0 ? 0 : refuse(lot, rc, "the crypto library failed to derive a key");
}

static int
make_of(const struct source *s, struct saker_handout_lot *lot)
{
	struct block *b;
	int rc;

	pthread_mutex_lock(&mutex);
	b = block_of(s);
	if (b == NULL) {
		rc = refuse(lot, -ENOMEM, "no memory");
	} else {
		check_block(b, s);
		rc = make(b, s, lot);
	}
	pthread_mutex_unlock(&mutex);
	return rc;
}

int
saker_handout_make(const struct saker_gateway *g, const char *group, unsigned int count,
	struct saker_handout_lot *lot)
{
	struct source *s = saker_secret_alloc(sizeof(*s));
	int rc;

	memset(lot, 0, sizeof(*lot));
	if (count < 1 || count > SAKER_PSP_SAS) {
		saker_secret_free(s, sizeof(*s));
		return refuse(lot, -EINVAL, "count is not a whole number from 1 to 1024");
	}
	lot->sas.sa = saker_secret_alloc(count * sizeof(*lot->sas.sa));
	lot->sas.n = count;
	if (s == NULL || lot->sas.sa == NULL)
		rc = refuse(lot, -ENOMEM, "no memory");
	else
		rc = look_up(g, group, s, lot);
	if (rc == 0) {
		lot->version = s->handout.version;
		rc = make_of(s, lot);
	}
	if (rc != 0)
		saker_psp_sas_free(&lot->sas);
	if (s != NULL)
		free(s->state_dir);
	saker_secret_free(s, sizeof(*s));
	return rc;
}

static int
write_lot(const struct saker_handout_lot *lot, const char *group, const char *file)
{
	const struct saker_psp_sa *sa = lot->sas.sa;
	int rc = saker_pspfile_write(file, lot->version, &lot->sas, false);

	if (rc == -EEXIST)
		fprintf(stderr,
			"psp spi new: %s is there already and stays as it is; choose another "
			"name\n",
			file);
	else if (rc != 0)
		fprintf(stderr, "psp spi new: %s can't be written: %s\n", file, strerror(-rc));
	else
		fprintf(stderr,
			"psp spi new: %s holds %u SAs of %s, SPIs 0x%08" PRIx32 " to 0x%08" PRIx32
			"; keep it secret\n",
			file, lot->sas.n, group, sa[0].spi, sa[lot->sas.n - 1].spi);
	return rc;
}

static unsigned int
read_count(const char *text)
{
	char *end;
	unsigned long n;

	if (text == NULL)
		return 1;
	n = strtoul(text, &end, 10);
	return *text < '0' || *text > '9' || *end != '\0' || n > SAKER_PSP_SAS ? 0
									       : (unsigned int)n;
}

/* A name for a file: a group's may hold anything. */
static char *
file_name(const char *dir, const char *group, uint32_t spi)
{
	char *name = NULL;
	size_t at = strlen(dir) + strlen("/psp-");

	if (asprintf(&name, "%s/psp-%s-%08" PRIx32 ".key", dir, group, spi) < 0)
		return NULL;
	for (char *p = name + at; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL)
			*p = '_';
	return name;
}

int
saker_handout_new(
	const struct saker_gateway *g, const char *group, const char *count, const char *file)
{
	struct saker_handout_lot lot;
	char *made = NULL;
	int rc = saker_handout_make(g, group, read_count(count), &lot);

	if (rc != 0) {
		fprintf(stderr, "psp spi new: %s: %s\n", group, lot.why);
		return rc;
	}
	if (file == NULL)
		file = made = file_name(g->config->gateway.state_dir, group, lot.sas.sa[0].spi);
	rc = file == NULL ? -ENOMEM : write_lot(&lot, group, file);
	free(made);
	saker_psp_sas_free(&lot.sas);
	return rc;
}

void
saker_handout_fini(void)
{
	while (blocks != NULL) {
		struct block *next = blocks->next;

		free(blocks);
		blocks = next;
	}
}
