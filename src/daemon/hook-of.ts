/**
 * Which program a change of a service, or of the configuration, calls for. Pure.
 *
 * @module
 */

import type { DirectorConfig, VirtualService } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Hook } from "./hooks.ts";
import type { Transition, TransitionName } from "./transition.ts";

type HookField = "quorumUp" | "quorumDown" | "onServiceUp" | "onServiceDown";

/** By the change: the field of the model, and its name for the operator. */
const hooks: Readonly<Partial<Record<TransitionName, readonly [HookField, string]>>> = {
  "service-up": ["quorumUp", "quorum_up"],
  "service-down": ["quorumDown", "quorum_down"],
  "service-live": ["onServiceUp", "on_service_up"],
  "service-dead": ["onServiceDown", "on_service_down"],
};

/** The program for a change, with what it finds in its environment; undefined if there is none. */
export function hookOf(
  service: VirtualService,
  transition: Transition,
  user: string,
): Hook | undefined {
  const [field, name] = hooks[transition.name] ?? [];
  const command = field === undefined ? undefined : service[field];
  if (name === undefined || command === undefined || command.length === 0) return undefined;
  const [listen] = service.listen;
  return {
    service: service.name,
    name,
    command,
    user,
    environment: {
      APPLIANCE_EVENT: name,
      APPLIANCE_SERVICE: service.name,
      APPLIANCE_PROTOCOL: service.protocol,
      APPLIANCE_LISTEN:
        listen === undefined
          ? ""
          : formatEndpoint({ address: listen.address, port: listen.portFirst }),
      APPLIANCE_REASON: transition.reason,
    },
  };
}

/**
 * The program that is run after the configuration has changed on disk; undefined if there is none.
 *
 * @param file Path of the file that has changed, its last argument.
 */
export function configChangeHook(
  { onConfigChange, scriptUser }: DirectorConfig,
  file: string,
): Hook | undefined {
  if (onConfigChange === undefined) return undefined;
  return {
    service: "",
    name: "on_config_change",
    command: [...onConfigChange, file],
    user: scriptUser,
    environment: { APPLIANCE_EVENT: "on_config_change", APPLIANCE_CONFIG: file },
  };
}
