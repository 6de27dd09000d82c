/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "saker_handout.h"

#include "state_dir.h"

static struct state_dir at;
static char spis[2 * PATH_SIZE];

static int
set_up(void **state)
{
	(void)state;
	if (state_dir_make(&at) != 0)
		return -1;
	snprintf(spis, sizeof(spis), "%s/%s", at.dir, SAKER_SPI_FILE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	state_dir_remove(&at);
	return 0;
}

static struct saker_spi_key
key_of(uint8_t root, uint32_t index, uint8_t value)
{
	struct saker_spi_key k = { .id_len = 16, .index = index };

	memset(k.id, root, k.id_len);
	memset(k.mk_check, value, sizeof(k.mk_check));
	return k;
}

/* The first of n SPIs; 0: none, and rc says why. */
static uint32_t
take(const struct saker_spi_key *key, uint32_t n, int *rc)
{
	const struct saker_spi_want want = { 1, SAKER_SPI_LAST, n, n };
	struct saker_spi_block block = { 0, 0 };
	struct saker_faults faults = { 0 };

	*rc = saker_spi_take(at.dir, key, &want, &block, &faults);
	assert_int_equal(faults.errors, *rc == 0 ? 0 : 1);
	assert_int_equal(block.n, *rc == 0 ? n : 0);
	saker_faults_free(&faults);
	return block.first;
}

static void
hands_no_spi_out_twice(void **state)
{
	struct saker_spi_key key = key_of(1, 4, 9);
	int rc;

	(void)state;
	assert_int_equal(take(&key, 10, &rc), 1);
	assert_int_equal(take(&key, 1, &rc), 11);
	assert_int_equal(take(&key, 5, &rc), 12);
}

static void
counts_each_master_key_by_itself(void **state)
{
	struct saker_spi_key even = key_of(1, 4, 9), odd = key_of(1, 5, 8), other = key_of(2, 4, 7);
	int rc;

	(void)state;
	assert_int_equal(take(&even, 10, &rc), 1);
	assert_int_equal(take(&odd, 3, &rc), 1);
	assert_int_equal(take(&other, 3, &rc), 1);
	assert_int_equal(take(&even, 1, &rc), 11);
	assert_int_equal(take(&odd, 1, &rc), 4);
}

static void
begins_anew_with_a_later_value_and_refuses_the_one_before_it(void **state)
{
	struct saker_spi_key old = key_of(1, 4, 9), new = key_of(1, 6, 3);
	int rc;

	(void)state;
	assert_int_equal(take(&old, 10, &rc), 1);
	assert_int_equal(take(&new, 10, &rc), 1);
	assert_int_equal(take(&old, 1, &rc), 0);
	assert_int_equal(rc, -ESTALE);
	assert_int_equal(take(&new, 1, &rc), 11);
}

static void
refuses_another_value_of_the_same_index(void **state)
{
	struct saker_spi_key key = key_of(1, 4, 9), other = key_of(1, 4, 10);
	int rc;

	(void)state;
	assert_int_equal(take(&key, 1, &rc), 1);
	assert_int_equal(take(&other, 1, &rc), 0);
	assert_int_equal(rc, -ESTALE);
}

static void
goes_on_where_a_value_was_known_by_another_root_key(void **state)
{
	struct saker_spi_key key = key_of(1, 4, 9), renamed = key_of(7, 2, 9);
	int rc;

	(void)state;
	assert_int_equal(take(&key, 5, &rc), 1);
	assert_int_equal(take(&renamed, 5, &rc), 6);
	assert_int_equal(take(&key, 5, &rc), 11);
}

static void
keeps_to_its_range_and_refuses_when_that_is_used_up(void **state)
{
	struct saker_spi_want want = { 100, 109, 1, 8 };
	struct saker_spi_key key = key_of(1, 4, 9);
	struct saker_faults faults = { 0 };
	struct saker_spi_block block;

	(void)state;
	assert_int_equal(saker_spi_take(at.dir, &key, &want, &block, &faults), 0);
	assert_int_equal(block.first, 100);
	assert_int_equal(block.n, 8);
	assert_int_equal(saker_spi_take(at.dir, &key, &want, &block, &faults), 0);
	assert_int_equal(block.first, 108);
	assert_int_equal(block.n, 2);
	assert_int_equal(saker_spi_take(at.dir, &key, &want, &block, &faults), -ENOSPC);
	assert_non_null(strstr(faults.text[0], "rotate it"));
	saker_faults_free(&faults);
}

static void
takes_the_last_spi_and_no_other_behind_it(void **state)
{
	struct saker_spi_want want = { SAKER_SPI_LAST, SAKER_SPI_LAST, 1, 4 };
	struct saker_spi_key key = key_of(1, 4, 9);
	struct saker_faults faults = { 0 };
	struct saker_spi_block block;

	(void)state;
	assert_int_equal(saker_spi_take(at.dir, &key, &want, &block, &faults), 0);
	assert_int_equal(block.first, SAKER_SPI_LAST);
	assert_int_equal(block.n, 1);
	want.first = 1;
	assert_int_equal(saker_spi_take(at.dir, &key, &want, &block, &faults), -ENOSPC);
	saker_faults_free(&faults);
}

static void
damage(long offset, int octet)
{
	FILE *f = fopen(spis, "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, offset, SEEK_SET), 0);
	assert_int_not_equal(fputc(octet, f), EOF);
	assert_int_equal(fclose(f), 0);
}

static void
refuses_a_damaged_file_and_leaves_it_alone(void **state)
{
	struct saker_spi_key key = key_of(1, 4, 9);
	struct stat before, after;
	int rc;

	(void)state;
	take(&key, 1, &rc);
	assert_int_equal(stat(spis, &before), 0);
	for (long i = 0; i < before.st_size; i++) {
		FILE *f = fopen(spis, "r");
		int octet;

		assert_non_null(f);
		assert_int_equal(fseek(f, i, SEEK_SET), 0);
		octet = fgetc(f);
		fclose(f);
		damage(i, octet ^ 1);
		assert_int_equal(take(&key, 1, &rc), 0);
		assert_int_equal(rc, -EINVAL);
		damage(i, octet);
	}
	assert_int_equal(stat(spis, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(after.st_mode & 07777, 0600);
	assert_int_equal(take(&key, 1, &rc), 2);
}

static void
refuses_where_it_can_not_write(void **state)
{
	struct saker_spi_key key = key_of(1, 4, 9);
	char temp[3 * PATH_SIZE];
	int rc;

	(void)state;
	take(&key, 3, &rc);
	snprintf(temp, sizeof(temp), "%s.tmp", spis);
	assert_int_equal(mkdir(temp, 0700), 0);
	take(&key, 3, &rc);
	assert_int_equal(rc, -EIO);
	assert_int_equal(rmdir(temp), 0);
	assert_int_equal(take(&key, 3, &rc), 4);
}

static uint8_t seen[4096];

static void *
take_many(void *arg)
{
	const struct saker_spi_want want = { 1, SAKER_SPI_LAST, 3, 3 };
	struct saker_spi_key key = key_of(1, 4, 9);
	struct saker_faults faults = { 0 };
	struct saker_spi_block block;

	(void)arg;
	for (int i = 0; i < 40; i++)
		if (saker_spi_take(at.dir, &key, &want, &block, &faults) == 0)
			for (uint32_t k = 0; k < block.n; k++)
				__atomic_fetch_add(&seen[block.first + k], 1, __ATOMIC_RELAXED);
	return NULL;
}

static void
several_may_take_at_once(void **state)
{
	pthread_t thread[4];

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int i = 1; i <= 4 * 40 * 3; i++)
		assert_int_equal(seen[i], 1);
}

/* The example of the specification, and of the vectors. */
static void
derives_the_key_of_each_spi(void **state)
{
	static const char master[] =
		"34448a064292601b11a0978f56a2d34cf3fc35ede1a6bc04f8db3e5243a2b0ca";
	const struct saker_spi_block block = { 0x12345677, 2 };
	struct saker_handout h = { .index = 6, .version = 0 };
	struct saker_psp_sa sa[2];
	uint8_t value[32];
	char hex[65];

	(void)state;
	assert_int_equal(saker_hex_decode(master, value, sizeof(value)), 32);
	h.master = value;
	assert_int_equal(saker_handout_derive(&h, &block, sa), 0);
	assert_int_equal(sa[1].spi, 0x12345678);
	assert_string_equal(
		saker_hex_encode(sa[1].key, 16, hex), "96c22dc799198090b74b70ae468e4e30");
	h.version = 1;
	assert_int_equal(saker_handout_derive(&h, &block, sa), 0);
	assert_string_equal(saker_hex_encode(sa[1].key, 32, hex),
		"2b7d72074e42ca334487f2990e3f8c4037e436f38283449b76463e9b7fb2e3de");
	h.index = 7;
	assert_int_equal(saker_handout_derive(&h, &block, sa), 0);
	assert_int_equal(sa[1].spi, 0x92345678);
	assert_string_not_equal(saker_hex_encode(sa[1].key, 32, hex),
		"2b7d72074e42ca334487f2990e3f8c4037e436f38283449b76463e9b7fb2e3de");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hands_no_spi_out_twice),
		TEST(counts_each_master_key_by_itself),
		TEST(begins_anew_with_a_later_value_and_refuses_the_one_before_it),
		TEST(refuses_another_value_of_the_same_index),
		TEST(goes_on_where_a_value_was_known_by_another_root_key),
		TEST(keeps_to_its_range_and_refuses_when_that_is_used_up),
		TEST(takes_the_last_spi_and_no_other_behind_it),
		TEST(refuses_a_damaged_file_and_leaves_it_alone),
		TEST(refuses_where_it_can_not_write),
		TEST(several_may_take_at_once),
		TEST(derives_the_key_of_each_spi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
