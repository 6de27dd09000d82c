/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 512

static uint64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A path, or with '@' in front a name that stands in no file system. @return its length, or 0 */
static socklen_t
read_address(const char *name, struct sockaddr_un *to)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(to->sun_path))
		return 0;
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, name, len);
	if (name[0] == '@')
		to->sun_path[0] = '\0';
	else
		len++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int
send_text(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to;
	socklen_t len;
	int fd, ret = 1;

	if (name == NULL || name[0] == '\0')
		return 0;
	len = read_address(name, &to);
	if (len == 0)
		return -EINVAL;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int
saker_notify(const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return len < 0 || (size_t)len >= sizeof(text) ? -EMSGSIZE : send_text(text);
}

int
saker_notify_ready(const char *status)
{
	return saker_notify("READY=1\nSTATUS=%.256s", status);
}

int
saker_notify_reloading(void)
{
	return saker_notify(
		"RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reloading", monotonic_us());
}

int
saker_notify_stopping(void)
{
	return saker_notify("STOPPING=1\nSTATUS=stopping");
}

/* Microseconds between signs of life; 0: nobody waits for them, or another process is meant. */
static uint64_t
watchdog_period(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (us == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return strtoull(us, NULL, 10) / 2;
}

int
saker_notify_alive(bool (*alive)(void *arg), void *arg)
{
	static uint64_t next;
	uint64_t period = watchdog_period(), now = monotonic_us();

	if (period == 0 || now < next)
		return 0;
	next = now + period;
	return alive(arg) ? saker_notify("WATCHDOG=1") : 0;
}
