import { describe, expect, test } from "bun:test";

import { ApplianceError } from "../../../src/errors/index.ts";
import { planRealServer } from "../../../src/host/plan-realserver.ts";
import type { RealServerWish } from "../../../src/host/plan-realserver.ts";
import { parseRecord } from "../../../src/host/record.ts";
import { applySetup, planSetup, planUndo, readRecord, undoSetup } from "../../../src/host/setup.ts";
import type { SetupJob } from "../../../src/host/setup.ts";
import { createFakeHost, fakeAddress, fakeInterface } from "../../helpers/fake-host.ts";

const recordPath = "/var/lib/appliance/setup-realserver.json";

function fixture(change: Partial<RealServerWish> = {}) {
  const { state, host } = createFakeHost();
  const wish: RealServerWish = {
    vips: ["192.0.2.100"],
    method: "gate",
    interfaces: undefined,
    persist: true,
    program: ["/usr/sbin/appliance"],
    environment: {},
    ...change,
  };
  const { vips, method } = wish;
  const job: SetupJob = {
    host,
    recordPath,
    vips,
    method,
    plan: (reader) => planRealServer(reader, wish),
  };
  return { state, host, job };
}

/** Everything that a setup may change. */
function picture(state: ReturnType<typeof fixture>["state"]) {
  const { addresses, interfaces, settings, files, links } = state;
  return structuredClone({ addresses, interfaces, settings, files, links });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof ApplianceError ? error.code : `no code: ${String(error)}`;
}

describe("applySetup()", () => {
  test("does what the plan says, records it first, and tells systemd", async () => {
    const { state, job } = fixture();
    const { steps } = await applySetup(job);
    expect(steps.map(({ kind }) => kind)).toEqual([
      "sysctl",
      "sysctl",
      "sysctl",
      "sysctl",
      "address",
      "file",
      "file",
      "link",
    ]);
    expect(state.log.slice(0, 3)).toEqual([
      `write ${recordPath}`,
      `write ${recordPath}`,
      "net/ipv4/conf/all/arp_ignore=1",
    ]);
    expect(state.log.at(-1)).toBe("reload units");
    expect(parseRecord(state.files.get(recordPath)!)?.vips).toEqual(["192.0.2.100"]);
  });

  test("changes nothing the second time", async () => {
    const { state, job } = fixture();
    await applySetup(job);
    state.log.length = 0;
    expect(await applySetup(job)).toEqual({ steps: [], notes: [] });
    expect(state.log).toEqual([]);
  });

  test("needs no rights when nothing is to be done, else says what is missing", async () => {
    const { state, job } = fixture();
    state.missingRights = ["CAP_NET_ADMIN is missing"];
    const before = picture(state);
    expect(await codeOf(applySetup(job))).toBe("SETUP_PERMISSION");
    expect(state.log).toEqual([]);
    expect(picture(state)).toEqual(before);
    state.missingRights = [];
    await applySetup(job);
    state.missingRights = ["CAP_NET_ADMIN is missing"];
    expect((await applySetup(job)).steps).toEqual([]);
  });

  test("refuses before it changes anything", async () => {
    const { state, job } = fixture({ vips: ["192.0.2.7"] });
    expect(await codeOf(applySetup(job))).toBe("SETUP_REFUSED");
    const ipip = fixture({ method: "ipip" });
    expect(await codeOf(applySetup(ipip.job))).toBe("SETUP_NOT_SUPPORTED");
    expect([...state.log, ...ipip.state.log]).toEqual([]);
  });

  // Each change of a whole run fails once: whichever it is, the host is as it was.
  test("takes everything back whichever step fails", async () => {
    const whole = fixture();
    await applySetup(whole.job);
    const changes = whole.state.log.filter((one) => one !== "reload units");
    expect(changes.length).toBeGreaterThan(10);
    for (let failing = 0; failing < changes.length; failing++) {
      const { state, job } = fixture();
      const before = picture(state);
      let count = 0;
      state.beforeChange = () => {
        if (count++ === failing) throw new Error("no space left");
      };
      const error = await applySetup(job).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "SETUP_FAILED" });
      expect(String(error)).toContain("no space left; everything is as it was before");
      expect(picture(state)).toEqual(before);
    }
  });

  test("says what could not be taken back", async () => {
    const { state, job } = fixture();
    state.beforeChange = (change) => {
      if (change.startsWith("add") || change === "net/ipv4/conf/all/arp_ignore=0") {
        throw new Error("not permitted");
      }
    };
    const error = await applySetup(job).catch((reason: unknown) => reason);
    expect(String(error)).toContain(
      "Cannot add 192.0.2.100/32 on lo as lo:0: not permitted; not all could be taken back: " +
        'cannot take back "set net.ipv4.conf.all.arp_ignore = 1 (is 0)": not permitted',
    );
  });

  test("fails and takes back what does not hold", async () => {
    const { state, job } = fixture({ persist: false });
    const set = state.settings.set.bind(state.settings);
    // Somebody else sets the value again and again.
    state.settings.set = (key, value) => set(key, key.endsWith("all/arp_ignore") ? "0" : value);
    const error = await applySetup(job).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "SETUP_FAILED" });
    expect(String(error)).toContain("It does not hold: set net.ipv4.conf.all.arp_ignore = 1");
    expect(state.addresses.some(({ address }) => address === "192.0.2.100")).toBe(false);
  });

  test("sets a tunnel up that its module brings", async () => {
    const { state, host, job } = fixture({ method: "ipip" });
    state.modules.set("ipip", "loadable");
    state.settings.set("net/ipv4/conf/all/rp_filter", "1");
    state.onModule = () => {
      state.interfaces.push(fakeInterface("tunl0", { isUp: false, usesArp: false }));
      state.settings.set("net/ipv4/conf/tunl0/rp_filter", "0");
    };
    const { steps } = await applySetup(job);
    expect(steps.map(({ kind }) => kind)).toContain("module");
    expect(state.interfaces.at(-1)?.isUp).toBe(true);
    const values = ["all", "eth0", "tunl0"].map((name) =>
      state.settings.get(`net/ipv4/conf/${name}/rp_filter`),
    );
    expect(values).toEqual(["0", "1", "0"]);
    // What holds after a reboot is the same, also after a second run.
    expect((await applySetup(job)).steps).toEqual([]);
    const kept = state.files.get("/etc/sysctl.d/60-appliance-realserver.conf");
    expect(kept).toContain("net.ipv4.conf.eth0.rp_filter = 1\n");
    expect(kept).toContain("net.ipv4.conf.all.rp_filter = 0\n");
    await undoSetup(host, recordPath);
    expect(state.settings.get("net/ipv4/conf/all/rp_filter")).toBe("1");
    expect(state.settings.get("net/ipv4/conf/eth0/rp_filter")).toBe("0");
  });

  test("takes back what it did when the module brings no tunnel", async () => {
    const { state, job } = fixture({ method: "ipip", persist: false });
    state.modules.set("ipip", "loadable");
    const before = picture(state);
    expect(await codeOf(applySetup(job))).toBe("SETUP_NOT_SUPPORTED");
    expect(picture(state)).toEqual(before);
  });
});

describe("undoSetup()", () => {
  test("restores exactly what the first of several runs found", async () => {
    const { state, host, job } = fixture();
    state.settings.set("net/ipv4/conf/eth0/arp_announce", "1");
    const before = picture(state);
    await applySetup(job);
    const vips = ["192.0.2.100", "2001:db8::100"];
    const second = fixture({ vips });
    await applySetup({ ...second.job, host });
    expect(state.addresses).toHaveLength(before.addresses.length + 2);
    const { left, restored } = await undoSetup(host, recordPath);
    expect(left).toEqual([]);
    expect(restored).toContain("set net.ipv4.conf.eth0.arp_announce = 1");
    expect(picture(state)).toEqual(before);
    expect(await undoSetup(host, recordPath)).toEqual({ restored: [], left: [] });
  });

  test("leaves what was there before, and what others have changed since", async () => {
    const { state, host, job } = fixture({ persist: false });
    state.addresses.push(fakeAddress("lo", "192.0.2.100/32", "lo:7"));
    await applySetup(job);
    state.settings.set("net/ipv4/conf/all/arp_ignore", "2");
    const { restored, left } = await undoSetup(host, recordPath);
    expect(restored).toContain("192.0.2.100 was on lo before the setup, and stays");
    expect(left).toEqual([
      "net.ipv4.conf.all.arp_ignore was set to 1 and is 2 now, so it is left; it was 0 before",
    ]);
    expect(state.addresses.at(-1)?.label).toBe("lo:7");
    expect(state.files.has(recordPath)).toBe(false);
  });

  test("keeps in the record what the kernel refused, to be tried again", async () => {
    const { state, host, job } = fixture({ persist: false });
    await applySetup(job);
    state.beforeChange = (change) => {
      if (change === "del 192.0.2.100") throw new Error("not permitted");
    };
    const { left } = await undoSetup(host, recordPath);
    expect(left).toEqual(['cannot take back "add 192.0.2.100/32 on lo as lo:0": not permitted']);
    expect(planUndo(host, recordPath).map(({ kind }) => kind)).toEqual(["address"]);
    state.beforeChange = () => undefined;
    expect((await undoSetup(host, recordPath)).left).toEqual([]);
  });

  test("needs rights", async () => {
    const { state, host, job } = fixture();
    await applySetup(job);
    state.missingRights = ["CAP_NET_ADMIN is missing"];
    expect(await codeOf(undoSetup(host, recordPath))).toBe("SETUP_PERMISSION");
  });
});

test("planSetup() and planUndo() change nothing", async () => {
  const { state, host, job } = fixture();
  expect(planSetup(job).steps).toHaveLength(8);
  expect(planUndo(host, recordPath)).toEqual([]);
  expect(state.log).toEqual([]);
});

test("readRecord() refuses a file that it does not understand", () => {
  const { state, host } = fixture();
  state.files.set(recordPath, "{");
  expect(() => readRecord(host, recordPath)).toThrow(
    expect.objectContaining({ code: "SETUP_RECORD" }),
  );
});
