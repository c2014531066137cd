import { expect, test } from "bun:test";

import { createMailbox, MailboxReader, MailboxWriter } from "../../../src/thread/index.ts";

function open(): { writer: MailboxWriter; reader: MailboxReader<unknown> } {
  const mailbox = createMailbox();
  return { writer: new MailboxWriter(mailbox), reader: new MailboxReader(mailbox) };
}

test("MailboxReader reads nothing from an empty mailbox", () => {
  expect(open().reader.read()).toBeUndefined();
});

test("MailboxReader reads commands in the order written", () => {
  const { writer, reader } = open();
  writer.write({ type: "first" });
  writer.write({ type: "second", name: "wéb" });
  expect(reader.read()).toEqual({ type: "first" });
  expect(reader.read()).toEqual({ type: "second", name: "wéb" });
  expect(reader.read()).toBeUndefined();
});

test("MailboxWriter keeps what does not fit until it is flushed", () => {
  const { writer, reader } = open();
  const text = "x".repeat(1_600_000);
  for (let index = 0; index < 4; index++) writer.write({ index, text });
  expect(writer.flush()).toBe(false);
  expect(reader.read()).toMatchObject({ index: 0 });
  expect(reader.read()).toMatchObject({ index: 1 });
  expect(reader.read()).toBeUndefined();
  expect(writer.flush()).toBe(true);
  expect(reader.read()).toMatchObject({ index: 2 });
  expect(reader.read()).toMatchObject({ index: 3 });
});

test("commands wrap around the end of the ring unharmed", () => {
  const { writer, reader } = open();
  for (let index = 0; index < 6000; index++) {
    const command = { index, text: "y".repeat((index * 37) % 9000) };
    writer.write(command);
    expect(reader.read()).toEqual(command);
  }
});

test("a command larger than the ring is a bug of the caller", () => {
  expect(() => open().writer.write("z".repeat(5_000_000))).toThrow("Invariant violated");
});
