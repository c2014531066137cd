import { expect, test } from "bun:test";

import { countFindings, formatDoctor } from "../../../src/cli/doctor-format.ts";
import type { DoctorReport } from "../../../src/cli/doctor-format.ts";
import { createPalette } from "../../../src/cli/terminal.ts";

const reports: readonly DoctorReport[] = [
  {
    role: "director",
    outcomes: [
      { id: "wake-ups", state: "ok", text: "in time" },
      { id: "vip-answers", state: "wrong", text: "web2 answers", remedy: "on web2: mend" },
    ],
  },
  { role: "realserver", outcomes: [{ id: "listener", state: "unknown", text: "who knows\u001b" }] },
];

test("formatDoctor() has a line an outcome, the remedy below, and a summary", () => {
  expect(formatDoctor(reports, createPalette(false))).toBe(`director
  ok       wake-ups     in time
  WRONG    vip-answers  web2 answers
                        mend: on web2: mend

realserver
  unknown  listener     who knows·

1 to mend.
`);
});

test("formatDoctor() of a good host says so", () => {
  const text = formatDoctor([{ role: "director", outcomes: [] }], createPalette(false));
  expect(text).toBe("director\n\nNothing is wrong.\n");
});

test("formatDoctor() colours states where colours are welcome", () => {
  expect(formatDoctor(reports, createPalette(true))).toContain("\u001b[31mWRONG");
});

test("countFindings() counts what is wrong in all parts", () => {
  expect(countFindings(reports)).toBe(1);
});
