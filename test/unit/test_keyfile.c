/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "saker_keyfile.h"

#define HEX_A "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_B "0202020202020202020202020202020202020202020202020202020202020202"
#define HEX_C "0303030303030303030303030303030303030303030303030303030303030303"
#define HEX_0 "0000000000000000000000000000000000000000000000000000000000000000"
#define HEX_X "zz03030303030303030303030303030303030303030303030303030303030303"

#define KEYMAT_36 HEX_A "09090909" /* key, salt */
#define KEYMAT_20 "0101010101010101010101010101010109090909"

static char dir[] = P_tmpdir "/saker-keyfile-XXXXXX";
static char file[sizeof(dir) + 8]; /* the file that a test works with */

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/key", dir);
	return 0;
}

/* Number of files in the directory; they are removed on the way if wanted. */
static unsigned int
files_there(bool removed)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (removed)
			assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
	}
	closedir(d);
	return n;
}

static int
empty_directory(void **state)
{
	(void)state;
	files_there(true);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void
put_octets(const char *text, size_t n, mode_t mode)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
put(const char *text)
{
	put_octets(text, strlen(text), 0600);
}

static const char good[] = "index = 7; pre = \"" HEX_A "\";\ncurrent = \"" HEX_B "\";\n"
			   "next = \"" HEX_C "\";\n";

static bool
all_zero(const void *p, size_t n)
{
	const uint8_t *octets = p;
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= octets[i];
	return any == 0;
}

/* The file is refused with exactly one fault, which holds these words, and nothing is left. */
static void
expect_refused(const char *words)
{
	struct saker_faults faults = { 0 };
	struct saker_root_values keys;

	memset(&keys, 0xee, sizeof(keys));
	assert_int_equal(saker_keyfile_read(file, &keys, &faults), -EINVAL);
	assert_int_equal(faults.errors, 1);
	if (strstr(faults.text[0], words) == NULL || strstr(faults.text[0], file) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", faults.text[0], words);
	assert_null(strstr(faults.text[0], "020202"));
	assert_true(all_zero(&keys, sizeof(keys)));
	saker_faults_free(&faults);
}

static void
expect_read(struct saker_root_values *keys)
{
	struct saker_faults faults = { 0 };
	int rc = saker_keyfile_read(file, keys, &faults);

	if (rc != 0)
		fail_msg("%s", faults.text[0]);
	assert_int_equal(faults.n, 0);
	saker_faults_free(&faults);
}

static void
reads_keymat_of_both_lengths_and_writes_it_back(void **state)
{
	struct saker_root_values keys, again;

	(void)state;
	put("index = 7; pre = \"" KEYMAT_20 "\";\ncurrent = \"" KEYMAT_36 "\"; next = \"" HEX_C
	    "\";\n");
	expect_read(&keys);
	assert_int_equal(keys.keymat_len[SAKER_PRE], 20);
	assert_int_equal(keys.keymat_len[SAKER_CURRENT], 36);
	assert_int_equal(keys.keymat_len[SAKER_NEXT], 0);
	assert_int_equal(keys.keymat[SAKER_PRE][19], 9);
	assert_int_equal(keys.keymat[SAKER_CURRENT][31], 1);
	assert_int_equal(keys.keymat[SAKER_CURRENT][32], 9);
	assert_int_equal(saker_keyfile_write(file, &keys, true), 0);
	expect_read(&again);
	assert_memory_equal(&again, &keys, sizeof(keys));
}

static void
refuses_keymat_without_a_key_or_of_another_length(void **state)
{
	(void)state;
	put("index = 7; current = \"" HEX_0 "09090909\";\n");
	expect_refused("current is all zero, which is no key");
	put("index = 7; current = \"" HEX_A "0909\";\n");
	expect_refused("current is not 64 hexadecimal digits");
	put("index = 7; current = \"" HEX_X "09090909\";\n");
	expect_refused("current is not 72 hexadecimal digits");
	put("index = 7; current = \"" KEYMAT_36 "\"; next = \"" KEYMAT_36 "\";\n");
	expect_refused("current and next are equal");
}

static void
reads_all_three_generations(void **state)
{
	struct saker_root_values keys;

	(void)state;
	put(good);
	expect_read(&keys);
	assert_int_equal(keys.index, 7);
	for (int g = 0; g < SAKER_GENERATIONS; g++) {
		assert_true(keys.live[g]);
		assert_int_equal(keys.value[g][0], g + 1);
		assert_int_equal(keys.value[g][31], g + 1);
	}
}

static void
reads_a_file_with_current_only(void **state)
{
	struct saker_root_values keys;

	(void)state;
	put("# comment\nindex = 0x80000001;\ncurrent = \"" HEX_B "\";\n");
	expect_read(&keys);
	assert_int_equal(keys.index, 0x80000001);
	assert_true(keys.live[SAKER_CURRENT]);
	assert_false(keys.live[SAKER_PRE] || keys.live[SAKER_NEXT]);
	assert_true(all_zero(keys.value[SAKER_NEXT], SAKER_ROOT_LEN));
}

static void
follows_a_symbolic_link_to_a_good_file(void **state)
{
	struct saker_root_values keys;
	char target[sizeof(file) + 8];

	(void)state;
	put(good);
	snprintf(target, sizeof(target), "%s-real", file);
	assert_int_equal(rename(file, target), 0);
	assert_int_equal(symlink(target, file), 0);
	expect_read(&keys);
	assert_int_equal(saker_keyfile_write(file, &keys, true), 0);
	assert_int_equal(readlink(file, target, sizeof(target)), strlen(file) + 5);
	expect_read(&keys);
	assert_int_equal(keys.index, 7);
}

static void
refuses_a_file_that_is_not_there(void **state)
{
	(void)state;
	expect_refused("can't open the key file: No such file");
}

static void
refuses_what_is_not_a_regular_file(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(file, 0600), 0);
	expect_refused("not a regular file");
}

static void
refuses_a_file_that_others_may_use(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char mode[16], remedy[sizeof(file) + 16];

		put_octets(good, sizeof(good) - 1, modes[i]);
		snprintf(mode, sizeof(mode), "mode %04o", (unsigned int)modes[i]);
		snprintf(remedy, sizeof(remedy), "chmod 600 %s", file);
		expect_refused(mode);
		expect_refused(remedy);
	}
}

static void
refuses_the_file_of_another_owner(void **state)
{
	(void)state;
	put(good);
	if (chown(file, 12345, (gid_t)-1) != 0)
		skip(); /* only root can give a file away */
	expect_refused("owned by user 12345");
}

static void
refuses_text_that_is_no_key_file(void **state)
{
	static char large[300000];

	(void)state;
	memset(large, '\n', sizeof(large));
	put_octets(large, sizeof(large), 0600);
	expect_refused("larger than");
	put_octets("index = 7;\0", 11, 0600);
	expect_refused("NUL");
	put("@include \"/etc/hostname\"\n");
	expect_refused("@include");
}

/* Every fault of the text itself, with the line it stands in. */
static void
refuses_each_fault_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "index = 7;\ncurrent = ;\n", ":2: syntax error" },
		{ "index = 7;\ncurrent = \"" HEX_B "\";\nkey = 1;\n", ":3: unknown name \"key\"" },
		{ "index = 7;\n", "current is missing" },
		{ "current = \"" HEX_B "\";\n", "index is missing" },
		{ "index = \"7\";\ncurrent = \"" HEX_B "\";\n", ":1: index is not a whole" },
		{ "index = 7.0;\ncurrent = \"" HEX_B "\";\n", ":1: index is not a whole" },
		{ "index = -1;\ncurrent = \"" HEX_B "\";\n", ":1: index is not a whole" },
		{ "index = 4294967296L;\ncurrent = \"" HEX_B "\";\n", ":1: index is not a whole" },
		{ "index = 7;\ncurrent = 2;\n", ":2: current is not text" },
		{ "index = 7;\ncurrent = \"\";\n", ":2: current is not 64 hex" },
		{ "index = 7;\ncurrent = \"0202\";\n", ":2: current is not 64 hex" },
		{ "index = 7;\ncurrent = \"" HEX_B "02\";\n", ":2: current is not 64 hex" },
		{ "index = 7;\ncurrent = \"" HEX_B "\";\nnext = \"" HEX_X "\";\n",
			":3: next is not 64 hex" },
		{ "index = 7;\ncurrent = \"" HEX_0 "\";\n", ":2: current is all zero" },
		{ "index = 7;\npre = \"" HEX_B "\";\ncurrent = \"" HEX_B "\";\n",
			":3: pre and current are equal" },
		{ "index = 7;\npre = \"" HEX_A "\";\ncurrent = \"" HEX_B "\";\nnext = \"" HEX_A
		  "\";\n",
			":4: pre and next are equal" },
		{ "index = 7;\ncurrent = \"" HEX_B "\";\nnext = \"" HEX_B "\";\n",
			":3: current and next are equal" },
		{ "index = 0;\npre = \"" HEX_A "\";\ncurrent = \"" HEX_B "\";\n",
			":1: index is 0" },
		{ "index = 4294967295L;\ncurrent = \"" HEX_B "\";\nnext = \"" HEX_C "\";\n",
			":1: index is the last one" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(rows[i].text);
		expect_refused(rows[i].words);
	}
}

static void
tells_all_faults_at_once(void **state)
{
	struct saker_faults faults = { 0 };
	struct saker_root_values keys;

	(void)state;
	put("index = 0; pre = \"" HEX_0 "\"; next = 1; colour = \"red\";\n");
	assert_int_equal(saker_keyfile_read(file, &keys, &faults), -EINVAL);
	assert_int_equal(faults.errors, 5);
	saker_faults_free(&faults);
}

static struct saker_root_values
some_keys(void)
{
	struct saker_root_values keys = {
		.index = 4000000000, .since = 5000000000, .live = { true, true, true }
	};

	memset(keys.value[SAKER_PRE], 1, SAKER_ROOT_LEN);
	memset(keys.value[SAKER_CURRENT], 2, SAKER_ROOT_LEN);
	memset(keys.value[SAKER_NEXT], 3, SAKER_ROOT_LEN);
	return keys;
}

static void
reads_back_what_it_wrote(void **state)
{
	struct saker_root_values keys = some_keys(), back;
	struct stat st;

	(void)state;
	assert_int_equal(saker_keyfile_write(file, &keys, false), 0);
	expect_read(&back);
	assert_memory_equal(&back, &keys, sizeof(keys));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(files_there(false), 1);
}

static void
replaces_a_file_only_when_told_to(void **state)
{
	struct saker_root_values keys = some_keys(), back;

	(void)state;
	put(good);
	assert_int_equal(saker_keyfile_write(file, &keys, false), -EEXIST);
	expect_read(&back);
	assert_int_equal(back.index, 7);
	assert_int_equal(files_there(false), 1);
	keys.live[SAKER_PRE] = false;
	assert_int_equal(saker_keyfile_write(file, &keys, true), 0);
	expect_read(&back);
	assert_int_equal(back.index, 4000000000);
	assert_false(back.live[SAKER_PRE]);
	assert_int_equal(files_there(false), 1);
}

static void
leaves_nothing_behind_when_it_can_not_write(void **state)
{
	struct saker_root_values keys = some_keys();
	char nowhere[sizeof(file) + 8];

	(void)state;
	snprintf(nowhere, sizeof(nowhere), "%s/no/key", dir);
	assert_int_equal(saker_keyfile_write(nowhere, &keys, false), -ENOENT);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(saker_keyfile_write(file, &keys, true), -EISDIR);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(files_there(false), 0);
}

static void
writes_no_file_that_it_would_refuse_to_read(void **state)
{
	struct saker_root_values keys = some_keys();

	(void)state;
	memcpy(keys.value[SAKER_NEXT], keys.value[SAKER_PRE], SAKER_ROOT_LEN);
	assert_int_equal(saker_keyfile_write(file, &keys, false), -EINVAL);
	keys = some_keys();
	keys.live[SAKER_CURRENT] = false;
	assert_int_equal(saker_keyfile_write(file, &keys, false), -EINVAL);
	keys = some_keys();
	keys.index = UINT32_MAX;
	assert_int_equal(saker_keyfile_write(file, &keys, false), -EINVAL);
	assert_int_equal(files_there(false), 0);
}

#define CLIENT_HEAD                                                                                \
	"spi = 0x80001001; variant = \"source-id\"; suite = \"aes-256-gcm\";\n"                    \
	"source_id = \"0a000001\";\n"
#define CLIENT_KEY "key = \"" HEX_A "\"; mask = \"0b0b0b0b0b0b0b0b0b0b0b0b\";"

static struct saker_client_keys
client_keys(void)
{
	struct saker_client_keys keys = { .spi = 0xfffffffe,
		.variant = SAKER_V_CONNECTION_ID,
		.source_len = 8,
		.source = { 1, 2, 3, 4, 5, 6, 7, 8 },
		.n = SAKER_CLIENT_EPOCHS };

	for (unsigned int i = 0; i < keys.n; i++) {
		keys.epochs[i].epoch = 20412 + ((uint64_t)i << 40);
		keys.epochs[i].key_idx = (uint8_t)(i << 6);
		memset(keys.epochs[i].key.key, (int)i + 1, 16);
		memset(keys.epochs[i].key.mask, (int)i + 0x81, SAKER_MASK_LEN);
	}
	return keys;
}

static void
reads_back_the_client_file_it_wrote(void **state)
{
	struct saker_client_keys keys = client_keys(), back;
	struct saker_faults faults = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(saker_clientfile_write(file, SAKER_AES_128_GCM, &keys), 0);
	assert_int_equal(saker_clientfile_write(file, SAKER_AES_128_GCM, &keys), -EEXIST);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(saker_clientfile_read(file, SAKER_AES_128_GCM, &back, &faults), 0);
	assert_memory_equal(&back, &keys, sizeof(keys));
	for (unsigned int i = 0; i < keys.n; i++)
		memset(keys.epochs[i].key.key, (int)i + 1, SAKER_KEY_MAX);
	unlink(file);
	assert_int_equal(saker_clientfile_write(file, SAKER_AES_256_GCM, &keys), 0);
	assert_int_equal(saker_clientfile_read(file, SAKER_AES_256_GCM, &back, &faults), 0);
	assert_memory_equal(&back, &keys, sizeof(keys));
}

static void
writes_no_client_file_that_it_would_refuse_to_read(void **state)
{
	struct saker_client_keys keys = client_keys();
	char text[SAKER_CLIENTFILE_TEXT];

	(void)state;
	assert_int_equal(saker_clientfile_text(&keys, SAKER_AES_256_GCM, text, 200), -ENOSPC);
	keys.n = 0;
	assert_int_equal(saker_clientfile_write(file, SAKER_AES_256_GCM, &keys), -EINVAL);
	keys.n = SAKER_CLIENT_EPOCHS + 1;
	assert_int_equal(saker_clientfile_write(file, SAKER_AES_256_GCM, &keys), -EINVAL);
	keys = client_keys();
	keys.variant = SAKER_V_SOURCE_IP;
	assert_int_equal(saker_clientfile_write(file, SAKER_AES_256_GCM, &keys), -EINVAL);
	assert_int_equal(files_there(false), 0);
}

static void
expect_client_refused(const char *words)
{
	struct saker_faults faults = { 0 };
	struct saker_client_keys keys;

	memset(&keys, 0xee, sizeof(keys));
	assert_int_equal(saker_clientfile_read(file, SAKER_AES_256_GCM, &keys, &faults), -EINVAL);
	assert_int_equal(faults.errors, 1);
	if (strstr(faults.text[0], words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", faults.text[0], words);
	assert_true(all_zero(&keys, sizeof(keys)));
	saker_faults_free(&faults);
}

static void
refuses_each_fault_of_a_client_file(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ CLIENT_HEAD, "keys is not a list" },
		{ CLIENT_HEAD "keys = ();\n", ":3: keys is not a list" },
		{ CLIENT_HEAD "keys = ( 1 );\n", "is not a group" },
		{ CLIENT_HEAD "keys = ( { epoch = 1; key_index = 0x40; " CLIENT_KEY
			      " x = 1; } );\n",
			"unknown name \"x\"" },
		{ CLIENT_HEAD "keys = ( { epoch = 1; key_index = 0x41; " CLIENT_KEY " } );\n",
			"low two bits" },
		{ CLIENT_HEAD "keys = ( { epoch = 1; key_index = 256; " CLIENT_KEY " } );\n",
			"key_index is not a whole number from 0 to 255" },
		{ CLIENT_HEAD "keys = ( { epoch = 1; key_index = 64; key = \"" HEX_A "\"; } );\n",
			"mask is missing" },
		{ CLIENT_HEAD "keys = ( { epoch = 1; key_index = 64; mask = \"00\"; "
			      "key = \"" HEX_A "\"; } );\n",
			"mask is not 24 hex" },
		{ CLIENT_HEAD "keys = ( { epoch = 2; key_index = 64; " CLIENT_KEY " },\n"
			      "{ epoch = 2; key_index = 64; " CLIENT_KEY " } );\n",
			":4: epoch is not above" },
		{ "spi = 0; variant = \"source-id\"; suite = \"aes-256-gcm\"; "
		  "source_id = \"0a000001\";\n"
		  "keys = ( { epoch = 1; key_index = 64; " CLIENT_KEY " } );\n",
			":1: spi is 0" },
		{ "spi = 1; variant = \"source-ip\"; suite = \"aes-256-gcm\"; \n"
		  "keys = ( { epoch = 1; key_index = 64; " CLIENT_KEY " } );\n",
			"variant is none of" },
		{ "spi = 1; variant = \"source-id\"; suite = \"aes-128-gcm\"; "
		  "source_id = \"0a000001\";\n"
		  "keys = ( { epoch = 1; key_index = 64; " CLIENT_KEY " } );\n",
			"suite is \"aes-128-gcm\", but" },
		{ "spi = 1; variant = \"source-id-64\"; suite = \"aes-256-gcm\"; "
		  "source_id = \"0a000001\";\n"
		  "keys = ( { epoch = 1; key_index = 64; " CLIENT_KEY " } );\n",
			"source_id is not 16 hex" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(rows[i].text);
		expect_client_refused(rows[i].words);
	}
	put_octets(CLIENT_HEAD, sizeof(CLIENT_HEAD) - 1, 0644);
	expect_client_refused("mode 0644");
}

static void
reads_a_client_file_written_by_hand(void **state)
{
	struct saker_faults faults = { 0 };
	struct saker_client_keys keys;

	(void)state;
	put(CLIENT_HEAD "keys = ( { epoch = 20412; key_index = 0x40; " CLIENT_KEY " },\n"
			"{ epoch = 4294967297L; key_index = 128; " CLIENT_KEY " } );\n");
	assert_int_equal(saker_clientfile_read(file, SAKER_AES_256_GCM, &keys, &faults), 0);
	assert_int_equal(keys.spi, 0x80001001);
	assert_int_equal(keys.variant, SAKER_V_SOURCE_ID);
	assert_int_equal(keys.source_len, 4);
	assert_int_equal(saker_load_be32(keys.source), 0x0a000001);
	assert_int_equal(keys.n, 2);
	assert_int_equal(keys.epochs[0].epoch, 20412);
	assert_int_equal(keys.epochs[1].epoch, 4294967297);
	assert_int_equal(keys.epochs[0].key_idx, 0x40);
	assert_int_equal(keys.epochs[1].key_idx, 0x80);
	assert_int_equal(keys.epochs[1].key.mask[11], 0x0b);
}

#define TEST(f) cmocka_unit_test_teardown(f, empty_directory)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_all_three_generations),
		TEST(reads_keymat_of_both_lengths_and_writes_it_back),
		TEST(refuses_keymat_without_a_key_or_of_another_length),
		TEST(reads_a_file_with_current_only),
		TEST(follows_a_symbolic_link_to_a_good_file),
		TEST(refuses_a_file_that_is_not_there),
		TEST(refuses_what_is_not_a_regular_file),
		TEST(refuses_a_file_that_others_may_use),
		TEST(refuses_the_file_of_another_owner),
		TEST(refuses_text_that_is_no_key_file),
		TEST(refuses_each_fault_with_its_line),
		TEST(tells_all_faults_at_once),
		TEST(reads_back_what_it_wrote),
		TEST(replaces_a_file_only_when_told_to),
		TEST(leaves_nothing_behind_when_it_can_not_write),
		TEST(writes_no_file_that_it_would_refuse_to_read),
		TEST(reads_back_the_client_file_it_wrote),
		TEST(writes_no_client_file_that_it_would_refuse_to_read),
		TEST(refuses_each_fault_of_a_client_file),
		TEST(reads_a_client_file_written_by_hand),
	};

	umask(0022);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
