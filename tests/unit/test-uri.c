/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * URIs: what transports get, and what stock clients forward (the names in the
 * first table were captured from them).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/uri.h"

static void
forwards_the_names_of_stock_clients (void **state)
{
  static const struct {
    const char *uri, *name, *transport;
  } rows[] = {
    { NULL, "", "unix" },
    { "", "", "unix" },
    { "test+unix:///default?socket=/run/S", "test:///default", "unix" },
    { "test+unix:///default?socket=/run/S&foo=bar&x=a%20b",
      "test:///default?foo=bar&x=a%20b", "unix" },
    { "test+unix:///default?socket=/run/S#frag", "test:///default#frag",
      "unix" },
    { "test+unix:///default?socket=/S&name=qemu:///system", "qemu:///system",
      "unix" },
    { "test+tcp://joe@127.0.0.1:1234/default?foo=1", "test:///default?foo=1",
      "tcp" },
    { "qemu://host/system", "qemu:///system", "tls" },
    { "qemu+tls://u@host:99/system", "qemu:///system", "tls" },
    { "qemu+ssh://h/session", "qemu:///session", "ssh" },
    { "remote+tcp://h/anything", "", "tcp" },
    { "remote://h/", "", "tls" },
    { "TEST+UNIX:///default", "TEST:///default", "unix" },
    { "qemu:///system", "qemu:///system", "unix" },
    { "qemu:/system", "qemu:///system", "unix" },
    { "test+unix:///default?SOCKET=/x&Mode=direct", "test:///default",
      "unix" },
    { "test+tls://h/default?name=command&command=&socket=&auth=&sshauth=&"
      "netcat=&keyfile=&pkipath=&known_hosts=&known_hosts_verify=&"
      "tls_priority=&mode=&proxy=&no_sanity=1&no_verify=1&no_tty=1&authfile=",
      "command", "tls" },
    { "test:///d?a=1;b=2", "test:///d?a=1&b=2", "unix" },
    { "test:///d?a&&=x&b=", "test:///d?a=&b=", "unix" },
    { "test:///a%20b", "test:///a%20b", "unix" },
    { "test:///a%3fb", "test:///a%3Fb", "unix" },
    { "test:///d?x=%26name%3dy", "test:///d?x=%26name%3Dy", "unix" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct virgate_error err = { 0 };
    struct uri uri;

    if (uri_parse (&uri, rows[i].uri, &err) == -1)
      fail_msg ("%s: %s", rows[i].uri, err.message);
    assert_string_equal (uri.name, rows[i].name);
    assert_string_equal (uri.v.transport, rows[i].transport);
    uri_free (&uri);
  }
}

static void
splits_and_decodes_for_transports (void **state)
{
  struct uri uri;

  assert_int_equal (uri_parse (&uri, "qemu+tcp://j%40e@[2001:db8::1]:16509"
                               "/a%2fb?socket=%2Frun%2Fx&socket=/y&Foo=%41",
                               NULL), 0);
  assert_string_equal (uri.v.driver, "qemu");
  assert_string_equal (uri.v.user, "j@e");
  assert_string_equal (uri.v.host, "2001:db8::1");
  assert_int_equal (uri.v.port, 16509);
  assert_string_equal (uri.v.path, "/a/b");
  assert_string_equal (uri_param (&uri, "socket"), "/y");
  assert_string_equal (uri_param (&uri, "foo"), "A");
  assert_null (uri_param (&uri, "bar"));
  assert_string_equal (uri.v.params[0].name, "socket");
  assert_string_equal (uri.v.params[0].value, "/run/x");
  assert_null (uri.v.params[3].name);
  uri_free (&uri);
}

static void
leaves_out_what_a_transport_consumes (void **state)
{
  static const char *const params[] = { "via", NULL };
  struct uri uri;

  assert_int_equal (uri_parse (&uri, "test+x:///d?via=h&keep=1", NULL), 0);
  assert_string_equal (uri.name, "test:///d?via=h&keep=1");
  assert_int_equal (uri_consume (&uri, params, NULL), 0);
  assert_string_equal (uri.name, "test:///d?keep=1");
  uri_free (&uri);
}

static void
refuses_with_a_reason (void **state)
{
  static const struct {
    const char *uri, *reason;
  } rows[] = {
    { "system", "missing scheme" },
    { "/etc/passwd", "missing scheme" },
    { "qemu:///a b", "not a URI from character 10 on" },
    { "qemu:///%zz", "not a URI" },
    { "qemu:///a%00b", "bad escape in the path" },
    { "qemu:///d?x=%00", "bad escape in a parameter" },
    { "qemu+tcp://h%00/d", "bad escape in the host" },
    { "qemu+tcp://h%0a/d", "names do not have" },
    { "qemu+tcp://h%2fx/d", "names do not have" },
    { "qemu+tcp://u:secret@h/d", "password" },
    { "qemu+tcp://h:0/d", "the port is not from 1 to 65535" },
    { "qemu+tcp://h:65536/d", "the port is not from 1 to 65535" },
    { "qemu+tcp://h:99999999999999999999/d", "the port is not" },
    { "qemu+tcp://h:-1/d", "not a URI" },
    { "qemu+tcp://[::1/d", "not a URI" },
    { "qemu+tcp://[::g]/d", "not a URI" },
    { "qemu+:///system", "no transport is called like that" },
    { "qemu+../x:///system", "missing scheme" },
    { "qemu+a.b:///system", "no transport is called like that" },
    { "qemu+unix://host/system", "using unix socket and remote server 'host'" },
    { "qemu://system", "maybe you want qemu:///system" },
    { "qemu+tcp://:99/d", "user and port need a host" },
    { "qemu+tcp://u@/d", "user and port need a host" },
    { "\n", "not a URI from character 1 on" },
    { "q\x80:///d", "not a URI" },
    { "qemu+tcp://u:secret@h:x/d", "URI 'qemu+tcp://...@h:x/d': not" },
    { "qemu+tcp:u:secret@h:x/ ", "URI '...@h:x/ ': not" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct virgate_error err = { 0 };
    struct uri uri;

    if (uri_parse (&uri, rows[i].uri, &err) == 0)
      fail_msg ("accepted %s", rows[i].uri);
    if (!strstr (err.message, rows[i].reason))
      fail_msg ("%s: %s", rows[i].uri, err.message);
    assert_null (strstr (err.message, "secret"));
    error_clear (&err);
  }
}

static void
bounds_length_and_parameters (void **state)
{
  char text[URI_LEN_MAX + 2] = "test:///", *at;
  struct uri uri;

  memset (text + 8, 'a', sizeof text - 9);
  text[sizeof text - 1] = '\0';
  assert_int_equal (uri_parse (&uri, text, NULL), -1);
  text[URI_LEN_MAX] = '\0';
  assert_int_equal (uri_parse (&uri, text, NULL), 0);
  uri_free (&uri);

  at = stpcpy (text, "test:///?");
  for (int i = 0; i < URI_PARAMS_MAX; i++)
    at = stpcpy (at, "a&");
  assert_int_equal (uri_parse (&uri, text, NULL), 0);
  uri_free (&uri);
  strcpy (at, "a");
  assert_int_equal (uri_parse (&uri, text, NULL), -1);
}

static void
escapes_that_triple_the_length_still_fit (void **state)
{
  char text[URI_LEN_MAX + 1] = "test:///?";
  struct uri uri;

  memset (text + 9, ':', sizeof text - 10);
  text[sizeof text - 1] = '\0';
  assert_int_equal (uri_parse (&uri, text, NULL), 0);
  uri_free (&uri);
  memset (text + 8, ':', sizeof text - 9);
  assert_int_equal (uri_parse (&uri, text, NULL), 0);
  uri_free (&uri);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (forwards_the_names_of_stock_clients),
    cmocka_unit_test (splits_and_decodes_for_transports),
    cmocka_unit_test (leaves_out_what_a_transport_consumes),
    cmocka_unit_test (refuses_with_a_reason),
    cmocka_unit_test (bounds_length_and_parameters),
    cmocka_unit_test (escapes_that_triple_the_length_still_fit),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
