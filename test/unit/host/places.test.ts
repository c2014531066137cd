import { expect, test } from "bun:test";

import { placesOf } from "../../../src/host/places.ts";

test("placesOf() has the usual places without variables", () => {
  expect(placesOf({ APPLIANCE_STATE_DIR: "" })).toEqual({
    root: "/",
    state: "/var/lib/appliance",
    realServerRecord: "/var/lib/appliance/setup-realserver.json",
    directorRecord: "/var/lib/appliance/setup-director.json",
  });
});

test("placesOf() follows the variables", () => {
  const places = placesOf({ APPLIANCE_STATE_DIR: "/s", APPLIANCE_ROOT_DIR: "/r" });
  expect(places).toMatchObject({ root: "/r", directorRecord: "/s/setup-director.json" });
});
