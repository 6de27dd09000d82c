/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

static int listener = -1;
static char name[64], heard[1024];
static unsigned int questions;
static bool well;

/* Be the service manager. */
static void
listen_at(const char *text)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));

	memcpy(at.sun_path, text, strlen(text));
	if (text[0] == '@')
		at.sun_path[0] = '\0';
	else
		len++;
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	setenv("NOTIFY_SOCKET", text, 1);
}

static const char *
next_message(void)
{
	ssize_t n = recv(listener, heard, sizeof(heard) - 1, 0);

	if (n < 0)
		return NULL;
	heard[n] = '\0';
	return heard;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "@saker-test-notify-%d", (int)getpid());
	listen_at(name);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	questions = 0;
	well = true;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(listener);
	if (name[0] != '@')
		unlink(name);
	return 0;
}

static bool
is_well(void *arg)
{
	assert_ptr_equal(arg, &well);
	questions++;
	return well;
}

static void
says_ready_with_a_status_to_an_abstract_socket(void **state)
{
	(void)state;
	assert_int_equal(saker_notify_ready("2 workers"), 1);
	assert_string_equal(next_message(), "READY=1\nSTATUS=2 workers");
	assert_null(next_message());
}

static void
reaches_a_socket_of_the_file_system(void **state)
{
	tear_down(state);
	snprintf(name, sizeof(name), "notify-%d.sock", (int)getpid());
	listen_at(name);
	assert_int_equal(saker_notify_stopping(), -EINVAL); /* not an absolute path */
	tear_down(state);
	assert_non_null(getcwd(heard, sizeof(heard)));
	if (strlen(heard) + strlen(name) > 100)
		skip();
	strcat(heard, "/");
	strcat(heard, name);
	listen_at(heard);
	assert_int_equal(saker_notify_stopping(), 1);
	assert_string_equal(next_message(), "STOPPING=1\nSTATUS=stopping");
}

static void
tells_when_a_reload_began(void **state)
{
	unsigned long long us = 0;
	struct timespec now;

	(void)state;
	assert_int_equal(saker_notify_reloading(), 1);
	assert_non_null(next_message());
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_int_equal(sscanf(heard, "RELOADING=1\nMONOTONIC_USEC=%llu\n", &us), 1);
	assert_in_range(us / 1000000, now.tv_sec - 60, now.tv_sec);
}

static void
is_silent_when_nobody_asked(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(saker_notify_ready("x"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(saker_notify_ready("x"), 0);
	assert_null(next_message());
}

static void
returns_an_error_for_a_bad_address_or_a_dead_manager(void **state)
{
	char text[300] = "/";

	(void)state;
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	assert_int_equal(saker_notify_ready("x"), -EINVAL);
	setenv("NOTIFY_SOCKET", "@", 1);
	assert_int_equal(saker_notify_ready("x"), -EINVAL);
	memset(text + 1, 'x', sizeof(text) - 2);
	setenv("NOTIFY_SOCKET", text, 1);
	assert_int_equal(saker_notify_ready("x"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	assert_int_equal(saker_notify_ready("x"), -ENOENT);
}

static void
refuses_a_message_that_is_too_long_and_cuts_a_status(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(saker_notify("%s", text), -EMSGSIZE);
	assert_int_equal(saker_notify_ready(text), 1);
	assert_int_equal(strlen(next_message()), strlen("READY=1\nSTATUS=") + 256);
}

static void
gives_signs_of_life_only_when_they_are_due_and_all_is_well(void **state)
{
	char pid[16];

	(void)state;
	assert_int_equal(saker_notify_alive(is_well, &well), 0);
	setenv("WATCHDOG_USEC", "2000", 1);
	setenv("WATCHDOG_PID", "1", 1); /* another process is meant */
	assert_int_equal(saker_notify_alive(is_well, &well), 0);
	assert_int_equal(questions, 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(saker_notify_alive(is_well, &well), 1);
	assert_string_equal(next_message(), "WATCHDOG=1");
	usleep(5000);
	well = false;
	assert_int_equal(saker_notify_alive(is_well, &well), 0);
	assert_int_equal(questions, 2);
	assert_null(next_message());
	usleep(5000);
	well = true;
	setenv("WATCHDOG_USEC", "3600000000", 1);
	assert_int_equal(saker_notify_alive(is_well, &well), 1);
	assert_int_equal(saker_notify_alive(is_well, &well), 0); /* half an hour early */
	assert_int_equal(questions, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			says_ready_with_a_status_to_an_abstract_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			reaches_a_socket_of_the_file_system, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tells_when_a_reload_began, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_silent_when_nobody_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			returns_an_error_for_a_bad_address_or_a_dead_manager, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			refuses_a_message_that_is_too_long_and_cuts_a_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			gives_signs_of_life_only_when_they_are_due_and_all_is_well, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
