/**
 * The files of docs/scaling-out.md, as the test of that page uses them.
 *
 * @module
 */
import { readFileSync } from "node:fs";

const pagePath = new URL("../../../docs/scaling-out.md", import.meta.url).pathname;

/** The page's files; each director's own differ by its address. */
export interface ScaleOutFiles {
  /** For appliance.toml, by how packets reach the real servers. */
  readonly director: Readonly<Record<"proxy" | "gate", string>>;
  /** The hook. */
  readonly hook: string;
  /** BIRD on the director with this address. */
  readonly birdOf: (address: string) => string;
  /** What systemd runs when a director ended: a command line. */
  readonly stopPost: string;
  /** BIRD on the router. */
  readonly routerBird: string;
}

/** Director of which the page shows BIRD's file. */
const shownAddress = "10.99.0.3";

/** @throws {Error} if the page has no longer the files that the test needs. */
export function readScaleOutFiles(): ScaleOutFiles {
  const page = readFileSync(pagePath, "utf8");
  const block = (language: string, start: string): string => {
    const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))];
    const found = blocks.map(([, text]) => text!).find((text) => text.includes(start));
    if (found === undefined)
      throw new Error(`docs/scaling-out.md has no ${language} with ${start}`);
    return found;
  };
  const directorBird = block("text", "protocol static vip_web");
  return {
    director: {
      proxy: block("toml", 'name = "web"\nlisten'),
      gate: block("toml", 'forwarding = "gate"'),
    },
    hook: block("sh", "APPLIANCE_EVENT"),
    birdOf: (address) => directorBird.replaceAll(shownAddress, address),
    stopPost: /^ExecStopPost=-(.*)$/m.exec(block("ini", "ExecStopPost"))![1]!,
    routerBird: block("text", "protocol bgp directors"),
  };
}
