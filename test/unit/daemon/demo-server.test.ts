import { describe, expect, test } from "bun:test";

import { createDemoAnswer, startDemoServer } from "../../../src/daemon/demo-server.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

describe("createDemoAnswer()", () => {
  test("says who it is and counts its pages, but not the checks", () => {
    const answer = createDemoAnswer("A", createFakeClock());
    expect(answer("/")).toEqual({ status: 200, text: "Hello from real server A, page 1" });
    expect(answer("/check.html")).toEqual({ status: 200, text: "Test Page" });
    expect(answer("/x")).toEqual({ status: 200, text: "Hello from real server A, page 2" });
  });

  test("fails for 10 s when told to, its check too", () => {
    const clock = createFakeClock();
    const answer = createDemoAnswer("B", clock);
    expect(answer("/fail").status).toBe(200);
    clock.advance(9500);
    expect(answer("/")).toEqual({ status: 503, text: "Real server B fails for another 1 s" });
    expect(answer("/check.html").status).toBe(503);
    clock.advance(500);
    expect(answer("/").status).toBe(200);
  });
});

test("startDemoServer() answers on loopback, a connection for each page", async () => {
  const server = startDemoServer("A", createFakeClock());
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    expect(await response.text()).toBe("Hello from real server A, page 1\n");
    expect(response.headers.get("connection")).toBe("close");
  } finally {
    await server.stop();
  }
});
