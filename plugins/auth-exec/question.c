/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the program reads; see question.h.
 */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "question.h"

/* A question that grew would leave copies of a password behind. */
#define QUESTION_MAX (64 * 1024)

static const char *const vouchers[] = {
  [0] = "-",
  [VIRGATE_VOUCH_KERNEL] = "kernel",
  [VIRGATE_VOUCH_CERTIFICATE] = "certificate",
  [VIRGATE_VOUCH_EXCHANGE] = "exchange",
  [VIRGATE_VOUCH_CLAIM] = "claim",
};

/* `read -r key vouch value` in a shell gives exactly this back: one line, and
 * no blank at either end for it to cut off.
 */
static bool
is_plain (const char *value)
{
  size_t len = strlen (value);

  for (size_t i = 0; i < len; i++)
    if ((unsigned char) value[i] < ' ' || value[i] == 127)
      return false;
  return len > 0 && value[0] != ' ' && value[len - 1] != ' ';
}

static int
add (struct buf *text, const struct virgate_host *host, const char *key,
     uint32_t vouch, const char *value)
{
  const char *voucher = vouch < COUNT_OF (vouchers) ? vouchers[vouch] : "-";
  size_t room = QUESTION_MAX - buf_len (text);
  int len;

  if (!is_plain (value))
    return host->error (host, "its %s is empty, has a control character or a "
                        "blank at an end: no program is asked about that",
                        key);
  len = snprintf (buf_data (text) + buf_len (text), room, "%s %s %s\n", key,
                  voucher, value);
  if (len < 0 || (size_t) len >= room)
    return host->error (host, "too much is known of it: more than %d bytes",
                        QUESTION_MAX);
  text->end += (size_t) len;
  return 0;
}

static int
add_number (struct buf *text, const struct virgate_host *host,
            const char *key, uint32_t vouch, uint64_t number)
{
  char value[32];

  snprintf (value, sizeof value, "%" PRIu64, number);
  return add (text, host, key, vouch, value);
}

static int
add_fact (struct buf *text, const struct virgate_host *host,
          const struct virgate_fact *fact)
{
  char key[80];

  if (fact->type == VIRGATE_FACT_NUMBER)
    return add_number (text, host, fact->key, fact->vouch, fact->num);
  if (fact->type == VIRGATE_FACT_STRING)
    return add (text, host, fact->key, fact->vouch, fact->str);
  snprintf (key, sizeof key, "%s-port", fact->key);
  if (add (text, host, fact->key, fact->vouch, fact->str) == -1)
    return -1;
  return add_number (text, host, key, fact->vouch, fact->num);
}

/* The methods of the chain that have said yes so far, and what they found.
 * The last name counts; with a password it is the claim that this is for, and
 * the one before it was found.
 */
static int
add_identity (struct buf *text, const struct virgate_host *host,
              const struct virgate_identity *identity, bool has_claim)
{
  struct virgate_identity_entry entry, name = { NULL, 0 }, last = name;

  for (uint32_t n = 0;
       host->identity_get (identity, VIRGATE_IDENTITY_METHOD, n, &entry); n++)
    if (add (text, host, "method", 0, entry.value) == -1)
      return -1;
  for (uint32_t n = 0;
       host->identity_get (identity, VIRGATE_IDENTITY_NAME, n, &entry); n++) {
    name = last;
    last = entry;
  }
  if (!has_claim)
    name = last;
  if (name.value && add (text, host, "identity", name.vouch, name.value) == -1)
    return -1;
  for (uint32_t n = 0;
       host->identity_get (identity, VIRGATE_IDENTITY_GROUP, n, &entry); n++)
    if (add (text, host, "identity-group", entry.vouch, entry.value) == -1)
      return -1;
  return 0;
}

int
question_write (struct buf *text, const struct virgate_host *host,
                const struct virgate_peer *peer,
                const struct virgate_identity *identity, const char *user,
                const char *password)
{
  struct virgate_fact fact;

  if (buf_reserve (text, QUESTION_MAX) == NULL)
    return host->error (host, "out of memory");
  if (add (text, host, "virgate", 0, "1") == -1
      || add (text, host, "section", 0, host->section) == -1)
    return -1;
  for (uint32_t n = 0; host->peer_get (peer, NULL, n, &fact); n++)
    if (add_fact (text, host, &fact) == -1)
      return -1;
  if (add_identity (text, host, identity, password != NULL) == -1)
    return -1;
  if (password == NULL)
    return 0;
  if (add (text, host, "user", VIRGATE_VOUCH_CLAIM, user) == -1
      || add (text, host, "password", VIRGATE_VOUCH_CLAIM, password) == -1)
    return -1;
  return 0;
}

void
question_free (struct buf *text)
{
  wipe (text->base, text->size);
  buf_free (text);
}
