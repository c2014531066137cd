import { describe, expect, test } from "bun:test";

import { answerAs } from "../../../../src/cli/heartbeat/answer.ts";
import { ApplianceError } from "../../../../src/errors/index.ts";
import { runInContext } from "../../../helpers/cli-fixture.ts";

function answer(error: Error, signal = new AbortController().signal) {
  return runInContext(
    "/nonexistent",
    (context) =>
      answerAs("hb_standby", context, async () => {
        throw error;
      }),
    { signal },
  );
}

describe("answerAs()", () => {
  test("tells what cannot be done under the name of the program", async () => {
    expect(await answer(new ApplianceError("CONTROL_TIMEOUT", "No answer"))).toEqual({
      status: 1,
      stdout: "",
      stderr: "hb_standby: No answer\n",
    });
  });

  test("says nothing after Ctrl-C", async () => {
    const error = new ApplianceError("CONTROL_TIMEOUT", "No answer");
    expect(await answer(error, AbortSignal.abort())).toEqual({
      status: 130,
      stdout: "",
      stderr: "",
    });
  });

  test("leaves a bug to its caller", () => {
    expect(answer(new TypeError("bug"))).rejects.toThrow("bug");
  });
});
