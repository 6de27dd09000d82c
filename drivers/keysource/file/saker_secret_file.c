/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The opened file is checked, not its name, so a symbolic link does no harm. */
static bool
may_use(int fd, const struct saker_secret_file *f)
{
	unsigned int before = f->faults->errors;
	struct stat st;

	if (fstat(fd, &st) != 0) {
		saker_fault(f->faults, f->path, 0, "can't look at the file: %s", strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		saker_fault(f->faults, f->path, 0, "not a regular file; name the key file itself");
		return false;
	}
	if (st.st_uid != geteuid())
		saker_fault(f->faults, f->path, 0,
			"owned by user %u, but saker runs as user %u; chown the file to that user",
			(unsigned int)st.st_uid, (unsigned int)geteuid());
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		saker_fault(f->faults, f->path, 0,
			"mode %04o lets others than its owner use the file; run: chmod 600 %s",
			(unsigned int)(st.st_mode & 07777), f->path);
	if (st.st_size >= SAKER_SECRET_FILE_MAX)
		saker_fault(f->faults, f->path, 0,
			"larger than %d octets, so it is no key file; check the name",
			SAKER_SECRET_FILE_MAX - 1);
	return f->faults->errors == before;
}

static bool
read_text(int fd, const struct saker_secret_file *f, char *text)
{
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, text + n, SAKER_SECRET_FILE_MAX - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0) {
		saker_fault(f->faults, f->path, 0, "can't read the file: %s", strerror(errno));
		return false;
	}
	if (strlen(text) != n) {
		saker_fault(f->faults, f->path, 0, "holds a NUL octet, so it is no text file");
		return false;
	}
	return true;
}

static bool
parse(struct saker_secret_file *f, const char *text)
{
	/* The file that it names would escape the checks of owner and mode. */
	if (strstr(text, "@include") != NULL) {
		saker_fault(f->faults, f->path, 0,
			"@include is not allowed in a key file; write everything into it");
		return false;
	}
	config_init(&f->cfg);
	if (config_read_string(&f->cfg, text) == CONFIG_TRUE)
		return true;
	saker_fault(
		f->faults, f->path, config_error_line(&f->cfg), "%s", config_error_text(&f->cfg));
	saker_secret_file_close(f);
	return false;
}

int
saker_secret_file_open(struct saker_secret_file *f, const char *path, struct saker_faults *faults)
{
	/* O_NONBLOCK: a FIFO under this name must not hold saker up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text;
	bool good;

	f->path = path;
	f->faults = faults;
	if (fd < 0) {
		saker_fault(faults, path, 0, "can't open the key file: %s", strerror(errno));
		return -EINVAL;
	}
	text = saker_secret_alloc(SAKER_SECRET_FILE_MAX);
	if (text == NULL)
		saker_fault(faults, path, 0, "no memory to read the key file");
	good = text != NULL && may_use(fd, f) && read_text(fd, f, text) && parse(f, text);
	close(fd);
	saker_secret_free(text, SAKER_SECRET_FILE_MAX);
	return good ? 0 : -EINVAL;
}

/* libconfig hands out its own copy of a string, and frees it without wiping. It is our secret
 * and heap memory, so writing through the const is safe. What its scanner copied is beyond us.
 */
static void
wipe_strings(const config_setting_t *s)
{
	if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		char *text = (char *)(uintptr_t)config_setting_get_string(s);

		saker_wipe(text, strlen(text));
	}
	for (int i = 0; i < config_setting_length(s); i++)
		wipe_strings(config_setting_get_elem(s, (unsigned int)i));
}

void
saker_secret_file_close(struct saker_secret_file *f)
{
	wipe_strings(config_root_setting(&f->cfg));
	config_destroy(&f->cfg);
}

static bool
listed(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

void
saker_secret_file_names(
	const struct saker_secret_file *f, const config_setting_t *group, const char *const *names)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);

		if (!listed(config_setting_name(s), names))
			saker_fault(f->faults, f->path, config_setting_source_line(s),
				"unknown name \"%s\"; remove it", config_setting_name(s));
	}
}

int
saker_secret_file_line(const config_setting_t *group, const char *name)
{
	const config_setting_t *s = config_setting_get_member(group, name);

	return config_setting_source_line(s != NULL ? s : group);
}

static const config_setting_t *
member(const struct saker_secret_file *f, const config_setting_t *group, const char *name)
{
	const config_setting_t *s = config_setting_get_member(group, name);

	if (s == NULL)
		saker_fault(f->faults, f->path, config_setting_source_line(group),
			"%s is missing; every such file needs it", name);
	return s;
}

/* The value of a setting, or -1 if it is no whole number from 0 on. */
static int64_t
whole_number(const config_setting_t *s)
{
	long long v = -1;

	if (config_setting_type(s) == CONFIG_TYPE_INT64)
		v = config_setting_get_int64(s);
	else if (config_setting_type(s) == CONFIG_TYPE_INT)
		v = config_setting_get_int(s);
	/* libconfig 1.5 gives a hexadecimal number above 0x7fffffff as a negative one. */
	if (v < 0 && config_setting_type(s) == CONFIG_TYPE_INT &&
		config_setting_get_format(s) == CONFIG_FORMAT_HEX)
		v = (uint32_t)v;
	return v < 0 ? -1 : (int64_t)v;
}

bool
saker_secret_file_number(const struct saker_secret_file *f, const config_setting_t *group,
	const char *name, uint64_t max, uint64_t *value)
{
	const config_setting_t *s = member(f, group, name);
	int64_t v;

	if (s == NULL)
		return false;
	v = whole_number(s);
	if (v < 0 || (uint64_t)v > max) {
		saker_fault(f->faults, f->path, config_setting_source_line(s),
			"%s is not a whole number from 0 to %llu%s", name, (unsigned long long)max,
			max > INT32_MAX ? "; end it with an L above 2147483647" : "");
		return false;
	}
	*value = (uint64_t)v;
	return true;
}

const char *
saker_secret_file_text(
	const struct saker_secret_file *f, const config_setting_t *group, const char *name)
{
	const config_setting_t *s = member(f, group, name);

	if (s == NULL)
		return NULL;
	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		saker_fault(f->faults, f->path, config_setting_source_line(s),
			"%s is not text; put it in double quotes", name);
		return NULL;
	}
	return config_setting_get_string(s);
}

bool
saker_secret_file_octets(const struct saker_secret_file *f, const config_setting_t *group,
	const char *name, uint8_t *out, size_t n)
{
	const char *text = saker_secret_file_text(f, group, name);

	if (text == NULL)
		return false;
	if (strlen(text) != 2 * n || saker_hex_decode(text, out, n) != (int)n) {
		saker_fault(f->faults, f->path, saker_secret_file_line(group, name),
			"%s is not %zu hexadecimal digits", name, 2 * n);
		return false;
	}
	return true;
}

static int
write_all(int fd, const char *text)
{
	size_t n = strlen(text), at = 0;

	while (at < n) {
		ssize_t put = write(fd, text + at, n - at);

		if (put < 0 && errno != EINTR)
			return -errno;
		at += put > 0 ? (size_t)put : 0;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

/* Make the change of names last. */
static int
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	int len = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
	char *dir = NULL;
	int fd, rc;

	if (asprintf(&dir, "%.*s", len, slash == NULL ? "." : path) < 0)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return rc;
}

/* link() and not rename() where nothing may be replaced: it fails if the name exists. */
static int
put_in_place(const char *temporary, const char *path, bool replace)
{
	int rc = replace ? rename(temporary, path) : link(temporary, path);

	return rc == 0 ? sync_directory(path) : -errno;
}

static int
write_beside(const char *path, const char *text, bool replace)
{
	char *temporary = NULL;
	int fd, rc;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC); /* O_CREAT, O_EXCL, mode 0600 */
	if (fd < 0) {
		rc = -errno;
		free(temporary);
		return rc;
	}
	rc = write_all(fd, text);
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0)
		rc = put_in_place(temporary, path, replace);
	/* After rename() there is nothing under this name any more. */
	unlink(temporary);
	free(temporary);
	return rc;
}

int
saker_secret_file_write(const char *path, const char *text, bool replace)
{
	char *target = replace ? realpath(path, NULL) : NULL;
	int rc = write_beside(target != NULL ? target : path, text, replace);

	free(target);
	return rc;
}
