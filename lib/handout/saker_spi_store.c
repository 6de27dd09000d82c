/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_spi_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define TEMP_FILE  SAKER_SPI_FILE ".tmp"
#define LOCK_FILE  SAKER_SPI_FILE ".lock"
#define FIRST_LINE "saker psp spis 1\n"
#define SUM_LENGTH (strlen("sha256=") + 64 + 1)
#define RECORD_MAX 160u
#define FILE_MAX   (1u << 20)
#define REMEDY                                                                                     \
	"restore it; or give every root key that SPIs were handed out under two new values, then " \
	"remove it"

/* How far one master key has come. */
struct record {
	struct saker_spi_key key;
	uint32_t next; /* every SPI handed out is below it */
};

/* The state directory while SPIs are taken. */
struct store {
	const char *dir;
	struct saker_faults *faults;
	int dir_fd, lock_fd;
	struct record *records;
	size_t n;
};

static int
fault(const struct store *s, int rc, const char *what)
{
	saker_fault(s->faults, NULL, 0, "%s/%s %s; %s", s->dir, SAKER_SPI_FILE, what, REMEDY);
	return rc;
}

static size_t
record_encode(const struct record *r, char line[RECORD_MAX])
{
	char id[2 * SAKER_ROOT_ID_MAX + 1], mk[2 * sizeof(r->key.mk_check) + 1];

	return (size_t)snprintf(line, RECORD_MAX,
		"root=%s index=%" PRIu32 " mk=%s next=%08" PRIx32 "\n",
		saker_hex_encode(r->key.id, r->key.id_len, id), r->key.index,
		saker_hex_encode(r->key.mk_check, sizeof(r->key.mk_check), mk), r->next);
}

/* A line is right if it is what we would have written: so nothing in it can go unnoticed. */
static bool
record_decode(const char *text, size_t length, struct record *r)
{
	char line[RECORD_MAX] = "", again[RECORD_MAX], id[65], mk[17];
	int n;

	*r = (struct record){ 0 };
	if (length >= sizeof(line))
		return false;
	memcpy(line, text, length);
	if (sscanf(line, "root=%64[0-9a-f] index=%10" SCNu32 " mk=%16[0-9a-f] next=%8" SCNx32, id,
		    &r->key.index, mk, &r->next) != 4)
		return false;
	n = saker_hex_decode(id, r->key.id, sizeof(r->key.id));
	if (n <= 0 || saker_hex_decode(mk, r->key.mk_check, 8) != 8)
		return false;
	r->key.id_len = (uint8_t)n;
	return r->next <= SAKER_SPI_LAST + 1u && record_encode(r, again) == length &&
	       memcmp(again, text, length) == 0;
}

static bool
checksum(const char *text, size_t length, char line[80])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * 32 + 1];

	if (EVP_Digest(text, length, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	snprintf(line, 80, "sha256=%s\n", saker_hex_encode(digest, 32, hex));
	return true;
}

static bool
frame_good(const char *text, size_t length)
{
	size_t first = strlen(FIRST_LINE);
	char last[80];

	return length >= first + SUM_LENGTH && memcmp(text, FIRST_LINE, first) == 0 &&
	       checksum(text, length - SUM_LENGTH, last) &&
	       memcmp(text + length - SUM_LENGTH, last, SUM_LENGTH) == 0;
}

static int
add_record(struct store *s, const struct record *r)
{
	struct record *grown = reallocarray(s->records, s->n + 1, sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	s->records = grown;
	s->records[s->n++] = *r;
	return 0;
}

/* @return what is wrong with the text, or NULL */
static const char *
decode(struct store *s, const char *text, size_t length)
{
	const char *at = text + strlen(FIRST_LINE), *end = text + length - SUM_LENGTH;

	if (!frame_good(text, length))
		return "is no list of SPIs of this version, or is damaged";
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct record r;

		if (newline == NULL || !record_decode(at, (size_t)(newline + 1 - at), &r))
			return "holds a malformed record";
		if (add_record(s, &r) != 0)
			return "does not fit memory";
		at = newline + 1;
	}
	return NULL;
}

/* The whole of the file; free() it. NULL: errno says why, ENOENT that there is none. */
static char *
slurp(int dir_fd, size_t *length)
{
	int fd = openat(dir_fd, SAKER_SPI_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = fd < 0 ? NULL : malloc(FILE_MAX);
	ssize_t n = 0;

	*length = 0;
	do {
		*length += (size_t)n;
		n = text == NULL ? -1 : read(fd, text + *length, FILE_MAX - *length);
	} while (n > 0);
	if (n == 0 && *length == FILE_MAX) {
		errno = EFBIG;
		n = -1;
	}
	if (n < 0) {
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

static int
load(struct store *s)
{
	size_t length;
	char *text = slurp(s->dir_fd, &length);
	const char *why;

	if (text == NULL && errno == ENOENT)
		return 0;
	why = text == NULL ? strerror(errno) : decode(s, text, length);
	free(text);
	return why == NULL ? 0 : fault(s, -EINVAL, why);
}

static int
write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static int
replace_file(const struct store *s, const char *text, size_t length)
{
	int fd = openat(
		s->dir_fd, TEMP_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? -errno : write_all(fd, text, length);

	if (fd >= 0 && close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(s->dir_fd, TEMP_FILE, s->dir_fd, SAKER_SPI_FILE) != 0)
		rc = -errno;
	if (rc == 0 && fsync(s->dir_fd) != 0)
		rc = -errno;
	return rc;
}

static int
commit(const struct store *s)
{
	size_t n = strlen(FIRST_LINE), room = n + s->n * RECORD_MAX + 80;
	char *text = malloc(room);
	int rc = -ENOMEM;

	if (text == NULL)
		return rc;
	memcpy(text, FIRST_LINE, n);
	for (size_t i = 0; i < s->n; i++)
		n += record_encode(&s->records[i], text + n);
	if (n + SUM_LENGTH <= FILE_MAX && checksum(text, n, text + n))
		rc = replace_file(s, text, n + SUM_LENGTH);
	free(text);
	return rc;
}

static int
lock_dir(struct store *s)
{
	if (mkdir(s->dir, 0700) != 0 && errno != EEXIST)
		return -errno;
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return -errno;
	s->lock_fd = openat(s->dir_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return -errno;
	while (flock(s->lock_fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int
open_store(struct store *s)
{
	int rc = lock_dir(s);

	if (rc == 0)
		return load(s);
	saker_fault(s->faults, NULL, 0,
		"state directory %s can't be used for SPIs (%s): create it, make it writable, or "
		"change state_dir",
		s->dir, strerror(-rc));
	return -EINVAL;
}

static void
close_store(struct store *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s->records);
}

static bool
same_slot(const struct saker_spi_key *a, const struct saker_spi_key *b)
{
	return a->id_len == b->id_len && memcmp(a->id, b->id, a->id_len) == 0 &&
	       (a->index & 1) == (b->index & 1);
}

static bool
same_master(const struct saker_spi_key *a, const struct saker_spi_key *b)
{
	return (a->index & 1) == (b->index & 1) &&
	       memcmp(a->mk_check, b->mk_check, sizeof(a->mk_check)) == 0;
}

static struct record *
find(struct store *s, const struct saker_spi_key *key,
	bool (*same)(const struct saker_spi_key *, const struct saker_spi_key *))
{
	for (size_t i = 0; i < s->n; i++)
		if (same(&s->records[i].key, key))
			return &s->records[i];
	return NULL;
}

/* The record of a master key, whatever it is called: the one that is there, or a new one in place
 * of that of an earlier index.
 */
static struct record *
record_of(struct store *s, const struct saker_spi_key *key)
{
	struct record fresh = { .key = *key, .next = 1 }, *r = find(s, key, same_master);

	if (r != NULL)
		return r;
	r = find(s, key, same_slot);
	if (r == NULL)
		return add_record(s, &fresh) == 0 ? &s->records[s->n - 1] : NULL;
	if (key->index <= r->key.index)
		return NULL;
	*r = fresh;
	return r;
}

static int
take(struct store *s, const struct saker_spi_key *key, const struct saker_spi_want *want,
	struct saker_spi_block *block)
{
	struct record *r = record_of(s, key);
	uint32_t first, left;

	if (r == NULL) {
		saker_fault(s->faults, NULL, 0,
			"SPIs were handed out under another value of index %" PRIu32
			" of the root key, or under a later one; give the value a higher index",
			key->index);
		return -ESTALE;
	}
	first = r->next > want->first ? r->next : want->first;
	left = first > want->last ? 0 : want->last - first + 1;
	if (left < want->least || left == 0) {
		saker_fault(s->faults, NULL, 0,
			"%" PRIu32 " SPIs are left under index %" PRIu32
			" of the root key, and %" PRIu32 " are wanted; rotate it",
			left, key->index, want->least);
		return -ENOSPC;
	}
	*block = (struct saker_spi_block){ first, left < want->most ? left : want->most };
	r->next = first + block->n;
	return 0;
}

int
saker_spi_take(const char *dir, const struct saker_spi_key *key, const struct saker_spi_want *want,
	struct saker_spi_block *block, struct saker_faults *faults)
{
	struct store s = { .dir = dir, .faults = faults, .dir_fd = -1, .lock_fd = -1 };
	int rc = open_store(&s), written;

	if (rc == 0)
		rc = take(&s, key, want, block);
	if (rc == 0) {
		written = commit(&s);
		if (written != 0)
			saker_fault(faults, NULL, 0,
				"%s/%s can't be written (%s): make room, or make it writable", dir,
				SAKER_SPI_FILE, strerror(-written));
		rc = written == 0 ? 0 : -EIO;
	}
	if (rc != 0)
		memset(block, 0, sizeof(*block));
	close_store(&s);
	return rc;
}
