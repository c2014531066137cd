/**
 * Properties of the codecs of LDAP, RADIUS and TNS: hostile bytes, parts, bounds, round trips.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";

import * as fc from "fast-check";

import { ldapBytesMax, LdapDialogue } from "../../src/check/ldap.ts";
import { encodeAccessRequest, hidePassword, judgeRadiusAnswer } from "../../src/check/radius.ts";
import { TnsAnswer } from "../../src/check/tns.ts";
import type { LdapCheckSpec } from "../../src/model/index.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);
const options = { seed, numRuns };

const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 10 });
const secret = "hunter2-secret";

/** Hands bytes over in parts. */
function feed(bytes: Uint8Array, cutsAt: readonly number[], push: (part: Uint8Array) => void) {
  let from = 0;
  for (const to of [...cutsAt.toSorted((a, b) => a - b), bytes.length]) {
    push(bytes.subarray(from, Math.max(from, to)));
    from = Math.max(from, to);
  }
}

describe("LdapDialogue", () => {
  const spec: LdapCheckSpec = {
    service: "ldap",
    login: "cn=eve",
    password: secret,
    request: "dc=example",
    receive: undefined,
    tls: undefined,
  };
  /** Bind accepted, an entry, end of search; a bind refused with the password in its text. */
  const good = Buffer.from(
    "300c02010161070a010004000400" +
      "3013020102640e040a64633d6578616d706c653000" +
      "300c02010265070a010004000400",
    "hex",
  );
  const refused = Buffer.concat([
    Buffer.from("301a02010161150a01310400040e", "hex"),
    Buffer.from(secret),
  ]);
  const changes = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 });
  const bytes = fc.oneof(
    fc.tuple(fc.constantFrom(good, refused), changes).map(([from, list]) => {
      const copy = Uint8Array.from(from);
      for (const [at, byte] of list) if (at < copy.length) copy[at] = byte;
      return copy;
    }),
    fc.uint8Array({ maxLength: 100 }),
  );

  const verdictOf = (answer: Uint8Array, cutsAt: readonly number[]) => {
    const dialogue = new LdapDialogue(spec, undefined);
    dialogue.start();
    feed(answer, cutsAt, (part) => dialogue.push(part));
    return dialogue.verdict("closed");
  };

  test("finds good what is good", () => {
    expect(verdictOf(good, [])).toBeUndefined();
    expect(verdictOf(refused, [])?.detail).toBe(
      'the bind answered by "invalidCredentials: ********"',
    );
  });

  test("never throws, says the same whatever parts come, and shows no password", () => {
    fc.assert(
      fc.property(bytes, cuts, (answer, cutsAt) => {
        const whole = verdictOf(answer, []);
        const parts = verdictOf(answer, cutsAt);
        expect(parts?.reason).toEqual(whole?.reason as never);
        expect(JSON.stringify([whole, parts])).not.toContain(secret);
      }),
      options,
    );
  });

  test("ends within its bound", () => {
    fc.assert(
      fc.property(bytes, (answer) => {
        const dialogue = new LdapDialogue(spec, undefined);
        dialogue.push(answer);
        expect(dialogue.push(Buffer.alloc(ldapBytesMax + 1, 0x30))).toBe(true);
      }),
      { ...options, numRuns: Math.min(numRuns, 100) },
    );
  });
});

describe("radius", () => {
  const nonce = { id: 7, authenticator: new Uint8Array(16).fill(5) };

  test("a hidden password can be found again by who knows the secret", () => {
    const text = fc.string({ minLength: 1, maxLength: 32 });
    fc.assert(
      fc.property(text, text, (password, key) => {
        const bytes = Buffer.from(password).subarray(0, 128);
        const hidden = Buffer.from(hidePassword(bytes, Buffer.from(key), nonce.authenticator));
        const found: number[] = [];
        for (let start = 0; start < hidden.length; start += 16) {
          const previous = start === 0 ? nonce.authenticator : hidden.subarray(start - 16, start);
          const mask = createHash("md5").update(key).update(previous).digest();
          for (let index = 0; index < 16; index++)
            found.push(hidden[start + index]! ^ mask[index]!);
        }
        expect(Buffer.from(found).subarray(0, bytes.length)).toEqual(bytes);
        expect(found.slice(bytes.length).every((byte) => byte === 0)).toBe(true);
      }),
      options,
    );
  });

  test("a request is well formed whatever it is made of, and hides its secrets", () => {
    // More does not fit, and is refused by the configuration.
    const text = fc
      .string({ maxLength: 40, unit: "grapheme" })
      .filter((login) => Buffer.byteLength(login) <= 253);
    fc.assert(
      fc.property(text, (login) => {
        const spec = { service: "radius", login, password: secret, secret: "shared" } as const;
        const packet = Buffer.from(encodeAccessRequest(spec, nonce));
        expect(packet.readUInt16BE(2)).toBe(packet.length);
        let offset = 20;
        while (offset < packet.length) offset += packet[offset + 1]!;
        expect(offset).toBe(packet.length);
        expect(packet.includes(secret)).toBe(false);
      }),
      options,
    );
  });

  test("judgeRadiusAnswer() never throws, and takes nothing that is not signed", () => {
    const spec = { password: secret, secret: "shared" };
    const head = fc.tuple(fc.constantFrom(2, 3, 11), fc.constantFrom(7, 8));
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 60 }), ([code, id], rest) => {
        const bytes = Buffer.from([code, id, 0, rest.length + 4, ...rest]);
        expect(judgeRadiusAnswer(bytes, spec, nonce)).not.toBe("up");
        judgeRadiusAnswer(rest, spec, nonce);
      }),
      options,
    );
  });
});

test("TnsAnswer never throws, and says the same whatever parts come", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), cuts, (bytes, cutsAt) => {
      const verdictOf = (at: readonly number[]) => {
        const answer = new TnsAnswer();
        let isOver = false;
        feed(bytes, at, (part) => {
          if (!isOver) isOver = answer.push(part);
        });
        return answer.verdict(isOver ? "enough" : "closed")?.reason;
      };
      expect(verdictOf(cutsAt)).toEqual(verdictOf([]) as never);
    }),
    options,
  );
});
