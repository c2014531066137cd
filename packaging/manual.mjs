/**
 * Manual pages: appliance(8) from what `--help` prints, appliance.toml(5) from
 * docs/configuration.md. Nothing is told twice: a page says what the program and the document say.
 *
 *     node packaging/manual.mjs         writes dist/man/appliance.8 and appliance.toml.5
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { build } from "./build.mjs";
import { isMain, root, runMain, SetupError } from "./common.mjs";
import { formatHead, formatItem, formatMarkdown, formatText, quoteLine } from "./roff.mjs";
import { ensureDependencies } from "./setup.mjs";

function ask(executable, args) {
  const { status, stdout, error } = spawnSync(executable, args, { encoding: "utf8" });
  if (error !== undefined) throw new SetupError(`Cannot start ${executable}: ${error.message}`);
  if (status !== 0) throw new SetupError(`appliance ${args.join(" ")} ended with ${status}`);
  return stdout;
}

/** Groups of `appliance help`: `{title, commands: [{name, summary}]}`. */
export function readHelp(text) {
  const groups = [];
  for (const line of text.split("\n")) {
    const [, title] = /^(\S.*):$/.exec(line) ?? [];
    if (title !== undefined) groups.push({ title, commands: [] });
    const [, name, summary] = /^ {2}(\S+) {2,}(\S.*)$/.exec(line) ?? [];
    if (name !== undefined) groups.at(-1)?.commands.push({ name, summary });
  }
  return groups.filter(({ commands }) => commands.length > 0);
}

/** `{usage, summary, details}` of what `appliance COMMAND --help` prints. */
export function readCommandHelp(text) {
  const [, usage, summary, details] =
    /^usage: appliance (.*)\n\n(.*)\.\n(?:\n([\s\S]*))?$/.exec(text) ?? [];
  if (usage === undefined) throw new SetupError(`Cannot read the help: ${text.slice(0, 80)}`);
  return { usage, summary, details: details ?? "" };
}

/** Options as `  -x, --long  what`, with lines that go on; everything else as paragraphs. */
function formatDetails(details) {
  const parts = [];
  let open;
  for (const line of details.trimEnd().split("\n")) {
    const [, term, text] = /^ {2}(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
    if (term !== undefined) {
      open = { term, text };
      parts.push(open);
    } else if (/^ {4,}\S/.test(line) && open?.term !== undefined) {
      open.text += ` ${line.trim()}`;
    } else if (line.trim() === "") {
      open = undefined;
    } else if (open !== undefined && open.term === undefined) {
      open.text += /^\s/.test(line) ? `\n${line}` : ` ${line}`;
    } else {
      open = { text: line };
      parts.push(open);
    }
  }
  return parts
    .map(({ term, text }) =>
      term === undefined
        ? `.PP\n${text.split("\n").map(quoteLine).join("\n.br\n")}\n`
        : formatItem(term, text),
    )
    .join("");
}

function formatCommand(executable, name) {
  const { usage, summary, details } = readCommandHelp(ask(executable, [name, "--help"]));
  const synopsis = usage.split(" | ").map((one) => `.B appliance\n${formatText(one)}\n`);
  const head = `.SS ${name}\n${synopsis.join(".br\n")}.PP\n`;
  return `${head}${formatText(`${summary}.`)}\n${formatDetails(details)}`;
}

const synopsis = `.SH SYNOPSIS
.B appliance
.I COMMAND
.RI [ OPTION \\|.\\|.\\|.]
.PP
.B appliance help
.RI [ COMMAND ]
.SH DESCRIPTION
A director: it takes TCP and UDP connections for virtual services, spreads them over real servers,
checks the health of these, and shares its virtual addresses with a second director, so that one of
them can fail.
.B appliance run
is the director; the other commands ask it, change it while it runs, or prepare a host.
The configuration is described in
.BR appliance.toml (5).
.PP
Each command has
.BR \\-\\-help ;
where there is something to read,
.B \\-\\-json
prints it for programs. Colours are used on a terminal, unless
.B NO_COLOR
is set.
`;

/** Sections that no command prints: term and text. */
const sections = [
  [
    "EXIT STATUS",
    [
      ["0", "It is done."],
      ["1", "doctor: there is something to mend. setup --undo: something was left."],
      ["3", "status: no director runs here."],
      ["64", "The command line is wrong."],
      ["65", "The configuration, or other data, is wrong."],
      ["66", "A file is missing."],
      ["69", "No director runs here, or it cannot do this."],
      ["70", "A fault of the program."],
      ["75", "Another one runs; or what was waited for has not come yet."],
      ["77", "No permission."],
      ["130", "Ctrl-C."],
    ],
  ],
  [
    "SIGNALS",
    [
      [
        "SIGTERM, SIGINT",
        "Hands virtual addresses over, stops accepting, and waits for connections to end, " +
          "at most stop_timeout; a second one ends at once.",
      ],
      ["SIGHUP", "Reads the configuration again. A file with a fault changes nothing."],
      ["SIGUSR1", "Writes the state to the log."],
    ],
  ],
  [
    "FILES",
    [
      [
        "/etc/appliance/appliance.toml",
        "Configuration. None is installed; without one the service does not start.",
      ],
      ["/usr/share/doc/appliance/examples/appliance.toml", "An example to start from."],
      [
        "/run/appliance/control.sock",
        "Where the commands reach the director; for root and the group appliance.",
      ],
      [
        "/var/lib/appliance",
        "State that outlives a restart: overrides by drain, disable and weight; what setup found.",
      ],
    ],
  ],
  [
    "ENVIRONMENT",
    [
      [
        "APPLIANCE_RUNTIME_DIR, APPLIANCE_STATE_DIR",
        "Instead of /run/appliance and /var/lib/appliance, so that two directors run on one " +
          "host in two network namespaces.",
      ],
      ["NO_COLOR", "No colours."],
    ],
  ],
  [
    "CALLED BY ANOTHER NAME",
    [
      [
        "ldirectord, ipvsadm, hb_standby, hb_takeover, cl_status, LVSSyncDaemonSwap",
        "A link of that name to the executable acts as that program; the package " +
          "appliance-compat holds them.",
      ],
    ],
  ],
];

/** appliance(8). */
export function formatApplianceManual({ executable, version, date }) {
  const groups = readHelp(ask(executable, ["help"]));
  const head = formatHead({ name: "appliance", section: 8, version, date });
  const commands = groups.map(
    ({ title, commands: list }) =>
      `.SH ${title.toUpperCase()}\n` +
      list.map(({ name }) => formatCommand(executable, name)).join(""),
  );
  const rest = sections.map(
    ([title, items]) =>
      `.SH ${title}\n${items.map(([term, text]) => formatItem(term, text)).join("")}`,
  );
  const about = ".SH NAME\nappliance \\- high-availability layer-4 load balancer\n";
  const also = ".SH SEE ALSO\n.BR appliance.toml (5),\n.BR systemd.service (5),\n.BR ipvsadm (8)\n";
  return `${head}${about}${synopsis}${commands.join("")}${rest.join("")}${also}`;
}

/** appliance.toml(5). */
export function formatConfigurationManual({ version, date }) {
  const head = formatHead({ name: "appliance.toml", section: 5, version, date });
  const text = readFileSync(join(root, "docs/configuration.md"), "utf8").replace(/^# .*\n/, "");
  const about = ".SH NAME\nappliance.toml \\- configuration of appliance(8)\n.SH DESCRIPTION\n";
  return `${head}${about}${formatMarkdown(text)}.SH SEE ALSO\n.BR appliance (8)\n`;
}

if (isMain(import.meta.url)) {
  await runMain(() => {
    ensureDependencies();
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const options = { executable: build(), version, date: "" };
    const folder = join(root, "dist/man");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "appliance.8"), formatApplianceManual(options));
    writeFileSync(join(folder, "appliance.toml.5"), formatConfigurationManual(options));
    process.stdout.write(`${folder}\n`);
    return 0;
  });
}
