/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the ssh client reads that others wrote: ssh_config, known hosts, files
 * of private keys, and what a far shell prints.  The first byte says which.
 */
#include "config.h"

#include "common/mem.h"
#include "fuzz.h"
#include "plugins/transport-ssh/far.h"
#include "plugins/transport-ssh/keyfile.h"
#include "plugins/transport-ssh/known.h"
#include "plugins/transport-ssh/sshconf.h"

static void
fuzz_config (const char *text, size_t len)
{
  const struct sshconf_query query = { "lab", NULL, "joe", "/nowhere" };
  const struct sshconf_tokens tokens = { "h", "lab", "u", "joe", NULL, 22 };
  struct sshconf conf = { .identities = 0 };
  char why[SSHCONF_WHY_MAX] = "";

  if (sshconf_parse (&conf, &query, text, len, "f", "/nowhere", why,
                     sizeof why) == -1 && why[0] == '\0')
    abort ();
  for (int i = 0; i < CONF_OPTIONS; i++)
    if (conf.value[i])
      free (sshconf_expand (conf.value[i], &tokens, why, sizeof why));
  sshconf_free (&conf);
}

static bool
hashed (void *opaque, const char *field, size_t len, const char *name)
{
  return len % 2;
}

static void
fuzz_known (const char *text, size_t len)
{
  const struct known_query query = {
    "[lab]:2222", "ssh-ed25519", "AAAA", hashed, NULL,
  };
  struct known_found found = { .types = 0 };

  known_look (&found, &query, text, len, "f");
  if (found.matches && found.types == 0)
    abort ();
}

static void
fuzz_key (const char *text, size_t len)
{
  struct keyfile key = { .path = "f" };

  keyfile_parse (&key, text, len);
  if (key.blob_len > sizeof key.blob || strlen (key.type) >= sizeof key.type)
    abort ();
}

/* However it is cut, the verdict is the same. */
static void
fuzz_answer (const char *text, size_t len)
{
  struct answer_state whole = { .len = 0 }, cut = { .len = 0 };
  enum answer one = answer_feed (&whole, text, len), other = ANSWER_MORE;

  for (size_t i = 0; i < len && other == ANSWER_MORE; i++)
    other = answer_feed (&cut, text + i, 1);
  if (one == ANSWER_READY && (other != one || cut.rest != whole.rest))
    abort ();
  free (whole.data);
  free (cut.data);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  static void (*const parts[]) (const char *text, size_t len) = {
    fuzz_config, fuzz_known, fuzz_key, fuzz_answer,
  };
  struct fuzz_input in = { data, len };
  uint8_t which = fuzz_byte (&in);
  size_t left = MIN_OF (in.len, (size_t) 8192);
  char *text = fuzz_block (&in, &left);

  parts[which % COUNT_OF (parts)] (text, left);
  free (text);
  return 0;
}
