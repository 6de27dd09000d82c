/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "pcapng.h"

#include <string.h>

#define BLOCK_SECTION   0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET    6
#define BYTE_ORDER_MARK 0x1a2b3c4d
#define LINK_ETHERNET   1
#define BLOCK_FRAME     12 /* type, and the length on both sides */

#define OPT_END          0
#define OPT_COMMENT      1
#define OPT_FLAGS        2 /* of a packet */
#define OPT_NAME         2 /* of an interface */
#define OPT_APPLICATION  4 /* of a section */
#define OPT_RESOLUTION   9 /* of an interface's stamps: a negative power of 10 */
#define NANOSECONDS      9
#define UNKNOWN_LEN      UINT64_MAX
#define OPTION_END_SIZE  4
#define OPTION_FLAG_SIZE 8

static uint32_t
padded(size_t len)
{
	return (uint32_t)(len + 3) & ~(uint32_t)3;
}

static void
put16(FILE *f, uint16_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

static void
put32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

static void
put_padded(FILE *f, const void *data, size_t len)
{
	static const uint8_t zero[4];

	fwrite(data, 1, len, f);
	fwrite(zero, 1, padded(len) - len, f);
}

static uint32_t
option_size(size_t len)
{
	return 4 + padded(len);
}

static void
put_option(FILE *f, uint16_t code, const void *data, size_t len)
{
	put16(f, code);
	put16(f, (uint16_t)len);
	put_padded(f, data, len);
}

void
saker_pcapng_section(FILE *f, const char *application)
{
	const uint64_t unknown = UNKNOWN_LEN;
	size_t len = strlen(application);
	uint32_t size = BLOCK_FRAME + 16 + option_size(len) + OPTION_END_SIZE;

	put32(f, BLOCK_SECTION);
	put32(f, size);
	put32(f, BYTE_ORDER_MARK);
	put16(f, 1); /* version 1.0 */
	put16(f, 0);
	fwrite(&unknown, sizeof(unknown), 1, f);
	put_option(f, OPT_APPLICATION, application, len);
	put_option(f, OPT_END, "", 0);
	put32(f, size);
}

void
saker_pcapng_interface(FILE *f, const char *name)
{
	const uint8_t resolution = NANOSECONDS;
	size_t len = strlen(name);
	uint32_t size = BLOCK_FRAME + 8 + option_size(len) + option_size(1) + OPTION_END_SIZE;

	put32(f, BLOCK_INTERFACE);
	put32(f, size);
	put16(f, LINK_ETHERNET);
	put16(f, 0);
	put32(f, 0); /* frames are never cut */
	put_option(f, OPT_NAME, name, len);
	put_option(f, OPT_RESOLUTION, &resolution, 1);
	put_option(f, OPT_END, "", 0);
	put32(f, size);
}

static uint32_t
frame_options_size(const struct saker_pcapng_frame *frame)
{
	uint32_t size = OPTION_FLAG_SIZE + OPTION_END_SIZE;

	if (frame->comment != NULL)
		size += option_size(strlen(frame->comment));
	return size;
}

void
saker_pcapng_write(FILE *f, const struct saker_pcapng_frame *frame)
{
	uint32_t size = BLOCK_FRAME + 20 + padded(frame->len) + frame_options_size(frame);
	uint32_t flags = frame->way;

	put32(f, BLOCK_PACKET);
	put32(f, size);
	put32(f, frame->interface);
	put32(f, (uint32_t)(frame->unix_ns >> 32));
	put32(f, (uint32_t)frame->unix_ns);
	put32(f, frame->len);
	put32(f, frame->len);
	put_padded(f, frame->octets, frame->len);
	if (frame->comment != NULL)
		put_option(f, OPT_COMMENT, frame->comment, strlen(frame->comment));
	put_option(f, OPT_FLAGS, &flags, sizeof(flags));
	put_option(f, OPT_END, "", 0);
	put32(f, size);
}
