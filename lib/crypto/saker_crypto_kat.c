/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * The known answers that a driver must give before it is used: packets of the published vectors
 * of the stateless profile, one for each suite and number of KDF blocks, and of PSP.
 */

#include "saker_crypto.h"

#include <errno.h>

#define GROUP_KEY_LEN 32
#define NONCE_LEN     12
#define ICV_LEN       16
#define MAX_TEXT      640
#define MAX_AAD       64

static const struct known_answer {
	enum saker_suite suite;
	uint8_t blocks;
	uint8_t shape; /* enum saker_kdf_shape */
	const char *group_key, *input, *key, *mask;
	const char *nonce; /* before the mask */
	const char *aad, *plain;
	const char *sealed; /* ciphertext, ICV */
} known_answers[] = {
	{
		/* case-041 */
		.suite = SAKER_AES_128_GCM,
		.blocks = 1,
		.group_key = "91ddab7f3b5618a1a612f9b0a0230b87ebfbab15efed80fa3b42373a89e5b133",
		.input = "00453000ffff000000001451a9cb00e0",
		.key = "2f5662e4058f925dfc36b795bfb89122",
		.mask = "221b2bcb5e010eabd575ca6e",
		.nonce = "00000100ffffffffffffffff",
		.aad = "800800002c588266e00600201451a9cbffffffffffffffff",
		.plain = "4500001c00004000401106d50a01a1120a027ee7c77112b70008f1b8",
		.sealed = "b74d4f6bf5c98dd846b38c864c25f1666b33023b9f959563d75a787c90aec715be2dd599"
			  "f5804967ecd844ff",
	},
	{
		/* case-070 */
		.suite = SAKER_AES_128_GCM,
		.blocks = 2,
		.group_key = "6859b58c1460966d6097d8d0bdd393f903d87da23d8548f227515db0165e9d6a",
		.input = "00453400000000000000c0a801e0c0a8026100000000000000000000000000e0",
		.key = "fd7ee603c84fc4c9cad3a19bf13a0082",
		.mask = "3d5700386dabdd4aeda19298",
		.nonce = "000700040000000000000100",
		.aad = "800400075bdab438e002400c0000000000000100",
		.plain = "000011000007000901041234e5afe9f42b6442a0daf1256362a7ada31c69b0d48604f597"
			 "1b6b40a35bccbc01123c97fa103f72b87fce8aec71410e6077551e459a20b7e234034265"
			 "56778b6670d46ffaaa77ea06da981aa85e9af408a665d6a88104df5eda1e503d48ca327f"
			 "1dc6b58a430d67ae0eab1724cadbfb5da514f61dffcb8cc648f6db167d0161464caf69ec"
			 "d1640adbcff061fec05d5c933316a413f0c5f3b9d360b956c33fb2e5fba664d985778897"
			 "27e1f8a0165cce62be9dc763be5985cb9f8fd05f35dfc490b164d4db62864e309e838dcc"
			 "4add8c2e5723a3d7990b675a9971a2c5617303b3bdeadf40f115149ff2d9baa6c56ce2cc"
			 "f030def495962ade1d01deb3",
		.sealed = "eaaf796891db9ca6efc958767d586ea2abd01d5a83f559dfcae96d58c3400a28a94e9795"
			  "7dd3c34dfc21e38319cbe1dc5f701f5c530c103c256c3fa62f2a7df3de9568abc4c897b7"
			  "9f4d22451a56bbb755451bff0198abe2c5518c609229d0b32036d59644869a159bb14a53"
			  "21a22a3dada54b0d875ff7a0c63ab8cf78657b51a5e390c9388e7d0e74587aac625006ff"
			  "bd7037da72653047fac03de0b4494214eb7c3d08cb3b4344a10e45f3ec087350e3febcd6"
			  "b5b8c6e956bf5328df314b3c026e91ecc13fcb1a388ef7d3e73f802812870cbdd5a086f2"
			  "8fa0b459411a0d761666b499cb352f796d8105f35a6b3c28b2f819899557f7a150fc8063"
			  "0fe044d0eb3e504e059df388d06d1151cafcae4661b6a3f51ba55afa",
	},
	{
		/* case-013 */
		.suite = SAKER_AES_128_GCM,
		.blocks = 3,
		.group_key = "7f3752382c149bdb1a80455437f54ab33f366cc1111688d0b326fc7b7590890e",
		.input = "00453400000100000000fd00000a9790f64f2152c8c3530c275efd00000ba24f4de68f50"
			 "f4dade4510ee0000000000e0",
		.key = "7c86d0617ff1b55bd3a537052fd8f8b9",
		.mask = "6535d83c4dbbbb3c5a41a70c",
		.nonce = "003f00040001ffffffffffff",
		.aad = "8028003f1233a725e0024048e322ce00f7633efb6d60c2c12bb7413131f5fd8c2f4a069b"
		       "93c2ed340df6476ed74280260001ffffffffffff",
		.plain = "6000000000081140fd00000100e939e4a66544a8d00c2e49fd0000028a0cbe6573ebedf5"
			 "52055bb20007000900081234",
		.sealed = "85531de5414af6b90ea71b4cbbbe992134574b8b46b22f978eb2792aea67f64eb2341bb4"
			  "b11a40acfebb02af04efc9dd29bd0f27bee4374a6eed50eaf4bf76d9",
	},
	{
		/* case-027 */
		.suite = SAKER_AES_256_GCM,
		.blocks = 1,
		.group_key = "9ec6752c5a54b468bbe93564de9bcfc1e71fdcc105a170d112d3cb502650f605",
		.input = "004530000000000000005add29280160",
		.key = "b506b52d99c4223f1ba48867d96410b4d5fcc2cf367db97a34ecfac7a826571e",
		.mask = "e1081426bdc1630eb2f68082",
		.nonce = "003f01000000000000000001",
		.aad = "8020003f8a16a073e00600cc5add2928e3162f00100d88461b0c3b3fb9f64f59204033cb"
		       "ac7b50a20000000000000001",
		.plain = "4500012c000040004011e82b0a012f110a020e82754a12b70118a8a2e18369c4c591606e"
			 "13fab1a5bbc2beae3df521196b0ffe00a724ce47c08c628d1c7b1e2440c0813ae3492f50"
			 "a1788e0d16338724d73fec515ab814949d9a4e1911295a3fc81ee628dc7ae18d773e071b"
			 "313dbb566385eca0889e939382034a2718c9d7dd079ef6ae977968dbab3313732247d344"
			 "7f6712a7a871f658b5cc6bc9bb7f7e17c5ed631d5ada3de3f1d3ea24e6b638f604335851"
			 "b826e5d8be5314e0442f92a05fb3e521aaa1da876352967ee2e82e4b51097b7de62b9160"
			 "e7200361f6557e33722f03bed770d16f37c828551657f8d17db37d99afca7836427bf098"
			 "9922cbf7e798ed0211cfe596bd8e6f9dfbc8d33bbf91ca7156ec319d46bde540b238023e"
			 "9fd290b03d1612643b6029f9",
		.sealed = "1eaa888d292b4f1aa2f021ff614ea98b944c41d8c577179c1e9fb2444d9896ceedb7dd3d"
			  "b6bad364b6bea7497b0cb630156a7cd8772a74cee17f988091472ca5c58e9d04fe3d64c8"
			  "7b4139dc07aaadb88bf300658f4a7d036866a121df20fa91506a823db558ba7d92d47d83"
			  "0203cf22d504592999487bacad8120c9df33fb72588176b450cfe140da4f5f0e268fb21d"
			  "f3040c351fd6a7da41f1b3a727b617716659b03e2f4b9f500e6f9f9c6e7f499b682fe687"
			  "85ea6a09734211dca08330853fee5186c37310f937ac98f1bb702a2927cf09783c63de9d"
			  "7cb83f44238ce714b3c4938f98f350a4b10e6527aa5c5fe5cf43e3ea158a41d0b0434d64"
			  "810d14dbc965b823502e6010d6958411c302a13b0dae51c0de3dcd3dfa0ec089c3bfd79d"
			  "f763ec85b56babf15ce365a21a10215a6a8d0efe02ff33749ec1cfe3",
	},
	{
		/* case-062 */
		.suite = SAKER_AES_256_GCM,
		.blocks = 2,
		.group_key = "f90bc847918fc681902b5c857009185d1461480db1cbfcde77f6ef5029590564",
		.input = "00453400000101000000c0a8014ac0a802880000000000000000000000000160",
		.key = "8851c203c2cf4feaa697b71c43d872762117bb0182fbf8aa932c410828c3cfc1",
		.mask = "46cf93654a66a0fddf1b20d2",
		.nonce = "003f00040001000100000000",
		.aad = "8004003f46795ab3e00240e80001000100000000",
		.plain = "000011000007000900181234628833507724ada48263e1439e7f1bea",
		.sealed = "581fcbd98580e4320921e152d062867cf7a6963a53db90ec65dbb820c8b2f3addbb79cbd"
			  "c3c39727dd67ab3e",
	},
	{
		/* case-048 */
		.suite = SAKER_AES_256_GCM,
		.blocks = 3,
		.group_key = "8626454ac23a626c0c0b42803dc570c8e6a016254d627b2910ff31fb3736eb4c",
		.input = "00453400000100000000fd00000ad4b40bc70386fc309f03f1eafd00000b3b008e683f15"
			 "c40f50f90b3f000000000160",
		.key = "6ba85a9a0d43af28a502dcbc77cebf1469fae1a8161f60b0233cb98bf860bfe8",
		.mask = "ce6867242be38dae3cfa6eba",
		.nonce = "000100040001000000000100",
		.aad = "800800019cc78c61e0024040010200000001000000000100",
		.plain = "45000240000040004011d75e0a0135b80a021794bf8112b7022c08e96623e3c3207cca5e"
			 "0df39343a2dd503eb0349e02a144b9867f2df0d8ff16e7470670ba83eec3d06815df46bf"
			 "f68b7ae259fe9dd0bbedb2c63f43a9c4b29a39312ccb04090b381e650782a3cfb5d97d20"
			 "d454bb3832f33ab97cceb6e8e8c921bc43aad6217337de4fb3aea2f7e679d89585ad44a0"
			 "1fb7815fa2fe78e6714db8f5cbd3b14c9ed149b741e7d5b7def1d1989a77afd1492de902"
			 "3d69c6eb6229307b427de0ba8de16da478364a18ba058dab574ed2b0b02f1eec28c5c525"
			 "5eb9d78c1408b7ba8f2247bea85a0347cfc4b3d4066b198975f6cf902a32f9a9f859494b"
			 "863326abf70905f44abaf55fd102e3931a32b8dc713eefe24221699ec76071569e48b601"
			 "f9a96d3c4d42989549236c735f91cd794fb599fb01fddc03fad6a2eb9c166b6bc1bc7263"
			 "6e98f7105ffc4a2c756f2f7c163eb5474e6a49ac4a257e752ebf2c6287fc8775f53d84ac"
			 "12b0d34fb45de0b920e64ef6675a0221b42868816b9eb844b2dc3a775e34f246fad0a4c7"
			 "3c71c111264c1dc824413a8f9ff3a8ecf2784bf4cdb986c01fee361cd38194ad6e629795"
			 "5e351ea6fb82013cc53edbdd635c8e49dfd87b2cedb94dc4e338eb94531cd84a72f75b17"
			 "9adeadb168e39d2d743b10e1f91718deefb15ebb2a4534ad5d44f75d2636dc0b34db7f02"
			 "845b6b958b423851c63c0199f628ecfc1c72212459485ffae4d7b19f055ebb887f7c35c6"
			 "fb4b991d51ab5ddb7d0fcf47b2f883f5bca1ed88769b38ed15bab46d6b0e386e8ac8c9b4",
		.sealed = "7730b17740726d3e18e92f0bd620e848b35f83959bb6db98abbe1f062eb59f6fb7d515ba"
			  "e6f047b7d1e31f5c195d8d52997a0d751d2dd4cf90f293b866f3e7c84caf8c76f04ff7d1"
			  "52cde3d28be87c048db52ceba3878aac57aaac4ef3ae37731510d57183dcf3b8a9c71cc5"
			  "525545860aaec640cc2d7bbffab873fe7847527a893407bdfeb1aeca3503d1de4bce3e72"
			  "84931d008c2c1bca08be360b02ebf682d3d7440e6a453ec0a1129f7ef7f3fb6bfcfdb5bc"
			  "4fbe541d47ba8dab7926a42c7b56f3939c444a54d8f89752a3d1a90c35864876bab424c1"
			  "db12f8d7f946b44e30f1494d2644d491323cc692a2b3a721ecca7d6308138a07580fedd4"
			  "7292b102608d93bcd585fafb7a8035f5254ea6522635c590f77217cbdc833648ba627e87"
			  "5dad3f98bd1f583abe7e0d0406126003b950c995c36002c7808bade1cbf4810a95b619a8"
			  "13f2d9418969572190cd6be83fda0427374ebf752f6b24c97a4fc35c0eb28383d57a1f99"
			  "684f8967fa82cfc7796a5eb84c72c88d9b7b4479f799cc35bb5dc8aba5cf45c945d1ee47"
			  "8aec0a65d5cea9520be11d29f4a00bb03b0f9fa28c750d05cad990d8f762d5e572cba5cc"
			  "b9e43ebc781ff5f2ee4a3d35f4a4f5dca2a011eded82abbd119017e82ac6b56c2271aa2f"
			  "d0a2fed9c904c6573f4da712000fd5f8f6f1d74b73ec9b1e8b809b7a3b8251ccbfea7a3c"
			  "e82da7ce0e57f09cd9a6abba87e21808591feb5b30a42bdd0161f5f3ce3e16def8b6ed7a"
			  "4090d87262cfe1735b8ad31aebaca7627d2a888fe0be19ece5e6372bc8fb6b7c5daa2e45"
			  "f4286e56d42e52f52201fde4913f3f58",
	},
	{
		/* psp-001 */
		.suite = SAKER_AES_128_GCM,
		.blocks = 1,
		.shape = SAKER_KDF_PSP,
		.group_key = "38d37158f9b44ba7c9e0044f91ded64a75b05755d52fa541adca1453eaa05bcd",
		.input = "00000000507630005ff125cd00000080",
		.key = "8c2d0e596a545126c0e687d0f35ec599",
		.mask = "",
		.nonce = "5ff125cd0000000100000000",
		.aad = "040205035ff125cd0000000100000000a49c085fde0ae5584500001c000040004011cc6e",
		.plain = "0a0167650a02f2fa8dea12b70008f0d9",
		.sealed = "98d1e34e5a511fb86d58f786749b21b4142124ad8c92ec7a58ced860e399bb17",
	},
	{
		/* psp-017 */
		.suite = SAKER_AES_256_GCM,
		.blocks = 1,
		.shape = SAKER_KDF_PSP,
		.group_key = "dcec0c72ca792c2d0d40fd032731e1e8a67beb94b5948febd0ff1b5a1d57cb9a",
		.input = "00000000507631009a1a6ecc00000100",
		.key = "ddb00ed2b22fb4960b8f0823e0c1c6d1c726772cdbd08763ac361607eba575f9",
		.mask = "",
		.nonce = "9a1a6ecc0000000100000000",
		.aad = "040209079a1a6ecc000000010000000010640cd195c8e1a8450002410000400040115d5b0a0"
		       "1986c0a022ee220f612b7022dc96f",
		.plain = "417f88c84b18a0d2d06e22e6d936e5a8a2006e8f10f7b837cbe2cb489cc04f02109cb174"
			 "3ebd752912d56ab231e2fa403a94353879bb26e0b6d614edb0c20fd3f28a82457afb7ac4"
			 "eed357b31d564c5a528993d01b8412136270cde81d10ef85310d06d89d25322e7a5e2710"
			 "0a5186ee0623fe62e21196d67bf30f5e67ae1203375653f694e83b26d4aba7ea1efcc1c4"
			 "ff1ff7535b9cfcab485a554aa14781513981168b4fa419206c634bcecd921e4fdc0f2b76"
			 "eb33c708b0c3e321be6a0c3a7aabe3eca9a534e9063a181f9364ef8e80bea6375dd6ff87"
			 "126cd1f8aac4bec20eeda5860216757a04e6f22e7bfca7a5b620e9e2a0d57eb70da7023d"
			 "90836126a80a5913646495491679906d739710aad86197c2cca7ecd7a8847d7552e83eb6"
			 "621c4fc6632c793df5b1c9b66ba197618a76808af1b3e7c66ce6730190d666c093f2b331"
			 "ae1588aa5ba22f4ce2bbd3c55b5db932787f5cda14788112bd4a037ecd32126e14e35ded"
			 "7faafbe948c089af36371efa25266a4b94ad7e92d2890b12ee9df380410e415e17bf4d4a"
			 "6d2044ef50aafbb8756df7a643aae1d9a4f4161678bad1640093f0817c4602f420000c9e"
			 "a13f45e47cdbbf3f213a239e00075c5433309bdc742314a954b97313d25dc3e59babe14b"
			 "81b3cee23ad6c342ba6bd6482e3dc450d792b066edfb8599c6a8d921d2db548d9cca1e83"
			 "4c41aec8423d90837b355b2ed409b606cc9445b5bc615a35eeb570965fcf59ddb980bc1f"
			 "e2b71369b614f4d630",
		.sealed = "4ed7b5a438597bc04254007609d9e2a7d12506d2c09c45ade86aeb58de68036aa20899f6"
			  "4b4c101649ba248aab7b1b8a647de0f85d98cb6c002055a5e29a1b59f007029088b955fa"
			  "ab28f1eb877846068324ffb745d5a001b857ed11246ca1316193b8f2eb1f3b4174672374"
			  "2910c53eb47e10ec0c270180c01b1bfe16c1c52f4503c1f1bed534eb118685043b64eea3"
			  "460970619029ce3303cbaacc0cfd0fae7a35f9142e0df1b8053dd093457719f07a013ac2"
			  "827074913b8751ae618e4a76ba5f8b77b7f406e6d9736d2041f16ad617a5d7bb1a64180f"
			  "2e123c9ecee08cc1c1beb9b3de16a85294cbc5179f9cdc85c93d3e0c94ca4c53a8d2181a"
			  "fdf5d42559ce1b3177284f4a809ef52999dbb2be1888f9167f6c629f316f3cf95869126b"
			  "835ba1832b9c4b189cf8638858c3e070337e709ea5f3393091768f96e097df20051c2f70"
			  "290fd02d988fe2ea35dfb9619c5f29b90d54cf9e66396df2fedf616cde798486704b1113"
			  "c91d369aa9ffd914b06c6cd3a3195297316516706f3aa5b2b79f419da734a65e9848828d"
			  "ad35ae21bcaa90af3593aa380ffcb2931c30cc9b2e3dc760c6b8f10e9c35e2ebf3006668"
			  "25db682b0b14d98beae7eea29ec25113323786faf77e830b021a89a60230149e79e1eb2a"
			  "9e89441ae8d2ffdd8f662895c07aecdc0d1d6a4d009f2756e7904176286b3cad97c3aa4b"
			  "8756529b498b8d1c0318dbe9c8fa2fd6e7fcacd45dceb393724845a7d45941b85647e5bc"
			  "26e9293ab473ba8d6d4c321c60df39bdd8bb6d0ca026286d1b",
	},
};

#define KNOWN_ANSWERS (sizeof(known_answers) / sizeof(known_answers[0]))

/* Batch sizes: alone, a few, full. */
static const uint16_t sizes[] = { 1, 5, SAKER_BATCH };

/* A known answer as octets, and room to try it in. */
struct trial {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_batch batch;
	/* The same key twice: neighbours of one group and of different groups. */
	struct saker_master master[2];
	struct saker_expanded_key expanded;
	struct saker_data_key want, got[SAKER_BATCH];
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];
	uint8_t nonce[NONCE_LEN], aad[MAX_AAD];
	uint8_t plain[MAX_TEXT], sealed[MAX_TEXT];
	uint16_t aad_len, len;
	uint8_t text[SAKER_BATCH][MAX_TEXT];
};

/* Octets of a constant of this file. */
static uint16_t
octets(const char *hex, uint8_t *out, size_t size)
{
	return (uint16_t)saker_hex_decode(hex, out, size);
}

static bool
load(struct trial *t, const struct known_answer *a)
{
	uint8_t key[GROUP_KEY_LEN];

	memset(&t->want, 0, sizeof(t->want));
	octets(a->group_key, key, sizeof(key));
	octets(a->input, t->input, sizeof(t->input));
	octets(a->key, t->want.key, sizeof(t->want.key));
	octets(a->mask, t->want.mask, sizeof(t->want.mask));
	octets(a->nonce, t->nonce, sizeof(t->nonce));
	t->aad_len = octets(a->aad, t->aad, sizeof(t->aad));
	t->len = octets(a->plain, t->plain, sizeof(t->plain));
	octets(a->sealed, t->sealed, sizeof(t->sealed));
	return t->ops->set_master(t->ctx, key, &t->master[0]) == 0 &&
	       t->ops->set_master(t->ctx, key, &t->master[1]) == 0 &&
	       t->ops->expand(t->ctx, a->suite, &t->want, &t->expanded) == 0;
}

/* n slots of the known answer, in place, with `text` in each; one in four has its key already. */
static void
fill(struct trial *t, const struct known_answer *a, uint16_t n, const uint8_t *text)
{
	struct saker_batch *b = &t->batch;

	memset(b, 0, sizeof(*b));
	b->n = n;
	b->suite = (uint8_t)a->suite;
	b->kdf_blocks = a->blocks;
	b->kdf_shape = a->shape;
	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int j = 0; j < a->blocks; j++)
			memcpy(b->kdf[j][i], t->input + j * SAKER_KDF_BLOCK, SAKER_KDF_BLOCK);
		memcpy(b->nonce[i], t->nonce, sizeof(t->nonce));
		memcpy(t->text[i], text, (size_t)t->len + ICV_LEN);
		b->master[i] = &t->master[i / 3 % 2];
		b->expanded[i] = i % 4 == 3 ? &t->expanded : NULL;
		b->aad[i] = t->aad;
		b->aad_len[i] = t->aad_len;
		b->src[i] = t->text[i];
		b->dst[i] = t->text[i];
		b->icv[i] = t->text[i] + t->len;
		b->len[i] = t->len;
	}
}

static bool
derives(struct trial *t, const struct known_answer *a, uint16_t n)
{
	fill(t, a, n, t->plain);
	memset(t->got, 0xff, sizeof(t->got));
	if (t->ops->derive(t->ctx, &t->batch, t->got) != 0)
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (!saker_ct_equal(&t->got[i], &t->want, sizeof(t->want)))
			return false;
	return true;
}

static bool
all_hold(const struct trial *t, const uint8_t *text, size_t len)
{
	for (unsigned int i = 0; i < t->batch.n; i++)
		if (t->batch.status[i] != SAKER_JOB_OK || memcmp(t->text[i], text, len) != 0)
			return false;
	return true;
}

static bool
seals(struct trial *t, const struct known_answer *a, uint16_t n)
{
	fill(t, a, n, t->plain);
	return t->ops->seal(t->ctx, &t->batch) == n &&
	       all_hold(t, t->sealed, (size_t)t->len + ICV_LEN);
}

static bool
opens(struct trial *t, const struct known_answer *a, uint16_t n)
{
	fill(t, a, n, t->sealed);
	return t->ops->open(t->ctx, &t->batch) == n && all_hold(t, t->plain, t->len);
}

static bool
is_wiped(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* All but the slots [1, n - 1) are damaged: the ICV's last bit in 0, the ciphertext in n - 1. */
static bool
refuses(struct trial *t, const struct known_answer *a, uint16_t n)
{
	const struct saker_batch *b = &t->batch;
	unsigned int last = n - 1u, damaged = last == 0 ? 1 : 2;

	fill(t, a, n, t->sealed);
	t->text[0][t->len + ICV_LEN - 1] ^= 1;
	t->text[last][t->len / 2] ^= 0x80;
	if (t->ops->open(t->ctx, &t->batch) != n - damaged)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		bool bad = i == 0 || i == last;

		if (b->status[i] != (bad ? SAKER_JOB_BAD_ICV : SAKER_JOB_OK))
			return false;
		if (bad ? !is_wiped(t->text[i], t->len) : memcmp(t->text[i], t->plain, t->len) != 0)
			return false;
	}
	return true;
}

static bool
answers(struct trial *t, const struct known_answer *a)
{
	if (!load(t, a))
		return false;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		if (!derives(t, a, sizes[s]) || !seals(t, a, sizes[s]) || !opens(t, a, sizes[s]) ||
			!refuses(t, a, sizes[s]))
			return false;
	return true;
}

static bool
answers_all(const struct saker_crypto_ops *ops, void *ctx)
{
	struct trial *t = saker_secret_alloc(sizeof(*t));
	bool good = t != NULL;

	if (t != NULL) {
		t->ops = ops;
		t->ctx = ctx;
	}
	for (size_t i = 0; i < KNOWN_ANSWERS && good; i++)
		good = answers(t, &known_answers[i]);
	saker_secret_free(t, sizeof(*t));
	return good;
}

enum saker_crypto_state
saker_crypto_check(const struct saker_crypto_ops *ops)
{
	void *ctx;
	bool good;

	if (ops->probe() <= 0)
		return SAKER_CRYPTO_UNSUPPORTED;
	ctx = ops->lcore_init(-1);
	if (ctx == NULL)
		return SAKER_CRYPTO_FAILED_KAT;
	good = answers_all(ops, ctx);
	ops->lcore_fini(ctx);
	return good ? SAKER_CRYPTO_READY : SAKER_CRYPTO_FAILED_KAT;
}
