/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_sn_store.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state_dir.h"

/* A directory for each test, and what the last refusal said. */
struct place {
	struct state_dir state;
	struct saker_faults faults;
};

static int
make_place(void **state)
{
	struct place *at = calloc(1, sizeof(*at));

	if (state_dir_make(&at->state) != 0)
		return -1;
	*state = at;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *at = *state;

	state_dir_remove(&at->state);
	saker_faults_free(&at->faults);
	free(at);
	return 0;
}

static struct saker_sn_record
record_of(uint32_t spi, uint16_t session, uint8_t mk, uint64_t counter)
{
	return (struct saker_sn_record){
		.id = { .format = 'E',
			.spi = spi,
			.source = { 10, 0, 0, 1 },
			.source_len = 4,
			.session = session,
			.mk_check = { mk } },
		.reserved = saker_sn_make(20000, counter),
		.mk_first = 19990,
		.key_run = saker_sn_make(20000, counter >> 24),
		.blocks = 12345,
	};
}

static struct saker_sn_store *
open_store(struct place *at)
{
	struct saker_sn_store *s;

	saker_faults_free(&at->faults);
	s = saker_sn_store_open(at->state.dir, &at->faults);
	if (s == NULL)
		assert_int_equal(at->faults.errors, 1);
	else
		assert_int_equal(at->faults.errors, 0);
	return s;
}

static void
put_and_commit(struct place *at, const struct saker_sn_record *r, unsigned int n)
{
	struct saker_sn_store *s = open_store(at);

	assert_non_null(s);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(saker_sn_store_put(s, &r[i]), 0);
	assert_int_equal(saker_sn_store_commit(s), 0);
	saker_sn_store_close(s);
}

static void
assert_refused(struct place *at, const char *because)
{
	assert_null(open_store(at));
	if (strstr(at->faults.text[0], because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", at->faults.text[0], because);
	assert_non_null(strstr(at->faults.text[0], at->state.dir));
}

static size_t
read_file(const struct place *at, char *text, size_t size)
{
	FILE *f = fopen(at->state.file, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	fclose(f);
	text[n] = '\0';
	return n;
}

static void
write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
assert_record(const struct saker_sn_store *s, const struct saker_sn_record *want)
{
	const struct saker_sn_record *r = saker_sn_store_find(s, &want->id);

	assert_non_null(r);
	assert_true(r->reserved == want->reserved);
	assert_true(r->mk_first == want->mk_first);
	assert_true(r->key_run == want->key_run);
	assert_true(r->blocks == want->blocks);
}

static void
starts_empty_in_a_directory_it_makes(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r = record_of(1, 0, 1, 5);
	struct saker_sn_store *s;
	struct stat st;

	rmdir(at->state.dir);
	s = open_store(at);
	assert_non_null(s);
	assert_int_equal(stat(at->state.dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_null(saker_sn_store_find(s, &r.id));
	assert_true(saker_sn_store_highest(s, &r.id) == 0);
	assert_string_equal(saker_sn_store_dir(s), at->state.dir);
	saker_sn_store_close(s);
	saker_sn_store_close(NULL);
}

static void
finds_again_what_it_committed(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r[6] = { record_of(0x1001, 0, 1, 5), record_of(0x1001, 1, 1, 6),
		record_of(0xffffffff, 65535, 0xff, SAKER_COUNTER_MAX), record_of(2, 0, 0, 0),
		record_of(2, 0, 9, 1), record_of(2, 0, 5, 2) };
	struct saker_sn_store *s;

	r[1].id.format = 'S';
	r[2].id.source_len = 16;
	r[2].id.source[15] = 7;
	r[2].reserved = ~(saker_sn)0;
	r[2].blocks = r[2].mk_first = UINT64_MAX;
	r[3].id.source_len = 8;
	r[3].reserved = r[3].key_run = 0;
	put_and_commit(at, r, 6);
	s = open_store(at);
	for (int i = 0; i < 6; i++)
		assert_record(s, &r[i]);
	r[0].id.mk_check[7] = 1;
	assert_null(saker_sn_store_find(s, &r[0].id));
	saker_sn_store_close(s);
}

static void
writes_one_line_a_record_under_a_checksum(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r = record_of(0x1001, 3, 0xab, 0x1f4000001);
	const char want[] = "saker sn reservations 1\n"
			    "format=E spi=00001001 source=0a000001 session=3 "
			    "mk=ab00000000000000 mk_first=19990 reserved=4e200001f4000001 "
			    "key_run=4e200000000001f4 blocks=12345\n"
			    "sha256=";
	struct stat st;
	char text[1024];
	size_t n;

	put_and_commit(at, &r, 1);
	n = read_file(at, text, sizeof(text));
	assert_memory_equal(text, want, strlen(want));
	assert_int_equal(n, strlen(want) + 64 + 1);
	assert_int_equal(stat(at->state.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_not_equal(access(at->state.temp, F_OK), 0);
}

static void
replaces_a_record_and_keeps_the_others(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r[3] = { record_of(1, 0, 1, 5), record_of(1, 0, 2, 6),
		record_of(1, 0, 1, 7) };
	struct saker_sn_store *s;

	put_and_commit(at, r, 2);
	put_and_commit(at, &r[2], 1);
	s = open_store(at);
	assert_record(s, &r[1]);
	assert_record(s, &r[2]);
	saker_sn_store_close(s);
}

static void
knows_the_highest_of_a_line_under_any_master_key(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r[5] = { record_of(1, 0, 1, 50), record_of(1, 0, 2, 90),
		record_of(1, 0, 3, 70), record_of(1, 1, 1, 99), record_of(2, 0, 1, 98) };
	struct saker_sn_id other = record_of(1, 0, 0x77, 0).id;
	struct saker_sn_store *s;

	put_and_commit(at, r, 5);
	s = open_store(at);
	assert_true(saker_sn_store_highest(s, &other) == r[1].reserved);
	assert_true(saker_sn_store_highest(s, &r[0].id) == r[1].reserved);
	other.format = 'S';
	assert_true(saker_sn_store_highest(s, &other) == 0);
	saker_sn_store_close(s);
}

static void
keeps_some_thousand_records_apart(void **state)
{
	struct place *at = *state;
	struct saker_sn_store *s = open_store(at);
	struct saker_sn_record r;

	for (uint32_t i = 0; i < 4000; i++) {
		r = record_of(i * 7919 % 4000 + 1, (uint16_t)(i & 3), 1, i + 1);
		assert_int_equal(saker_sn_store_put(s, &r), 0);
	}
	assert_int_equal(saker_sn_store_commit(s), 0);
	saker_sn_store_close(s);
	s = open_store(at);
	for (uint32_t i = 0; i < 4000; i++) {
		r = record_of(i * 7919 % 4000 + 1, (uint16_t)(i & 3), 1, i + 1);
		assert_record(s, &r);
	}
	saker_sn_store_close(s);
}

static void
forgets_what_was_not_committed(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r = record_of(1, 0, 1, 5);
	struct saker_sn_store *s = open_store(at);

	assert_int_equal(saker_sn_store_put(s, &r), 0);
	saker_sn_store_close(s);
	s = open_store(at);
	assert_null(saker_sn_store_find(s, &r.id));
	saker_sn_store_close(s);
}

static void
keeps_the_old_file_when_a_commit_fails(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r[2] = { record_of(1, 0, 1, 5), record_of(1, 0, 1, 6) };
	struct saker_sn_store *s;

	put_and_commit(at, r, 1);
	s = open_store(at);
	assert_int_equal(mkdir(at->state.temp, 0700), 0); /* no temporary file can be made now */
	assert_int_equal(saker_sn_store_put(s, &r[1]), 0);
	assert_int_equal(saker_sn_store_commit(s), -EISDIR);
	saker_sn_store_close(s);
	assert_int_equal(rmdir(at->state.temp), 0);
	s = open_store(at);
	assert_record(s, &r[0]);
	saker_sn_store_close(s);
}

static void
ignores_a_temporary_file_left_behind(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r = record_of(1, 0, 1, 5);
	struct saker_sn_store *s;

	put_and_commit(at, &r, 1);
	write_file(at->state.temp, "half a fi", 9);
	s = open_store(at);
	assert_record(s, &r);
	assert_int_equal(saker_sn_store_commit(s), 0);
	saker_sn_store_close(s);
	s = open_store(at);
	assert_record(s, &r);
	saker_sn_store_close(s);
}

static void
refuses_a_directory_that_another_process_uses(void **state)
{
	struct place *at = *state;
	struct saker_sn_store *s = open_store(at), *again;
	int status;
	pid_t child;

	assert_non_null(s);
	child = fork();
	if (child == 0)
		_exit(saker_sn_store_open(at->state.dir, &at->faults) == NULL ? 42 : 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_refused(at, "another saker uses state directory");
	saker_sn_store_close(s);
	again = open_store(at);
	assert_non_null(again);
	saker_sn_store_close(again);
}

static void
refuses_a_directory_it_can_not_make(void **state)
{
	struct place *at = *state;
	struct saker_faults faults = { 0 };
	char path[PATH_SIZE + 16];

	snprintf(path, sizeof(path), "%s/none/state", at->state.dir);
	assert_null(saker_sn_store_open(path, &faults));
	assert_non_null(strstr(faults.text[0], "can't be used (No such file or directory)"));
	saker_faults_free(&faults);
	write_file(at->state.file, "", 0);
	assert_null(saker_sn_store_open(at->state.file, &faults));
	assert_non_null(strstr(faults.text[0], "can't be used (Not a directory)"));
	saker_faults_free(&faults);
}

static void
refuses_a_directory_it_can_not_write(void **state)
{
	struct place *at = *state;

	assert_int_equal(mkdir(at->state.temp, 0700), 0);
	assert_refused(at, "can't be written");
}

static void
refuses_an_empty_file(void **state)
{
	struct place *at = *state;

	write_file(at->state.file, "", 0);
	assert_refused(at, "is empty");
}

static void
refuses_a_file_of_another_kind(void **state)
{
	struct place *at = *state;

	write_file(at->state.file, "saker sn reservations 2\n", 24);
	assert_refused(at, "not a list of SN reservations");
	assert_int_equal(remove(at->state.file), 0);
	assert_int_equal(mkdir(at->state.file, 0700), 0);
	assert_refused(at, "can't be read");
}

static void
refuses_a_file_cut_short_anywhere(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r[2] = { record_of(1, 0, 1, 5), record_of(1, 0, 2, 6) };
	char text[2048];
	size_t n;

	put_and_commit(at, r, 2);
	n = read_file(at, text, sizeof(text));
	for (size_t cut = 0; cut < n; cut++) {
		write_file(at->state.file, text, cut);
		assert_null(open_store(at));
	}
	write_file(at->state.file, text, n - 1);
	assert_refused(at, "is truncated");
}

static void
refuses_a_file_with_any_bit_changed_or_octet_added(void **state)
{
	struct place *at = *state;
	struct saker_sn_record r = record_of(1, 0, 1, 5);
	struct saker_sn_store *s;
	char text[1024];
	size_t n;

	put_and_commit(at, &r, 1);
	n = read_file(at, text, sizeof(text));
	for (size_t bit = 0; bit < 8 * n; bit += 3) {
		text[bit / 8] ^= (char)(1 << bit % 8);
		write_file(at->state.file, text, n);
		assert_null(open_store(at));
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	text[n] = '\n';
	write_file(at->state.file, text, n + 1);
	assert_null(open_store(at));
	write_file(at->state.file, text, n);
	s = open_store(at);
	assert_record(s, &r);
	saker_sn_store_close(s);
}

/* sha256 is that of the lines before it. */
static const struct {
	const char *text, *because;
} malformed[] = {
	{ "saker sn reservations 1\n"
	  "format=E spi=00001001 source=0a000001 session=0 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000001 key_run=1000000000000 blocks=5\n"
	  "format=E spi=00001001 source=0a000001 session=0 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000002 key_run=1000000000000 blocks=5\n"
	  "sha256=ec47679cd2229273dd8a8c05cc89e12cd00c7925059ef812bd788ec33d58f7c4\n",
		"3: the file holds two records of one line and master key" },
	{ "saker sn reservations 1\n"
	  "format=E spi=1001 source=0a000001 session=0 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000001 key_run=1000000000000 blocks=5\n"
	  "sha256=47f152ca2e160bb4ccb03b6302724dbd5caad0d9f07626dec53bd013b4a0eb71\n",
		"2: the file holds a malformed record" },
	{ "saker sn reservations 1\n"
	  "format=E spi=00001001 source=0a0001 session=0 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000001 key_run=1000000000000 blocks=5\n"
	  "sha256=27fcbae3904129b1e2402fd7fd135f3996647d343ad917e16180caded7fdb35e\n",
		"2: the file holds a malformed record" },
	{ "saker sn reservations 1\n"
	  "format=x spi=00001001 source=0a000001 session=0 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000001 key_run=1000000000000 blocks=5\n"
	  "sha256=eb80bc54950b0be6473b988edee0a6bfecab04c9289f5148fdfd4048cc03255c\n",
		"2: the file holds a malformed record" },
	{ "saker sn reservations 1\n"
	  "format=E spi=00001001 source=0a000001 session=0 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000001 key_run=1000000000000 blocks=5 \n"
	  "sha256=edd57e46689775cfc444ab851ce54304dfb0265486bcc2ab7c3e99eff167254c\n",
		"2: the file holds a malformed record" },
	{ "saker sn reservations 1\n"
	  "format=E spi=00001001 source=0a000001 session=65536 mk=0000000000000001 mk_first=1 "
	  "reserved=1000000000001 key_run=1000000000000 blocks=5\n"
	  "sha256=f4ba03cbec0eec81026c9a17a6773736d9b53e5ee9700bf59ca875e9971a35c4\n",
		"2: the file holds a malformed record" },
	{ "saker sn reservations 1\n"
	  "\n"
	  "sha256=40293011bd205b3e0be4bc1ae9ad35681028d52fa200525b894c7af6e9782a42\n",
		"2: the file holds a malformed record" },
};

static void
refuses_malformed_records_under_a_right_checksum(void **state)
{
	struct place *at = *state;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		write_file(at->state.file, malformed[i].text, strlen(malformed[i].text));
		assert_refused(at, malformed[i].because);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(starts_empty_in_a_directory_it_makes),
		TEST(finds_again_what_it_committed),
		TEST(writes_one_line_a_record_under_a_checksum),
		TEST(replaces_a_record_and_keeps_the_others),
		TEST(knows_the_highest_of_a_line_under_any_master_key),
		TEST(keeps_some_thousand_records_apart),
		TEST(forgets_what_was_not_committed),
		TEST(keeps_the_old_file_when_a_commit_fails),
		TEST(ignores_a_temporary_file_left_behind),
		TEST(refuses_a_directory_that_another_process_uses),
		TEST(refuses_a_directory_it_can_not_make),
		TEST(refuses_a_directory_it_can_not_write),
		TEST(refuses_an_empty_file),
		TEST(refuses_a_file_of_another_kind),
		TEST(refuses_a_file_cut_short_anywhere),
		TEST(refuses_a_file_with_any_bit_changed_or_octet_added),
		TEST(refuses_malformed_records_under_a_right_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
