import { expect, test } from "bun:test";

import { mailDefaults } from "../../../../src/config/defaults.ts";
import { resolveMail, resolveServiceMail } from "../../../../src/config/resolve/mail.ts";

test("resolveMail() fills in what is not said", () => {
  expect(resolveMail(undefined)).toEqual(mailDefaults);
  expect(resolveMail({ to: ["a@b"], smtp: { host: "mail", port: undefined } })).toEqual({
    to: ["a@b"],
    from: undefined,
    smtp: { host: "mail", port: 25 },
    repeatMs: 0,
    when: ["starting", "running", "stopping", "reloading"],
  });
});

test("resolveServiceMail() has what the service says, and nothing of the rest", () => {
  expect(resolveServiceMail(undefined)).toBeUndefined();
  expect(resolveServiceMail({})).toBeUndefined();
  expect(resolveServiceMail({ to: [], repeat: 0 })).toEqual({
    to: [],
    smtp: undefined,
    repeatMs: 0,
    when: undefined,
  });
});
