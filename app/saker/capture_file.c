/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_ether.h>

#include "pcapng.h"
#include "saker_bytes.h"
#include "saker_drop.h"

#define FRAME_MAX    65600
#define TYPE_UNKNOWN 0xffff /* reserved by RFC 1701 */

struct saker_capture_file {
	FILE *f;
	char *name;
	unsigned int users;
	bool failed;
	uint32_t interface[SAKER_POINTS];
	uint8_t frame[FRAME_MAX]; /* room to join a frame that lies in several buffers */
};

static const char *
reason(int error)
{
	switch (error) {
	case EBUSY:
		return "another capture writes it; name another file";
	case EISDIR:
		return "it is a directory; name a file in it";
	case ELOOP:
		return "it is a link; name the file itself";
	case EINVAL:
	case ENXIO:
		return "it is no regular file; name another";
	default:
		return strerror(error);
	}
}

static int
fail(const char *name, int error)
{
	fprintf(stderr, "capture start: %s can't be written: %s\n", name, reason(error));
	return -error;
}

/* @return descriptor of an empty regular file that nobody else captures into, or -errno */
static int
open_empty(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		error = errno == EWOULDBLOCK ? EBUSY : errno;
	else if (fchmod(fd, 0600) != 0 || ftruncate(fd, 0) != 0)
		error = errno;
	if (error == 0)
		return fd;
	close(fd);
	return -error;
}

static void
write_head(struct saker_capture_file *file, uint32_t points)
{
	uint32_t next = 0;

	saker_pcapng_section(file->f, "saker " SAKER_VERSION);
	for (unsigned int p = 0; p < SAKER_POINTS; p++) {
		if ((points >> p & 1) == 0)
			continue;
		saker_pcapng_interface(file->f, saker_point_name(p));
		file->interface[p] = next++;
	}
}

int
saker_capture_file_open(const char *name, uint32_t points, struct saker_capture_file **file)
{
	struct saker_capture_file *new = calloc(1, sizeof(*new));
	int fd;

	if (new == NULL || (new->name = strdup(name)) == NULL) {
		free(new);
		return fail(name, ENOMEM);
	}
	new->users = 1;
	fd = open_empty(name);
	if (fd >= 0)
		new->f = fdopen(fd, "w");
	if (new->f == NULL) {
		int error = fd < 0 ? -fd : errno;

		if (fd >= 0)
			close(fd);
		saker_capture_file_release(new);
		return fail(name, error);
	}
	write_head(new, points);
	*file = new;
	return 0;
}

const char *
saker_capture_file_name(const struct saker_capture_file *file)
{
	return file->name;
}

struct saker_capture_file *
saker_capture_file_take(struct saker_capture_file *file)
{
	file->users++;
	return file;
}

static void
tell_failure(struct saker_capture_file *file)
{
	if (!file->failed)
		fprintf(stderr, "saker: capture %s is not whole: %s\n", file->name,
			strerror(errno));
	file->failed = true;
}

void
saker_capture_file_release(struct saker_capture_file *file)
{
	if (file == NULL || --file->users > 0)
		return;
	if (file->f != NULL && fclose(file->f) != 0)
		tell_failure(file);
	free(file->name);
	free(file);
}

/* A packet whose Ethernet header is gone gets one of zeros, with the type that its first octet
 * speaks for.
 */
static uint32_t
put_ethernet(uint8_t *frame, const struct rte_mbuf *m)
{
	uint8_t version = m->data_len == 0 ? 0 : *rte_pktmbuf_mtod(m, const uint8_t *) >> 4;
	uint16_t type = version == 4   ? RTE_ETHER_TYPE_IPV4
			: version == 6 ? RTE_ETHER_TYPE_IPV6
				       : TYPE_UNKNOWN;

	memset(frame, 0, 2 * RTE_ETHER_ADDR_LEN);
	saker_store_be16(frame + 2 * RTE_ETHER_ADDR_LEN, type);
	return RTE_ETHER_HDR_LEN;
}

static enum saker_pcapng_way
way_of(uint8_t point)
{
	if (point == SAKER_POINT_CLEAR_IN || point == SAKER_POINT_CIPHER_IN)
		return SAKER_PCAPNG_IN;
	return point == SAKER_POINT_DROPS ? SAKER_PCAPNG_UNKNOWN : SAKER_PCAPNG_OUT;
}

int
saker_capture_file_write(struct saker_capture_file *file, const struct rte_mbuf *m)
{
	const struct saker_capture_tag *tag = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
	uint32_t head = tag->bare ? put_ethernet(file->frame, m) : 0, len = m->pkt_len;
	struct saker_pcapng_frame frame = {
		.interface = file->interface[tag->point],
		.unix_ns = tag->unix_ns,
		.way = way_of(tag->point),
		.comment = tag->why == SAKER_OK ? NULL : saker_drop_info[tag->why].name,
		.octets = file->frame,
	};
	const void *data;

	len = RTE_MIN(len, (uint32_t)(FRAME_MAX - head));
	data = rte_pktmbuf_read(m, 0, len, file->frame + head);
	if (file->failed || data == NULL)
		return -EIO;
	if (data != file->frame + head)
		memcpy(file->frame + head, data, len);
	frame.len = head + len;
	saker_pcapng_write(file->f, &frame);
	if (!ferror(file->f))
		return 0;
	tell_failure(file);
	return -EIO;
}

void
saker_capture_file_flush(struct saker_capture_file *file)
{
	if (!file->failed && fflush(file->f) != 0)
		tell_failure(file);
}
