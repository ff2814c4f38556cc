/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Facts and identities: what goes in comes out, in few bytes.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/mem.h"
#include "core/peer.h"

static void
gives_back_facts_by_key_and_number (void **state)
{
  struct virgate_peer peer = { 0 };
  struct virgate_fact fact;

  peer_string (&peer, VIRGATE_FACT_X509_SAN, VIRGATE_VOUCH_CERTIFICATE, "a");
  peer_number (&peer, VIRGATE_FACT_UID, VIRGATE_VOUCH_KERNEL, UINT64_MAX);
  peer_string (&peer, "mine.colour", VIRGATE_VOUCH_CLAIM, "red");
  peer_string (&peer, VIRGATE_FACT_X509_SAN, VIRGATE_VOUCH_CERTIFICATE, "b");
  peer_number (&peer, "mine.size", VIRGATE_VOUCH_EXCHANGE, 7);

  for (int trimmed = 0; trimmed < 2; trimmed++) {
    assert_int_equal (peer_get (&peer, VIRGATE_FACT_X509_SAN, 1, &fact), 1);
    assert_string_equal (fact.str, "b");
    assert_string_equal (fact.key, VIRGATE_FACT_X509_SAN);
    assert_int_equal (fact.vouch, VIRGATE_VOUCH_CERTIFICATE);
    assert_int_equal (peer_get (&peer, VIRGATE_FACT_X509_SAN, 2, &fact), 0);
    assert_int_equal (peer_get (&peer, VIRGATE_FACT_UID, 0, &fact), 1);
    assert_true (fact.num == UINT64_MAX);
    assert_int_equal (fact.type, VIRGATE_FACT_NUMBER);
    assert_int_equal (peer_get (&peer, "mine.size", 0, &fact), 1);
    assert_int_equal (fact.num, 7);
    assert_int_equal (fact.vouch, VIRGATE_VOUCH_EXCHANGE);
    assert_int_equal (peer_get (&peer, "mine", 0, &fact), 0);
    assert_int_equal (peer_get (&peer, NULL, 2, &fact), 1);
    assert_string_equal (fact.key, "mine.colour");
    assert_string_equal (fact.str, "red");
    assert_int_equal (peer_get (&peer, NULL, 5, &fact), 0);
    peer_trim (&peer);
    assert_int_equal (peer.len, peer.size);
  }
  peer_free (&peer);
}

static void
knows_addresses_and_unmaps_ipv4 (void **state)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons (80) };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                              .sin6_port = htons (443) };
  struct virgate_peer peer = { 0 };
  struct virgate_fact fact;
  char text[64];

  inet_pton (AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
  peer_address (&peer, VIRGATE_FACT_REMOTE, 1, &in6, sizeof in6);
  inet_pton (AF_INET, "192.0.2.1", &in.sin_addr);
  peer_address (&peer, VIRGATE_FACT_LOCAL, 1, &in, sizeof in);
  inet_pton (AF_INET6, "2001:db8::1", &in6.sin6_addr);
  peer_address (&peer, VIRGATE_FACT_LOCAL, 1, &in6, sizeof in6);
  in.sin_family = AF_UNIX;
  assert_int_equal (peer_address (&peer, "x.y", 1, &in, sizeof in), 0);

  assert_int_equal (peer_get (&peer, VIRGATE_FACT_REMOTE, 0, &fact), 1);
  assert_int_equal (fact.addr_len, 4);
  assert_memory_equal (fact.addr, "\xc0\x00\x02\x07", 4);
  assert_string_equal (fact.str, "192.0.2.7");
  assert_int_equal (fact.num, 443);
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_LOCAL, 0, &fact), 1);
  assert_string_equal (fact.str, "192.0.2.1");
  assert_int_equal (peer_get (&peer, VIRGATE_FACT_LOCAL, 1, &fact), 1);
  assert_int_equal (fact.addr_len, 16);
  assert_string_equal (fact.str, "2001:db8::1");
  assert_int_equal (peer_get (&peer, NULL, 3, &fact), 0);
  peer_describe (&peer, text, sizeof text);
  assert_string_equal (text, "192.0.2.7:443");
  peer_free (&peer);
}

static void
takes_few_bytes_for_an_ordinary_peer (void **state)
{
  struct virgate_peer peer = { 0 };
  char text[64];

  peer_string (&peer, VIRGATE_FACT_TRANSPORT, 1, "unix");
  peer_string (&peer, VIRGATE_FACT_LISTENER, 1, "local");
  peer_string (&peer, VIRGATE_FACT_PATH, 1, "/run/virgate/virgate-sock");
  peer_number (&peer, VIRGATE_FACT_UID, 1, 1000);
  peer_number (&peer, VIRGATE_FACT_GID, 1, 1000);
  peer_number (&peer, VIRGATE_FACT_PID, 1, 4711);
  peer_trim (&peer);
  assert_true (peer.size <= 96);
  peer_describe (&peer, text, sizeof text);
  assert_string_equal (text, "uid 1000 pid 4711");
  peer_free (&peer);
  peer_describe (&peer, text, sizeof text);
  assert_string_equal (text, "an unknown peer");
}

static void
stops_at_the_ceiling (void **state)
{
  struct virgate_peer peer = { 0 };
  struct virgate_fact fact;
  char *big = malloc (PEER_MAX + 1);
  int count = 0;

  memset (big, 'a', PEER_MAX);
  big[PEER_MAX] = '\0';
  assert_int_equal (peer_string (&peer, "m.k", 1, big), -1);
  assert_int_equal (errno, ENOMEM);
  while (peer_string (&peer, VIRGATE_FACT_X509_SAN, 1, "0123456789") == 0)
    count++;
  assert_int_equal (count, PEER_MAX / 15);
  assert_int_equal (peer_get (&peer, NULL, count - 1, &fact), 1);
  assert_string_equal (fact.str, "0123456789");
  assert_int_equal (peer_get (&peer, NULL, count, &fact), 0);
  peer_free (&peer);
  free (big);
}

static void
identity_has_one_name_and_many_groups (void **state)
{
  struct virgate_identity who = { 0 };
  struct virgate_identity_entry entry;
  uint16_t mark;

  assert_null (identity_get_name (&who));
  assert_null (identity_get_group (&who, 0));
  identity_name (&who, "CN=a", VIRGATE_VOUCH_CERTIFICATE);
  identity_method (&who, "x509");
  mark = who.len;
  identity_name (&who, "joe", VIRGATE_VOUCH_EXCHANGE);
  identity_method (&who, "password");
  identity_group (&who, "ops", VIRGATE_VOUCH_CLAIM);
  identity_group (&who, "dev", VIRGATE_VOUCH_CLAIM);
  identity_trim (&who);
  assert_string_equal (identity_get_name (&who), "joe");
  assert_string_equal (identity_get_method (&who, 0), "x509");
  assert_string_equal (identity_get_method (&who, 1), "password");
  assert_null (identity_get_method (&who, 2));
  assert_null (identity_get_method (&who, UINT32_MAX));
  assert_string_equal (identity_get_group (&who, 1), "dev");
  assert_null (identity_get_group (&who, 2));
  assert_int_equal (identity_get (&who, VIRGATE_IDENTITY_NAME, 1, &entry), 1);
  assert_string_equal (entry.value, "joe");
  assert_int_equal (entry.vouch, VIRGATE_VOUCH_EXCHANGE);
  assert_int_equal (identity_get (&who, VIRGATE_IDENTITY_NAME, 2, &entry), 0);
  identity_rewind (&who, mark);
  assert_string_equal (identity_get_name (&who), "CN=a");
  assert_null (identity_get_group (&who, 0));
  identity_free (&who);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (gives_back_facts_by_key_and_number),
    cmocka_unit_test (knows_addresses_and_unmaps_ipv4),
    cmocka_unit_test (takes_few_bytes_for_an_ordinary_peer),
    cmocka_unit_test (stops_at_the_ceiling),
    cmocka_unit_test (identity_has_one_name_and_many_groups),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
