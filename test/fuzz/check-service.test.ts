/**
 * Properties of the checks of services: hostile bytes, parts, bounds.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import * as codec from "dns-packet";
import * as fc from "fast-check";

import { dialogueBytesMax, LineDialogue } from "../../src/check/dialogue.ts";
import type { Script } from "../../src/check/dialogue.ts";
import { DnsFrame, dnsQuestion, encodeDnsQuery, judgeDnsAnswer } from "../../src/check/dns.ts";
import { ftpScript, passivePort } from "../../src/check/ftp.ts";
import { simpleTcpRequest, udpRequest } from "../../src/check/request-text.ts";
import {
  imapScript,
  nntpScript,
  popScript,
  redisScript,
  smtpScript,
} from "../../src/check/script.ts";
import { encodeOptions, judgeStatusLine, sipScript } from "../../src/check/sip.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);
const options = { seed, numRuns };

const secret = "hunter2-secret";
const who = { login: "eve", password: secret };
/** Those that send a password. */
const loginScripts: readonly (() => Script)[] = [
  () => popScript(who),
  () => imapScript(who),
  () => redisScript(who),
  () =>
    ftpScript(
      { service: "ftp", ...who, request: "/x", receive: undefined },
      { isExtended: false, openData: () => undefined, hasHungUp: () => false },
    ),
];
const scripts: readonly (() => Script)[] = [
  ...loginScripts,
  () => smtpScript("me"),
  () => nntpScript(),
  () => sipScript("OPTIONS\r\n"),
];

/** Pieces that good and bad answers are made of. */
const piece = fc.oneof(
  fc.constantFrom(
    "220 ready\r\n",
    "220-a\r\n",
    "250 ok\r\n",
    "331 ?\r\n",
    "230 in\r\n",
    "150 -\r\n",
    "226 done\r\n",
    "227 (127,0,0,1,1,2)\r\n",
    "530 no\r\n",
    "+OK\r\n",
    "+PONG\r\n",
    "-ERR ",
    "* OK\r\n",
    "a1 OK\r\n",
    "a1 NO ",
    "* BYE\r\n",
    "SIP/2.0 100 -\r\n",
    "SIP/2.0 200 OK\r\n",
    secret,
    "\r\n",
    "\n",
    "\r",
    "200 news\r\n",
  ),
  fc.string({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);
const answer = fc
  .array(piece, { maxLength: 14 })
  .map((pieces) => Buffer.from(pieces.join(""), "latin1"));
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 10 });

/** What a dialogue says and finds when the bytes come in these parts. */
function summary(script: Script, bytes: Uint8Array, cutsAt: readonly number[]) {
  const dialogue = new LineDialogue(script, "");
  let sent = Buffer.from(dialogue.start()).toString();
  let from = 0;
  for (const to of [...cutsAt.toSorted((a, b) => a - b), bytes.length]) {
    const next = dialogue.push(bytes.subarray(from, Math.max(from, to)));
    if (typeof next === "object") sent += Buffer.from(next).toString();
    from = Math.max(from, to);
  }
  return { sent, verdict: dialogue.verdict({ reason: "timeout", detail: "" }) };
}

describe("LineDialogue", () => {
  const script = fc.constantFrom(...scripts);

  test("never throws, and says the same whatever parts the bytes come in", () => {
    fc.assert(
      fc.property(script, answer, cuts, (make, bytes, cutsAt) => {
        const whole = summary(make(), bytes, []);
        expect(summary(make(), bytes, cutsAt).verdict).toEqual(whole.verdict);
      }),
      options,
    );
  });

  test("shows no password, also when the server repeats it", () => {
    fc.assert(
      fc.property(fc.constantFrom(...loginScripts), answer, (make, bytes) => {
        expect(JSON.stringify(summary(make(), bytes, []).verdict ?? null)).not.toContain(secret);
      }),
      options,
    );
  });

  test("ends within its bound", () => {
    fc.assert(
      fc.property(script, answer, (make, bytes) => {
        const dialogue = new LineDialogue(make(), "");
        dialogue.start();
        dialogue.push(bytes);
        expect(dialogue.push(Buffer.alloc(dialogueBytesMax + 1, "220-\n"))).toBe(true);
      }),
      { ...options, numRuns: Math.min(numRuns, 100) },
    );
  });
});

describe("dns", () => {
  const question = { name: "www.example.com", type: "A" } as const;
  const good = codec.encode({
    type: "response",
    id: 7,
    questions: [question],
    answers: [{ ...question, data: "192.0.2.1" }],
  });

  test("judgeDnsAnswer never throws, whatever is changed in an answer", () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat(good.length), (changes, length) => {
        const bytes = Uint8Array.from(good).subarray(0, length);
        for (const [at, byte] of changes) if (at < length) bytes[at] = byte;
        judgeDnsAnswer(codec, bytes, { question, id: 7, pattern: undefined });
      }),
      options,
    );
  });

  test("judgeDnsAnswer never throws, whatever bytes arrive", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        judgeDnsAnswer(codec, bytes, { question, id: 7, pattern: undefined });
      }),
      options,
    );
  });

  test("every address can be asked for", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, (text) => {
        const asked = dnsQuestion(text);
        if (asked.type !== "PTR") return;
        const decoded = codec.decode(Buffer.from(encodeDnsQuery(codec, asked, 1)));
        expect(decoded.questions![0]!.name).toBe(asked.name);
      }),
      options,
    );
  });

  test("DnsFrame gives the same message whatever parts it comes in", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), cuts, (bytes, cutsAt) => {
        const whole = new DnsFrame().push(bytes);
        const frame = new DnsFrame();
        let from = 0;
        let found: Uint8Array | undefined;
        for (const to of [...cutsAt.toSorted((a, b) => a - b), bytes.length]) {
          found ??= frame.push(bytes.subarray(from, Math.max(from, to)));
          from = Math.max(from, to);
        }
        expect(found === undefined ? undefined : [...found]).toEqual(whole && [...whole]);
      }),
      options,
    );
  });
});

test("what is text stays within its line or its bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      simpleTcpRequest(text);
      udpRequest(text);
      judgeStatusLine(text);
      const port = passivePort(text);
      if (port !== undefined) expect(port >= 1 && port <= 65535).toBe(true);
    }),
    options,
  );
});

test("a SIP request ends with its only empty line", () => {
  const local = { address: "::1", port: 1 };
  const question = { transport: "TCP", address: "::1", port: 1, local, token: "t" } as const;
  fc.assert(
    fc.property(fc.stringMatching(/^[\w.]{1,10}@[\w.]{1,10}$/), (login) => {
      const text = encodeOptions({ ...question, login });
      expect(text.indexOf("\r\n\r\n")).toBe(text.length - 4);
    }),
    options,
  );
});
