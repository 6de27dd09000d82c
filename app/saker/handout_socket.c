/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "handout_socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "change.h"
#include "handout_json.h"

#define CLIENTS     16
#define REQUEST_MAX 4096  /* octets of a request */
#define BUSY_MS     5000  /* for the rest of a line, and to take an answer */
#define IDLE_MS     60000 /* between requests */
#define TICK_MS     1000
#define OTHERS      2 /* descriptors in front of the clients': wake, listener */

/** What a client is at. */
enum state { IDLE, ASKING, ANSWERED };

/** Who is connected. */
struct client {
	int fd; /* -1: nobody */
	char in[REQUEST_MAX];
	size_t n_in;
	char *out; /* saker_secret_alloc() memory; NULL: no answer is under way */
	size_t out_size, n_out, sent;
	bool last; /* the connection ends with this answer */
	enum state state;
	uint64_t until_ms; /* then it is hung up on */
};

static struct {
	const struct saker_gateway *gateway;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int wake, listener;
	bool started;
	pthread_t thread;
	struct client client[CLIENTS];
} server = { .wake = -1, .listener = -1 };

static void
drop_answer(struct client *c)
{
	saker_secret_free(c->out, c->out_size);
	c->out = NULL;
	c->n_out = c->sent = 0;
}

static void
hang_up(struct client *c)
{
	drop_answer(c);
	close(c->fd);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

static bool
room_for_answer(struct client *c, unsigned int n)
{
	c->out_size = saker_handout_room(n);
	c->out = saker_secret_alloc(c->out_size);
	return c->out != NULL;
}

static void
answer_error(struct client *c, const char *why)
{
	if (room_for_answer(c, 0))
		c->n_out = saker_handout_error(why, c->out);
	else
		c->last = true;
}

static void
answer(struct client *c, const char *line)
{
	struct saker_handout_request r;
	struct saker_handout_lot lot;
	const char *why = saker_handout_read(line, &r);

	if (why != NULL) {
		answer_error(c, why);
		return;
	}
	if (saker_handout_make(server.gateway, r.group, r.count, &lot) != 0) {
		answer_error(c, lot.why);
		return;
	}
	if (room_for_answer(c, lot.sas.n))
		c->n_out = saker_handout_answer(&r, &lot, c->out);
	else
		c->last = true;
	saker_psp_sas_free(&lot.sas);
}

static void
write_some(struct client *c)
{
	ssize_t n = send(c->fd, c->out + c->sent, c->n_out - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		hang_up(c);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == c->n_out)
		drop_answer(c);
}

/* One line at a time: what a client does not take is not made. */
static void
take_line(struct client *c)
{
	char *newline = memchr(c->in, '\n', c->n_in);
	size_t len;

	if (newline == NULL && c->n_in < sizeof(c->in))
		return;
	if (newline == NULL || memchr(c->in, '\0', (size_t)(newline - c->in)) != NULL) {
		answer_error(c, newline == NULL ? "the line is longer than 4096 octets"
						: "the line holds a NUL octet");
		c->last = true;
		c->n_in = 0;
		return;
	}
	*newline = '\0';
	len = (size_t)(newline + 1 - c->in);
	answer(c, c->in);
	c->n_in -= len;
	memmove(c->in, newline + 1, c->n_in);
}

/* @return false: it has nothing more to say, now or ever */
static bool
read_some(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);

	if (n > 0)
		c->n_in += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A line that came behind another is in the buffer, and poll() knows nothing of it. */
static bool
has_line(const struct client *c)
{
	return c->fd >= 0 && c->out == NULL && memchr(c->in, '\n', c->n_in) != NULL;
}

static enum state
state_of(const struct client *c)
{
	return c->out != NULL ? ANSWERED : c->n_in > 0 ? ASKING : IDLE;
}

/* A line, and an answer, have a time of their own: it does not begin anew with each octet. */
static void
set_limit(struct client *c)
{
	enum state now = state_of(c);

	if (now != c->state || c->until_ms == 0)
		c->until_ms = saker_monotonic_ms() + (now == IDLE ? IDLE_MS : BUSY_MS);
	c->state = now;
}

/* Take what came, answer, and go on with what was read before. */
static void
serve_client(struct client *c, bool readable)
{
	if (c->out == NULL && !has_line(c) && readable && !read_some(c)) {
		hang_up(c);
		return;
	}
	if (c->out == NULL)
		take_line(c);
	set_limit(c);
	if (c->out != NULL)
		write_some(c);
	if (c->fd >= 0 && c->out == NULL && c->last)
		hang_up(c);
	else if (c->fd >= 0)
		set_limit(c);
}

static bool
is_welcome(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == geteuid() || who.uid == 0);
}

static struct client *
free_client(void)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (server.client[i].fd < 0)
			return &server.client[i];
	return NULL;
}

static void
welcome(void)
{
	struct client *c = free_client();
	int fd = c == NULL ? -1
			   : accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!is_welcome(fd)) {
		close(fd);
		return;
	}
	c->fd = fd;
	set_limit(c);
}

/* With no place free, who comes waits in the kernel. */
static void
fill(struct pollfd *p)
{
	p[0] = (struct pollfd){ .fd = server.wake, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = free_client() == NULL ? -1 : server.listener,
		.events = POLLIN };
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &server.client[i];

		p[OTHERS + i] = (struct pollfd){ .fd = c->fd,
			.events = c->out != NULL ? POLLOUT : POLLIN };
	}
}

static int
patience(void)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (has_line(&server.client[i]))
			return 0;
	return TICK_MS;
}

static void *
serve(void *arg)
{
	struct pollfd p[OTHERS + CLIENTS];

	(void)arg;
	for (;;) {
		fill(p);
		if (poll(p, OTHERS + CLIENTS, patience()) < 0 && errno != EINTR)
			return NULL;
		if (p[0].revents != 0)
			return NULL;
		for (unsigned int i = 0; i < CLIENTS; i++) {
			struct client *c = &server.client[i];

			if (p[OTHERS + i].revents != 0 || has_line(c))
				serve_client(c, p[OTHERS + i].revents != 0);
			else if (c->fd >= 0 && saker_monotonic_ms() >= c->until_ms)
				hang_up(c);
		}
		if (p[1].revents != 0)
			welcome();
	}
}

/* The file of a saker that is gone may go; another's may not. @return 0 or -errno */
static int
make_way(const struct sockaddr_un *at)
{
	struct stat st;
	int fd, rc;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = fd < 0                                            ? -errno
	     : connect(fd, (const void *)at, sizeof(*at)) == 0 ? -EADDRINUSE
	     : errno == ECONNREFUSED                           ? 0
							       : -errno;
	if (fd >= 0)
		close(fd);
	return rc == 0 && unlink(at->sun_path) != 0 ? -errno : rc;
}

/* The mode that a socket has is that of the file it makes. */
static int
open_listener(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int rc, fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strncpy(at.sun_path, path, sizeof(at.sun_path) - 1);
	rc = make_way(&at);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) != 0 || bind(fd, (void *)&at, sizeof(at)) != 0 ||
		listen(fd, CLIENTS) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static int
start_thread(void)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all); /* signals are for the main lcore */
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rc = pthread_create(&server.thread, NULL, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		pthread_setname_np(server.thread, "saker-handout");
	server.started = rc == 0;
	return -rc;
}

static int
set_up(const char *path)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		server.client[i].fd = -1;
	server.listener = open_listener(path);
	if (server.listener < 0)
		return server.listener;
	snprintf(server.path, sizeof(server.path), "%s", path);
	server.wake = eventfd(0, EFD_CLOEXEC);
	return server.wake < 0 ? -errno : start_thread();
}

int
saker_handout_start(const struct saker_gateway *g)
{
	const char *path = g->config->gateway.psp_socket;
	int rc;

	if (path == NULL)
		return 0;
	server.gateway = g;
	rc = set_up(path);
	if (rc == 0)
		return 0;
	saker_handout_stop();
	fprintf(stderr,
		"saker: psp_socket %s can't be served: %s; choose a path of at most 107 "
		"octets in a directory of saker's own that no other saker serves\n",
		path, strerror(-rc));
	return rc;
}

void
saker_handout_stop(void)
{
	uint64_t one = 1;

	if (server.started && write(server.wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(server.thread, NULL);
	server.started = false;
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (server.client[i].fd > 0)
			hang_up(&server.client[i]);
	if (server.listener >= 0) {
		close(server.listener);
		unlink(server.path);
	}
	if (server.wake >= 0)
		close(server.wake);
	server.listener = server.wake = -1;
	saker_handout_fini();
}
