/**
 * Real server of the detection benchmark, a process of its own: it prints its port and answers each
 * request with a page. SIGUSR1: from now on status 500. SIGUSR2: from now on a wrong page. SIGKILL
 * and SIGSTOP are the other two faults.
 *
 * @module
 */

let fault: "none" | "status" | "body" = "none";
process.on("SIGUSR1", () => void (fault = "status"));
process.on("SIGUSR2", () => void (fault = "body"));

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch() {
    if (fault === "status") return new Response("bad", { status: 500 });
    return new Response(fault === "body" ? "bad" : "well");
  },
});
process.stdout.write(`port ${server.port}\n`);
