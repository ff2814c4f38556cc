/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * send-key: keys by number, or by their Linux name.
 */
#include "config.h"

#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rows.h"

#define KEYS_MAX VIRGATE_REMOTE_DOMAIN_SEND_KEY_MAX

#define K(name) { "KEY_" #name, KEY_##name }
static const struct {
  const char *name;
  uint32_t code;
} keys[] = {
  K (ESC), K (1), K (2), K (3), K (4), K (5), K (6), K (7), K (8), K (9),
  K (0), K (MINUS), K (EQUAL), K (BACKSPACE), K (TAB), K (Q), K (W), K (E),
  K (R), K (T), K (Y), K (U), K (I), K (O), K (P), K (LEFTBRACE),
  K (RIGHTBRACE), K (ENTER), K (LEFTCTRL), K (A), K (S), K (D), K (F), K (G),
  K (H), K (J), K (K), K (L), K (SEMICOLON), K (APOSTROPHE), K (GRAVE),
  K (LEFTSHIFT), K (BACKSLASH), K (Z), K (X), K (C), K (V), K (B), K (N),
  K (M), K (COMMA), K (DOT), K (SLASH), K (RIGHTSHIFT), K (KPASTERISK),
  K (LEFTALT), K (SPACE), K (CAPSLOCK), K (F1), K (F2), K (F3), K (F4),
  K (F5), K (F6), K (F7), K (F8), K (F9), K (F10), K (NUMLOCK),
  K (SCROLLLOCK), K (KP7), K (KP8), K (KP9), K (KPMINUS), K (KP4), K (KP5),
  K (KP6), K (KPPLUS), K (KP1), K (KP2), K (KP3), K (KP0), K (KPDOT),
  K (102ND), K (F11), K (F12), K (KPENTER), K (RIGHTCTRL), K (KPSLASH),
  K (SYSRQ), K (RIGHTALT), K (HOME), K (UP), K (PAGEUP), K (LEFT), K (RIGHT),
  K (END), K (DOWN), K (PAGEDOWN), K (INSERT), K (DELETE), K (MUTE),
  K (VOLUMEDOWN), K (VOLUMEUP), K (POWER), K (KPEQUAL), K (PAUSE),
  K (KPCOMMA), K (LEFTMETA), K (RIGHTMETA), K (COMPOSE), K (STOP), K (AGAIN),
  K (UNDO), K (COPY), K (OPEN), K (PASTE), K (FIND), K (CUT), K (HELP),
  K (MENU), K (SLEEP), K (WAKEUP), K (PRINT)
};
#undef K

/* libvirt's virKeycodeSet. */
static const char *const codesets[] = {
  "linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb",
  "win32", "qnum"
};

static int
key_code (struct cmd *cmd, const char *text, uint32_t codeset, uint32_t *code)
{
  char *end;

  *code = (uint32_t) strtoul (text, &end, 0);
  if (*text != '\0' && *end == '\0')
    return 0;
  for (size_t i = 0; codeset == 0 && i < COUNT_OF (keys); i++)
    if (strcmp (keys[i].name, text) == 0) {
      *code = keys[i].code;
      return 0;
    }
  return cmd_fail (cmd, STATUS_USAGE, "invalid keycode: '%s'", text);
}

int
run_send_key (struct cmd *cmd)
{
  const struct parsed *parsed = cmd->parsed;
  const char *set = opt_str (cmd, "codeset");
  uint32_t codes[KEYS_MAX];
  struct virgate_remote_domain_send_key_args args = {
    .holdtime = (uint32_t) opt_int (cmd, "holdtime", 0),
    .keycodes = { (uint32_t) parsed->nargs, codes }
  };
  const struct virgate_domain *dom;

  while (set && args.codeset < COUNT_OF (codesets)
         && strcasecmp (set, codesets[args.codeset]) != 0)
    args.codeset++;
  if (args.codeset == COUNT_OF (codesets))
    return cmd_fail (cmd, STATUS_USAGE, "unknown codeset: '%s'", set);
  if (parsed->nargs > KEYS_MAX)
    return cmd_fail (cmd, STATUS_USAGE, "too many keycodes");
  for (int i = 0; i < parsed->nargs; i++)
    if (key_code (cmd, parsed->args[i], args.codeset, &codes[i]) < 0)
      return -1;
  dom = opt_domain (cmd, BY_ANY);
  if (dom == NULL)
    return -1;
  args.dom = *dom;
  return CALL_SET (cmd, domain_send_key, &args);
}
