/**
 * What is said to servers that speak in lines, as transcripts.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import type { Script } from "../../../src/check/dialogue.ts";
import {
  imapScript,
  nntpScript,
  popScript,
  redisScript,
  smtpScript,
} from "../../../src/check/script.ts";

/** Plays the server's lines; gives what was sent and `up`, `open` or `reason: detail`. */
function play(script: Script, lines: readonly string[]): readonly [string, string] {
  let sent = "";
  let step = script.next();
  for (const line of lines) {
    if (step.done === true) break;
    sent += step.value;
    step = script.next(line);
  }
  if (step.done !== true) return [sent + step.value, "open"];
  return [sent, step.value === undefined ? "up" : `${step.value.reason}: ${step.value.detail}`];
}

const nobody = { login: undefined, password: undefined };
const user = { login: "eve", password: "pass word" };

type Case = readonly [string, readonly string[], string, string];

describe(smtpScript.name, () => {
  test.each<Case>([
    ["EHLO", ["220 mx ready", "250-mx", "250-SIZE 1", "250 HELP"], "EHLO me\r\n", "up"],
    ["lines of a greeting", ["220-hello", "220 mx", "250 mx"], "EHLO me\r\n", "up"],
    ["HELO", ["220 mx", "502 what?", "250 mx"], "EHLO me\r\nHELO me\r\n", "up"],
    [
      "a refusal",
      ["220 mx", "550 no", "550 go away"],
      "EHLO me\r\nHELO me\r\n",
      'bad-status: HELO answered by "550 go away"',
    ],
    ["a full server", ["421 busy"], "", 'bad-status: connection answered by "421 busy"'],
    ["SSH", ["SSH-2.0-x"], "", 'bad-answer: not SMTP: "an unnumbered greeting"'],
    [
      "nonsense to EHLO",
      ["220 mx", "?", "?"],
      "EHLO me\r\nHELO me\r\n",
      'bad-answer: not SMTP: ""',
    ],
    ["a reply without end", ["220-a", "220-b", "221 c"], "", "open"],
  ])("with %s", (_name, lines, sent, verdict) => {
    expect(play(smtpScript("me"), lines)).toEqual([sent, verdict]);
  });
});

describe(nntpScript.name, () => {
  test.each<readonly [string, string]>([
    ["200 ready", "up"],
    ["201 read only", "up"],
    ["400 later", 'bad-status: connection answered by "400 later"'],
    ["+OK", 'bad-answer: not NNTP: "+OK"'],
  ])("takes %p as %p", (line, verdict) => {
    expect(play(nntpScript(), [line])).toEqual(["", verdict]);
  });
});

describe(popScript.name, () => {
  const login = "USER eve\r\nPASS pass word\r\n";
  test.each<readonly [string, typeof user | typeof nobody, readonly string[], string, string]>([
    ["no login", nobody, ["+OK ready"], "", "up"],
    ["a login", user, ["+OK", "+OK", "+OK in"], login, "up"],
    [
      "a wrong password that is repeated",
      user,
      ["+OK", "+OK", "-ERR no: pass word"],
      login,
      'bad-status: the login answered by "-ERR no: ********"',
    ],
    ["no greeting", user, ["-ERR busy"], "", 'bad-status: connection answered by "-ERR busy"'],
    ["IMAP", nobody, ["* OK"], "", 'bad-answer: not POP3: "* OK"'],
  ])("with %s", (_name, who, lines, sent, verdict) => {
    expect(play(popScript(who), lines)).toEqual([sent, verdict]);
  });
});

describe(imapScript.name, () => {
  const login = 'a1 LOGIN "eve" "pass word"\r\n';
  test.each<readonly [string, typeof user | typeof nobody, readonly string[], string, string]>([
    ["no login", nobody, ["* OK ready"], "", "up"],
    ["one who is in already", nobody, ["* PREAUTH in"], "", "up"],
    ["a login", user, ["* OK", "* CAPABILITY IMAP4", "a1 OK in"], login, "up"],
    [
      "a wrong password",
      user,
      ["* OK", "a1 NO wrong"],
      login,
      'bad-status: the login answered by "a1 NO wrong"',
    ],
    [
      "a farewell",
      user,
      ["* OK", "* BYE shutting down"],
      login,
      'bad-status: the login answered by "* BYE shutting down"',
    ],
    ["a full server", user, ["* BYE"], "", 'bad-status: connection answered by "* BYE"'],
    ["POP3", nobody, ["+OK"], "", 'bad-answer: not IMAP: "+OK"'],
    ["nonsense", user, ["* OK", "what"], login, 'bad-answer: not IMAP: "what"'],
  ])("with %s", (_name, who, lines, sent, verdict) => {
    expect(play(imapScript(who), lines)).toEqual([sent, verdict]);
  });

  test("quotes what would end a quoted string", () => {
    const [sent] = play(imapScript({ login: 'a"b', password: "c\\d" }), ["* OK"]);
    expect(sent).toBe('a1 LOGIN "a\\"b" "c\\\\d"\r\n');
  });
});

describe(redisScript.name, () => {
  const ping = "*1\r\n$4\r\nPING\r\n";
  const auth = "*3\r\n$4\r\nAUTH\r\n$3\r\neve\r\n$9\r\npass word\r\n";
  const secret = { login: undefined, password: "größe" };
  test.each<
    readonly [string, Parameters<typeof redisScript>[0], readonly string[], string, string]
  >([
    ["no password", nobody, ["+PONG"], ping, "up"],
    ["a user", user, ["+OK", "+PONG"], auth + ping, "up"],
    [
      "the default user",
      secret,
      ["+OK", "+PONG"],
      `*2\r\n$4\r\nAUTH\r\n$7\r\ngröße\r\n${ping}`,
      "up",
    ],
    [
      "a wrong password that is repeated",
      user,
      ["-ERR unknown command AUTH eve pass word"],
      auth,
      'bad-status: the login answered by "-ERR unknown command AUTH eve ********"',
    ],
    [
      "a password that is missing",
      nobody,
      ["-NOAUTH Authentication required."],
      ping,
      'bad-status: PING answered by "-NOAUTH Authentication required."',
    ],
    ["HTTP", nobody, ["HTTP/1.1 400"], ping, 'bad-answer: not Redis: "HTTP/1.1 400"'],
  ])("with %s", (_name, who, lines, sent, verdict) => {
    expect(play(redisScript(who), lines)).toEqual([sent, verdict]);
  });
});
