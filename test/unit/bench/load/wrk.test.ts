import { describe, expect, test } from "bun:test";

import { parseWrk } from "../../../../bench/load/wrk.ts";

/** Report of wrk 4.1.0 (Debian 12), `wrk -t1 -c50 -d1s --latency`. */
const report = `Running 1s test @ http://127.0.0.1:9001/small.txt
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.30ms  530.15us  16.82ms   92.25%
    Req/Sec    38.81k     2.07k   42.14k    70.00%
  Latency Distribution
     50%    1.25ms
     75%    1.44ms
     90%    1.66ms
     99%  980.00us
  38668 requests in 1.00s, 9.03MB read
Requests/sec:  38641.91
Transfer/sec:      9.03MB
`;

describe("parseWrk()", () => {
  test("reads requests, rate and latencies", () => {
    expect(parseWrk(report)).toEqual({
      requests: 38_668,
      requestsPerSecond: 38_641.91,
      p50Us: 1250,
      p99Us: 980,
      errors: "",
    });
  });

  test("keeps what wrk says of errors", () => {
    const errors = "  Socket errors: connect 0, read 3, write 0, timeout 1\n";
    const withErrors = report.replace(
      "Requests/sec",
      `${errors}  Non-2xx or 3xx responses: 7\nRequests/sec`,
    );
    expect(parseWrk(withErrors)?.errors).toBe(
      "Socket errors: connect 0, read 3, write 0, timeout 1; Non-2xx or 3xx responses: 7",
    );
  });

  test("gives nothing for anything else", () => {
    expect(parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n")).toBeUndefined();
  });
});
