/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Packets of format esp against figures that nobody here has made: the test cases of
 * draft-mcgrew-gcm-test-01, those of AES-GCM with 128 and 256 bits. The last two cases are the
 * same packets with an implicit IV (RFC 8750 has no test vectors), made with the cryptography
 * package of Python.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_crypto.h"
#include "saker_esp.h"

static const struct esp_case {
	const char *key, *salt;
	const char *aad; /* SPI and SN, of 4 or 8 octets */
	const char *iv;  /* NULL: implicit */
	const char *plain;
	const char *sealed; /* and the ICV */
} cases[] = {
	{ "4c80cdefbb5d10da906ac73c3613a634", "2e443b68", "000043218765432100000000",
		"4956ed7e3b244cfe",
		"45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
		"00000000045f736970045f756470037369700963796265726369747902646b00"
		"0021000101020201",
		"fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
		"cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
		"61bc17d768fd9732459018148f6cbe722fd04796562dfdb4" },
	{ "feffe9928665731c6d6a8f9467308308", "cafebabe", "0000a5f80000000a", "facedbaddecaf888",
		"4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100"
		"0001000000000000037369700963796265726369747902646b00000100010001",
		"deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c"
		"3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1"
		"83b70d3aa8bc6ee4c309e9d85a41ad4a" },
	{ "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "11223344",
		"4a2cbfe300000002", "0102030405060708",
		"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
		"7002400020bf0000020405b40101040201020201",
		"ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763"
		"748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf831824b4c49"
		"15956c96" },
	{ "00000000000000000000000000000000", "00000000", "0000000000000001", "0000000000000000",
		"4500003c99c500008001cb7a40679318010101010800075c0200440061626364"
		"65666768696a6b6c6d6e6f707172737475767761626364656667686901020201",
		"4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284"
		"456476492719ffb64de7d9dca1e1d894bc3bd57873ed4d181d19d4d5c8c18af3"
		"f821d496eeb096e98ad2b69e4799c71d" },
	{ "3de09874b388e6491988d0c3607eae1f", "57690e43", "42f67e3f1010101010101010",
		"4e280000a2fca1a3",
		"4500003c99c300008001cb7c40679318010101010800085c0200430061626364"
		"65666768696a6b6c6d6e6f707172737475767761626364656667686901020201",
		"fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c357917"
		"65acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e22739530320a"
		"e0d731cc978ecafaeae88f00e80d6e48" },
	{ "3de09874b388e6491988d0c3607eae1f", "57690e43", "42f67e3f1010101010101010",
		"4e280000a2fca1a3", "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
		"fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed369f071f"
		"35e034be95f112e4e7d05d35" },
	{ "abbccddef00112233445566778899aab", "decaf888", "000001000000000000000001",
		"cafedebaceface74",
		"4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d5"
		"00004e20001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec95"
		"9b6266c04722b14923010101",
		"18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f"
		"9190feebaf2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f496c22"
		"6f2127b27db35724e7845d68651f57e65f354f75ff17015769623436" },
	{ "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74",
		"17405e67156f3126dd0db99b", "616e640169766563",
		"45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb712602"
		"50101f646d540001",
		"f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57f"
		"f4d3a31ce673119e451626c2415771e3b7eebca614c89b35" },
	{ "3de09874b388e6491988d0c3607eae1f", "57690e43", "42f67e3f1010101010101010",
		"4e280000a2fca1a3",
		"45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b"
		"000001e0001e8c18d65759d52284a0352c71475c8880391c764d6e5ee0496b32"
		"5ae270c03899493915010101",
		"fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d541828"
		"00cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd0740f742444747b5b39"
		"ab533163aad4550ee5160975cdb608c5769189609763b8e18caa81e2" },
	{ "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74",
		"17405e67156f3126dd0db99b", "616e640169766563",
		"636973636f0172756c657301746865016e6574776501646566696e6501746865"
		"746563686e6f6c6f67696573017468617477696c6c01646566696e65746f6d6f"
		"72726f7701020201",
		"d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18"
		"d0a6df10e5487df074113e14c641024e3e6773d91a62ee429b043a10e3efe6b0"
		"12a49363412364f8c0cac587f249e56b11e24f30e44ccc76" },
	{ "7d773d00c144c525ac619d18c84a3f47", "d9664267", "335467aeffffffff", "43457e9182443bc6",
		"01020201", "437f866bcb3f699fe9b0822bac961c4504bef270" },
	{ "abbccddef00112233445566778899aab", "decaf888", "000001000000000000000001",
		"cafedebaceface74", "746f016265016f72016e6f7401746f0162650001",
		"29c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f2838"
		"43af8c3e" },
	{ "6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", "7475726e",
		"796b6963ffffffffffffffff", "333021696765746d",
		"45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364"
		"65666768696a6b6c6d6e6f707172737401020201",
		"f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a86"
		"4cd3d78ca4ae68a32b42458fb57dbe821dcc63b9d0937ba2945f669368661a32"
		"9fb4c053" },
	{ "4c80cdefbb5d10da906ac73c3613a634", "2e443b68", "000043218765432100000001", NULL,
		"45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
		"00000000045f736970045f756470037369700963796265726369747902646b00"
		"0021000101020201",
		"f22bb01083c852872793b31fffb08349ad787325c0b3b7801a7d7a4880f17a9a"
		"9b32d06a6e5e5e1ac15d37fcc05ec77556d0b99d204437a01ba5c5e392b2f622"
		"4d14021b42c31310e0448008948c151313b86209e1591aa1" },
	{ "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "11223344",
		"4a2cbfe300000002", NULL,
		"4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
		"7002400020bf0000020405b40101040201020201",
		"0643a1c97335bc234971cfdf40bead9e87b5842c7cc1103649efdd437396f162"
		"81a61f271862c2fff31141bc40d4b26804a19e04d95fd556bb67c8441fa593c7"
		"0cd165dc" },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* A case as the pipeline would have it. */
struct esp_packet {
	struct saker_terms terms;
	struct saker_hdr h;
	struct saker_parts parts;
	struct saker_sealed s;
	uint8_t octets[256], scratch[SAKER_AAD_MAX];
	uint32_t len;
	uint8_t suite;
	struct saker_expanded_key key;
};

static uint16_t
put(const char *hex, uint8_t *at, size_t room)
{
	int n = saker_hex_decode(hex, at, room);

	assert_true(n >= 0);
	return (uint16_t)n;
}

/* Header as it goes over the wire, and what stands behind it. */
static void
lay_out(struct esp_packet *p, const struct esp_case *c, const char *behind, bool icv)
{
	uint8_t aad[12];
	uint16_t n = put(c->aad, aad, sizeof(aad));
	bool long_sn = n == 12;

	memset(p, 0, sizeof(*p));
	p->terms = (struct saker_terms){ .transport = true,
		.implicit_iv = c->iv == NULL,
		.esp_sn = long_sn ? SAKER_ESP_SN_64 : SAKER_ESP_SN_UNSPECIFIED };
	memcpy(p->octets, aad, 4);
	memcpy(p->octets + 4, aad + n - 4, 4);
	p->len = SAKER_ESP_HEADER;
	if (c->iv != NULL)
		p->len += put(c->iv, p->octets + p->len, SAKER_ESP_IV);
	p->len += put(behind, p->octets + p->len, sizeof(p->octets) - p->len);
	p->len += icv ? 0 : SAKER_ICV;
	/* One of the published packets has SPI 0, which ESP never sends. */
	assert_int_equal(saker_esp_read(p->octets, p->len, &p->h),
		saker_load_be32(aad) == 0 ? SAKER_DROP_NOT_EESP : SAKER_OK);
	assert_int_equal(saker_esp_bind(p->octets, p->len, &p->terms, &p->h), SAKER_OK);
	assert_int_equal(saker_esp_split(p->octets, p->len, &p->h, &p->terms, &p->parts), SAKER_OK);
	p->s = (struct saker_sealed){ .head = p->octets,
		.parts = &p->parts,
		.terms = &p->terms,
		.sn = long_sn ? saker_load_be64(aad + 4) : saker_load_be32(aad + 4) };
}

static void
expand(const struct saker_crypto_ops *ops, void *ctx, const struct esp_case *c,
	struct esp_packet *p)
{
	struct saker_data_key key = { 0 };

	p->suite = put(c->key, key.key, sizeof(key.key)) == 16 ? SAKER_AES_128_GCM
							       : SAKER_AES_256_GCM;
	put(c->salt, key.mask, 4);
	assert_int_equal(ops->expand(ctx, (enum saker_suite)p->suite, &key, &p->key), 0);
}

static void
make_batch(struct esp_packet *p, struct saker_batch *b)
{
	uint8_t *text = p->octets + p->parts.cipher_at;

	memset(b, 0, sizeof(*b));
	b->n = 1;
	b->suite = p->suite;
	b->kdf_blocks = 1;
	b->expanded[0] = &p->key;
	saker_esp_nonce(&p->s, b->nonce[0]);
	b->aad[0] = saker_esp_aad(&p->s, p->scratch, &b->aad_len[0]);
	b->src[0] = b->dst[0] = text;
	b->len[0] = p->parts.cipher_len;
	b->icv[0] = text + p->parts.cipher_len;
}

static void
seal_case(const struct saker_crypto_ops *ops, void *ctx, const struct esp_case *c)
{
	static struct esp_packet p, want;
	static struct saker_batch b;

	lay_out(&p, c, c->plain, false);
	lay_out(&want, c, c->sealed, true);
	expand(ops, ctx, c, &p);
	make_batch(&p, &b);
	assert_int_equal(ops->seal(ctx, &b), 1);
	assert_int_equal(p.len, want.len);
	assert_memory_equal(p.octets, want.octets, p.len);
}

static void
open_case(const struct saker_crypto_ops *ops, void *ctx, const struct esp_case *c)
{
	static struct esp_packet p, want;
	static struct saker_batch b;
	struct saker_opened o;

	lay_out(&p, c, c->sealed, true);
	lay_out(&want, c, c->plain, false);
	expand(ops, ctx, c, &p);
	make_batch(&p, &b);
	assert_int_equal(ops->open(ctx, &b), 1);
	assert_memory_equal(p.octets, want.octets, p.len - SAKER_ICV);
	assert_int_equal(saker_esp_opened(p.octets, &p.h, &p.parts, &p.terms, &o), SAKER_OK);
	assert_int_equal(o.next_header, p.octets[p.len - SAKER_ICV - 1]);
	assert_int_equal(
		o.len + p.octets[p.len - SAKER_ICV - 2] + SAKER_ESP_TRAILER, p.parts.cipher_len);
}

/* A case with one bit flipped; where that is of the SN, the receiver's whole SN is another. */
static bool
opens_flipped(const struct saker_crypto_ops *ops, void *ctx, const struct esp_packet *good,
	unsigned int bit)
{
	static struct saker_batch b;
	struct esp_packet p = *good;

	p.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
	p.s.head = p.octets;
	p.s.parts = &p.parts;
	p.s.terms = &p.terms;
	p.s.sn = (p.s.sn & ~(uint64_t)UINT32_MAX) | saker_load_be32(p.octets + 4);
	make_batch(&p, &b);
	return ops->open(ctx, &b) == 1;
}

/* Every bit of header, text and ICV is authenticated; of a 64-bit SN also the half not sent. */
static void
damage_case(const struct saker_crypto_ops *ops, void *ctx, const struct esp_case *c)
{
	static struct esp_packet p;
	static struct saker_batch b;

	lay_out(&p, c, c->sealed, true);
	expand(ops, ctx, c, &p);
	for (unsigned int bit = 0; bit < p.len * 8; bit += bit < 128 ? 1 : 5)
		assert_false(opens_flipped(ops, ctx, &p, bit));
	if (p.terms.esp_sn != SAKER_ESP_SN_64)
		return;
	p.s.sn += UINT64_C(1) << 32;
	make_batch(&p, &b);
	assert_int_equal(ops->open(ctx, &b), 0);
	assert_int_equal(b.status[0], SAKER_JOB_BAD_ICV);
}

static void
with_every_driver(
	void (*fn)(const struct saker_crypto_ops *ops, void *ctx, const struct esp_case *c))
{
	unsigned int tried = 0;

	for (size_t i = 0; saker_crypto_drivers[i] != NULL; i++) {
		const struct saker_crypto_ops *ops = saker_crypto_drivers[i];
		void *ctx;

		if (ops->probe() == -ENOTSUP)
			continue;
		ctx = ops->lcore_init(0);
		assert_non_null(ctx);
		for (size_t k = 0; k < CASES; k++)
			fn(ops, ctx, &cases[k]);
		ops->lcore_fini(ctx);
		tried++;
	}
	assert_true(tried > 0);
}

static void
seals_the_published_packets(void **state)
{
	(void)state;
	with_every_driver(seal_case);
}

static void
opens_the_published_packets(void **state)
{
	(void)state;
	with_every_driver(open_case);
}

static void
opens_no_damaged_packet(void **state)
{
	(void)state;
	with_every_driver(damage_case);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seals_the_published_packets),
		cmocka_unit_test(opens_the_published_packets),
		cmocka_unit_test(opens_no_damaged_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
