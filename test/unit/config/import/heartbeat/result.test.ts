import { expect, test } from "bun:test";

import { translate } from "./fixture.ts";

/** What the director itself says of a translation, with its place. */
function said({ warnings }: ReturnType<typeof translate>): readonly string[] {
  return warnings
    .map(({ file, line, message }) => `${file}:${line}: ${message}`)
    .filter((line) => /: (?:peer|\[\[vrrp\]\]|[a-z_]+): /.test(line));
}

const tail = "auto_failback off\nnode lb1 lb2\n";

test.each([
  [
    "a time at its directive",
    { haCf: `bcast eth0\ndeadtime 10\ninitdead 10\n${tail}` },
    "ha.cf:2: down_after: down_after is in fact 9990ms",
  ],
  [
    "a time that is made of a default at its directive",
    { haCf: `bcast eth0\nkeepalive 1\ndeadtime 7\n${tail}` },
    "ha.cf:3: down_after: down_after is in fact 6990ms",
  ],
  [
    "an address twice at the second line",
    { haresources: "lb1 192.0.2.100/24/eth0\nlb1 192.0.2.100/24/eth0\n" },
    "haresources:2: [[vrrp]]: validate of this build refuses it: Expected addresses that no other",
  ],
] as const)("checkResult() tells of %s", (_, texts, expected) => {
  const found = said(translate(texts));
  expect(found.filter((line) => line.startsWith(expected))).toHaveLength(1);
});
