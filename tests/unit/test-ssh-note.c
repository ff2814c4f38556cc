/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The helper's note, the fingerprint of keys, and what the helper understands
 * of the command that a client asked for.
 */
#include "config.h"

#include "common/mem.h"
#include "plugins/transport-ssh/fingerprint.c"
#include "plugins/transport-ssh/helper-original.c"
#include "plugins/transport-ssh/note.c"

#include "unit.h"

static void
note_comes_back_as_it_was_written (void **state)
{
  struct note note = { .read_only = true, .field = {
    "192.0.2.1 50000 2001:db8::1 22", "joe", "", "Joe from next door" } };
  struct note got;
  uint8_t data[NOTE_MAX];
  const char *why;
  size_t len;

  memset (note.field[NOTE_KEY], 'k', NOTE_TEXT_MAX);
  len = note_write (&note, data);
  for (size_t part = 0; part < NOTE_HEAD; part++)
    assert_int_equal (note_length (data, part, &why), 0);
  assert_int_equal (note_length (data, NOTE_HEAD, &why), len);
  assert_int_equal (note_read (data, len, &got, &why), 0);
  assert_true (got.read_only);
  for (int i = 0; i < NOTE_FIELDS; i++)
    assert_string_equal (got.field[i], note.field[i]);
  for (int i = 0; i < NOTE_FIELDS; i++)
    memset (note.field[i], 'x', NOTE_TEXT_MAX);
  assert_int_equal (note_write (&note, data), NOTE_MAX);
  assert_int_equal (note_read (data, NOTE_MAX, &got, &why), 0);
}

#define BYTES(text) (const uint8_t *) (text), sizeof (text) - 1

static void
note_that_is_damaged_is_refused (void **state)
{
  static const struct {
    const char *what;
    const uint8_t *data;
    size_t len;
  } rows[] = {
    { "another protocol", BYTES ("GET / HTTP/1.1\r\n") },
    { "another version", BYTES ("VgSh\2\0\0\0") },
    { "too long", BYTES ("VgSh\1\0\xff\xff") },
    { "too short", BYTES ("VgSh\1\0\0\3\0\5") },
    { "more than it says", BYTES ("VgSh\1\0\0\0x") },
    { "field without length", BYTES ("VgSh\1\0\0\1\0") },
    { "field longer than the note", BYTES ("VgSh\1\0\0\3\0\2a") },
    { "newline", BYTES ("VgSh\1\0\0\3\0\1\n") },
    { "NUL", BYTES ("VgSh\1\0\0\3\0\1\0") },
    { "not ASCII", BYTES ("VgSh\1\0\0\3\0\1\xe4") },
    { "field twice", BYTES ("VgSh\1\0\0\6\0\1a\0\1b") },
  };
  struct note note;

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    const char *why = NULL;

    if (note_read (rows[i].data, rows[i].len, &note, &why) != -1
        || why == NULL)
      fail_msg ("%s", rows[i].what);
  }
}

static void
note_may_have_fields_of_later_helpers (void **state)
{
  struct note note;
  const char *why;

  assert_int_equal (note_read (BYTES ("VgSh\1\2\0\6\1\1a\xc8\1b"), &note,
                               &why), 0);
  assert_string_equal (note.field[NOTE_USER], "a");
  assert_false (note.read_only);
}

/* FIPS 180-4's examples, and ssh-keygen -l. */
static void
fingerprint_is_that_of_ssh_keygen (void **state)
{
  static const uint8_t abc[32] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
    0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
    0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
  };
  static const char key[] = "AAAAC3NzaC1lZDI1NTE5AAAAIKdT1ftJnxYErjyWxqG+9oaOBV"
                            "jqquXi/MzoAnpqw1Je";
  char print[FINGERPRINT_MAX];
  uint8_t sum[32];

  sha256 ((const uint8_t *) "abc", 3, sum);
  assert_memory_equal (sum, abc, sizeof sum);
  assert_int_equal (fingerprint (key, strlen (key), print), 0);
  assert_string_equal (print, "SHA256:ZBZ3ucpR7Z9/HNBLaYqXLmFRIVqeuhhs1jdDzi"
                       "NNFgE");
  assert_int_equal (fingerprint ("AA*A", 4, print), -1);
  assert_int_equal (fingerprint ("A=AA", 4, print), -1);
  assert_int_equal (fingerprint ("", 0, print), -1);
}

/* The first are what virsh 9.0.0 sends. */
static void
command_is_understood_and_not_run (void **state)
{
  static const struct {
    const char *command, *uri;
    bool read_only, mark;
  } rows[] = {
    { "sh -c 'if 'which' 'virt-ssh-helper' >/dev/null 2>&1; then "
      "virt-ssh-helper 'qemu:///system'; else if 'nc' -q 2>&1 | grep "
      "\"requires an argument\" >/dev/null 2>&1; then ARG=-q0;else ARG=;fi;"
      "'nc' $ARG -U /var/run/libvirt/libvirt-sock; fi'", "qemu:///system" },
    { "sh -c 'which virt-ssh-helper; virt-ssh-helper -r 'qemu:///session''",
      "qemu:///session", true },
    { "sh -c ''nc' $ARG -U /var/run/libvirt/libvirt-sock-ro'", "", true },
    { "nc -U '/run/virgate/virgate-sock-ro'", "", true },
    { "virgate-ssh-helper --mark --readonly 'test:///default'",
      "test:///default", true, true },
    { "sh -c 'h='\\''virgate-ssh-helper'\\''; exec \"$h\" --mark "
      "'\\''qemu:///system'\\'''", "qemu:///system", false, true },
    { "rm -rf /", "" },
    { "", "" },
    { "''\"\"  ;;\n\t", "" },
  };

  for (size_t i = 0; i < COUNT_OF (rows); i++) {
    struct wish wish = { .read_only = false };

    original_read (rows[i].command, &wish);
    assert_string_equal (wish.uri, rows[i].uri);
    assert_int_equal (wish.read_only, rows[i].read_only);
    assert_int_equal (wish.mark, rows[i].mark);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (note_comes_back_as_it_was_written),
    cmocka_unit_test (note_that_is_damaged_is_refused),
    cmocka_unit_test (note_may_have_fields_of_later_helpers),
    cmocka_unit_test (fingerprint_is_that_of_ssh_keygen),
    cmocka_unit_test (command_is_understood_and_not_run),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
