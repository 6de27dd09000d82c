/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_sn_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "saker_bytes.h"

#define TEMP_FILE   SAKER_STORE_FILE ".tmp"
#define LOCK_FILE   "lock"
#define FIRST_LINE  "saker sn reservations 1\n"
#define LAST_LINE   "sha256="
#define LAST_LENGTH (strlen(LAST_LINE) + 64 + 1)
#define RECORD_MAX  320u
#define FILE_MAX    (256u << 20)

/* Removing the file is safe in the time discipline while the clock is right. */
#define REMEDY                                                                                     \
	"restore it, or remove it once the clock is right and every group with sn = \"counter\" "  \
	"has a higher epoch"

struct saker_sn_store {
	char *dir;
	int dir_fd, lock_fd;
	struct saker_sn_record *records; /* sorted by id, master key last */
	size_t n, room;
};

static int
sign(int64_t difference)
{
	return (difference > 0) - (difference < 0);
}

static int
compare_lines(const struct saker_sn_id *a, const struct saker_sn_id *b)
{
	int order = sign((int64_t)a->format - b->format);

	if (order == 0)
		order = sign((int64_t)a->spi - b->spi);
	if (order == 0)
		order = sign((int64_t)a->source_len - b->source_len);
	if (order == 0)
		order = memcmp(a->source, b->source, a->source_len);
	if (order == 0)
		order = sign((int64_t)a->session - b->session);
	return order;
}

static int
compare(const struct saker_sn_id *a, const struct saker_sn_id *b)
{
	int order = compare_lines(a, b);

	return order != 0 ? order : memcmp(a->mk_check, b->mk_check, sizeof(a->mk_check));
}

/* Index of the first record that is not below `id`. */
static size_t
lower_bound(const struct saker_sn_store *s, const struct saker_sn_id *id)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&s->records[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
found(const struct saker_sn_store *s, size_t i, const struct saker_sn_id *id)
{
	return i < s->n && compare(&s->records[i].id, id) == 0;
}

const struct saker_sn_record *
saker_sn_store_find(const struct saker_sn_store *s, const struct saker_sn_id *id)
{
	size_t i = lower_bound(s, id);

	return found(s, i, id) ? &s->records[i] : NULL;
}

static size_t
first_of_line(const struct saker_sn_store *s, const struct saker_sn_id *id)
{
	struct saker_sn_id line = *id;

	memset(line.mk_check, 0, sizeof(line.mk_check));
	return lower_bound(s, &line);
}

saker_sn
saker_sn_store_highest(const struct saker_sn_store *s, const struct saker_sn_id *id)
{
	saker_sn highest = 0;

	for (size_t i = first_of_line(s, id); i < s->n; i++) {
		if (compare_lines(&s->records[i].id, id) != 0)
			break;
		if (s->records[i].reserved > highest)
			highest = s->records[i].reserved;
	}
	return highest;
}

static int
make_room(struct saker_sn_store *s)
{
	size_t room = s->room == 0 ? 16 : 2 * s->room;
	struct saker_sn_record *grown;

	if (s->n < s->room)
		return 0;
	grown = reallocarray(s->records, room, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	s->records = grown;
	s->room = room;
	return 0;
}

static bool
is_less(const struct saker_sn_record *a, const struct saker_sn_record *b)
{
	if (a->reserved != b->reserved)
		return a->reserved < b->reserved;
	return a->key_run == b->key_run && a->blocks < b->blocks;
}

int
saker_sn_store_put(struct saker_sn_store *s, const struct saker_sn_record *r)
{
	size_t i = lower_bound(s, &r->id);

	if (found(s, i, &r->id)) {
		if (is_less(r, &s->records[i]))
			return 0;
	} else {
		if (make_room(s) != 0)
			return -ENOMEM;
		memmove(&s->records[i + 1], &s->records[i], (s->n - i) * sizeof(*r));
		s->n++;
	}
	s->records[i] = *r;
	return 0;
}

static size_t
records_of_line(const struct saker_sn_store *s, size_t first)
{
	size_t n = 0;

	while (first + n < s->n &&
		compare_lines(&s->records[first + n].id, &s->records[first].id) == 0)
		n++;
	return n;
}

/* Of n records from `first` on, the one with the lowest reservation joins the one without key. */
static void
forget_oldest(struct saker_sn_store *s, size_t first, size_t n)
{
	static const uint8_t none[sizeof(s->records->id.mk_check)];
	bool merged = memcmp(s->records[first].id.mk_check, none, sizeof(none)) == 0;
	size_t oldest = first + (merged ? 1 : 0);
	struct saker_sn_record r;

	for (size_t i = oldest; i < first + n; i++)
		if (s->records[i].reserved < s->records[oldest].reserved)
			oldest = i;
	r = s->records[oldest];
	memset(r.id.mk_check, 0, sizeof(r.id.mk_check));
	if (merged) {
		if (r.reserved > s->records[first].reserved)
			s->records[first] = r;
		memmove(&s->records[oldest], &s->records[oldest + 1],
			(s->n - oldest - 1) * sizeof(r));
		s->n--;
		return;
	}
	memmove(&s->records[first + 1], &s->records[first], (oldest - first) * sizeof(r));
	s->records[first] = r;
}

void
saker_sn_store_trim(struct saker_sn_store *s, const struct saker_sn_id *id)
{
	size_t first = first_of_line(s, id), n = records_of_line(s, first);

	/* the first merger makes no room: it only takes the key away */
	for (; n > SAKER_STORE_KEYS; n = records_of_line(s, first))
		forget_oldest(s, first, n);
}

static const char *
sn_encode(saker_sn sn, char text[33])
{
	uint64_t high = (uint64_t)(sn >> 64), low = (uint64_t)sn;

	if (high != 0)
		snprintf(text, 33, "%" PRIx64 "%016" PRIx64, high, low);
	else
		snprintf(text, 33, "%" PRIx64, low);
	return text;
}

static saker_sn
sn_decode(const char *text)
{
	saker_sn sn = 0;

	for (; *text != '\0'; text++)
		sn = sn << 4 | (unsigned int)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return sn;
}

static size_t
record_encode(const struct saker_sn_record *r, char line[RECORD_MAX])
{
	char source[2 * sizeof(r->id.source) + 1], mk[2 * sizeof(r->id.mk_check) + 1];
	char reserved[33], key_run[33];

	return (size_t)snprintf(line, RECORD_MAX,
		"format=%c spi=%08" PRIx32 " source=%s session=%u mk=%s mk_first=%" PRIu64
		" reserved=%s key_run=%s blocks=%" PRIu64 "\n",
		r->id.format, r->id.spi, saker_hex_encode(r->id.source, r->id.source_len, source),
		r->id.session, saker_hex_encode(r->id.mk_check, sizeof(r->id.mk_check), mk),
		r->mk_first, sn_encode(r->reserved, reserved), sn_encode(r->key_run, key_run),
		r->blocks);
}

static bool
id_decode(struct saker_sn_id *id, char format, const char *source, const char *mk)
{
	int n = saker_hex_decode(source, id->source, sizeof(id->source));

	if (format < 'A' || format > 'Z' || (n != 4 && n != 8 && n != 16))
		return false;
	id->format = (uint8_t)format;
	id->source_len = (uint8_t)n;
	return saker_hex_decode(mk, id->mk_check, sizeof(id->mk_check)) == sizeof(id->mk_check);
}

/* A line is right if it is what we would have written: so nothing in it can go unnoticed. */
static bool
record_decode(const char *text, size_t length, struct saker_sn_record *r)
{
	char line[RECORD_MAX] = "", again[RECORD_MAX], format;
	char source[33], mk[17], reserved[33], key_run[33];
	int fields;

	*r = (struct saker_sn_record){ 0 };
	if (length >= sizeof(line))
		return false;
	memcpy(line, text, length);
	fields = sscanf(line,
		"format=%c spi=%8" SCNx32 " source=%32[0-9a-f] session=%5" SCNu16
		" mk=%16[0-9a-f] mk_first=%20" SCNu64
		" reserved=%32[0-9a-f] key_run=%32[0-9a-f] blocks=%20" SCNu64,
		&format, &r->id.spi, source, &r->id.session, mk, &r->mk_first, reserved, key_run,
		&r->blocks);
	if (fields != 9 || !id_decode(&r->id, format, source, mk))
		return false;
	r->reserved = sn_decode(reserved);
	r->key_run = sn_decode(key_run);
	return record_encode(r, again) == length && memcmp(again, text, length) == 0;
}

static bool
checksum(const char *text, size_t length, char line[80])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * 32 + 1];

	if (EVP_Digest(text, length, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	snprintf(line, 80, "%s%s\n", LAST_LINE, saker_hex_encode(digest, 32, hex));
	return true;
}

/* What is wrong with the frame of the file, or NULL. */
static const char *
frame_fault(const char *text, size_t length)
{
	size_t first = strlen(FIRST_LINE);
	char last[80];

	if (length == 0)
		return "is empty";
	if (length < first || memcmp(text, FIRST_LINE, first) != 0)
		return "is not a list of SN reservations that this version knows";
	if (length < first + LAST_LENGTH || text[length - LAST_LENGTH - 1] != '\n' ||
		memcmp(text + length - LAST_LENGTH, LAST_LINE, strlen(LAST_LINE)) != 0)
		return "is truncated";
	if (!checksum(text, length - LAST_LENGTH, last))
		return "can't be checked";
	if (memcmp(text + length - LAST_LENGTH, last, LAST_LENGTH) != 0)
		return "has a wrong checksum";
	return NULL;
}

static const char *
add_line(struct saker_sn_store *s, const char *line, size_t length)
{
	struct saker_sn_record r;

	if (!record_decode(line, length, &r))
		return "holds a malformed record";
	if (saker_sn_store_find(s, &r.id) != NULL)
		return "holds two records of one line and master key";
	return saker_sn_store_put(s, &r) == 0 ? NULL : "does not fit memory";
}

/* Returns what is wrong, or NULL; `number` is the line at fault, 0: the whole file. */
static const char *
decode(struct saker_sn_store *s, const char *text, size_t length, int *number)
{
	const char *why = frame_fault(text, length), *line, *end;

	*number = 0;
	if (why != NULL)
		return why;
	line = text + strlen(FIRST_LINE);
	end = text + length - LAST_LENGTH;
	for (*number = 2; line < end && why == NULL; ++*number) {
		const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;

		why = add_line(s, line, (size_t)(next - line));
		line = next;
	}
	--*number;
	return why;
}

static ssize_t
read_all(int fd, char *text, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, text + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : (ssize_t)done;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* The whole of a file. */
static char *
slurp(int fd, size_t *length)
{
	struct stat st;
	ssize_t n;
	char *text;

	if (fstat(fd, &st) != 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	text = malloc((size_t)st.st_size + 1);
	n = text == NULL ? -1 : read_all(fd, text, (size_t)st.st_size);
	if (n < 0) {
		free(text);
		return NULL;
	}
	*length = (size_t)n;
	return text;
}

static bool
load(struct saker_sn_store *s, struct saker_faults *faults)
{
	int fd = openat(s->dir_fd, SAKER_STORE_FILE, O_RDONLY | O_CLOEXEC), number;
	const char *why = NULL;
	size_t length = 0;
	char *text, *path;

	if (fd < 0 && errno == ENOENT)
		return true;
	text = fd < 0 ? NULL : slurp(fd, &length);
	if (text == NULL)
		saker_fault(faults, NULL, 0, "%s/%s can't be read (%s); %s", s->dir,
			SAKER_STORE_FILE, strerror(errno), REMEDY);
	else
		why = decode(s, text, length, &number);
	if (why != NULL && asprintf(&path, "%s/%s", s->dir, SAKER_STORE_FILE) >= 0) {
		saker_fault(faults, path, number, "the file %s; %s", why, REMEDY);
		free(path);
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return text != NULL && why == NULL;
}

static int
write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Make the temporary file, durably. */
static int
write_temp(const struct saker_sn_store *s, const char *text, size_t length)
{
	int fd = openat(
		s->dir_fd, TEMP_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, text, length);
	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc != 0)
		unlinkat(s->dir_fd, TEMP_FILE, 0);
	return rc;
}

/* Everything as the file will hold it; free() it. */
static char *
encode(const struct saker_sn_store *s, size_t *length)
{
	char *text = malloc(strlen(FIRST_LINE) + s->n * RECORD_MAX + 80);
	size_t n = strlen(FIRST_LINE);

	if (text == NULL)
		return NULL;
	memcpy(text, FIRST_LINE, n);
	for (size_t i = 0; i < s->n; i++)
		n += record_encode(&s->records[i], text + n);
	if (!checksum(text, n, text + n)) {
		free(text);
		return NULL;
	}
	*length = n + LAST_LENGTH;
	return text;
}

int
saker_sn_store_commit(struct saker_sn_store *s)
{
	size_t length;
	char *text = encode(s, &length);
	int rc;

	if (text == NULL)
		return -ENOMEM;
	rc = write_temp(s, text, length);
	free(text);
	if (rc != 0)
		return rc;
	if (renameat(s->dir_fd, TEMP_FILE, s->dir_fd, SAKER_STORE_FILE) != 0)
		return -errno;
	return fsync(s->dir_fd) == 0 ? 0 : -errno;
}

/* A directory that is lost with the power would take its reservations along. */
static void
sync_parent(const struct saker_sn_store *s)
{
	int fd = openat(s->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static bool
open_dir(struct saker_sn_store *s, struct saker_faults *faults)
{
	bool made = mkdir(s->dir, 0700) == 0;

	if (made || errno == EEXIST)
		s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (made && s->dir_fd >= 0)
		sync_parent(s);
	if (s->dir_fd < 0)
		saker_fault(faults, NULL, 0,
			"state directory %s can't be used (%s): create it or change state_dir",
			s->dir, strerror(errno));
	return s->dir_fd >= 0;
}

static bool
lock_dir(struct saker_sn_store *s, struct saker_faults *faults)
{
	s->lock_fd = openat(s->dir_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		saker_fault(faults, NULL, 0,
			"another saker uses state directory %s: stop it or change state_dir",
			s->dir);
	else
		saker_fault(faults, NULL, 0,
			"%s/%s can't be locked (%s): make the directory writable or change "
			"state_dir",
			s->dir, LOCK_FILE, strerror(errno));
	return false;
}

/* A directory that can't be synced now would stop all sending later: say so at once. */
static bool
try_write(const struct saker_sn_store *s, struct saker_faults *faults)
{
	int rc = write_temp(s, FIRST_LINE, strlen(FIRST_LINE));

	if (rc == 0 && (unlinkat(s->dir_fd, TEMP_FILE, 0) != 0 || fsync(s->dir_fd) != 0))
		rc = -errno;
	if (rc != 0)
		saker_fault(faults, NULL, 0,
			"state directory %s can't be written (%s): %s or change state_dir", s->dir,
			strerror(-rc),
			rc == -ENOSPC || rc == -EDQUOT ? "free some space there"
						       : "make it writable");
	return rc == 0;
}

struct saker_sn_store *
saker_sn_store_open(const char *dir, struct saker_faults *faults)
{
	struct saker_sn_store *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->dir = strdup(dir)) == NULL) {
		free(s);
		saker_fault(faults, NULL, 0, "state directory %s: no memory", dir);
		return NULL;
	}
	s->dir_fd = s->lock_fd = -1;
	if (open_dir(s, faults) && lock_dir(s, faults) && try_write(s, faults) && load(s, faults))
		return s;
	saker_sn_store_close(s);
	return NULL;
}

void
saker_sn_store_close(struct saker_sn_store *s)
{
	if (s == NULL)
		return;
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s->records);
	free(s->dir);
	free(s);
}

const char *
saker_sn_store_dir(const struct saker_sn_store *s)
{
	return s->dir;
}
