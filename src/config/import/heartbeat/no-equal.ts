/**
 * Directives of ha.cf that are known and have no equal in a native file, with what takes their
 * place. Pure; the names are those of ha.cf(5) and of Heartbeat's own parser.
 *
 * @module
 */

const log = "the log goes to standard output, for the service manager to keep";
const internal = "it is a detail of Heartbeat's own protocol";
const library = "it is for clients of Heartbeat's library";
const fence =
  "the fence takes its place: it keeps a director without a lease from answering for the addresses";
const wire = "advertisements are small and are not compressed";
const manager = "it is for a cluster resource manager, which this program is not";
const serial =
  "there are no advertisements over serial lines: name a second network in interfaces instead";

const reasons: ReadonlyMap<string, string> = new Map([
  ["warntime", "status and metrics show how late advertisements and own ticks are"],
  ["deadping", "what is tracked has interval and timeout of its own"],
  ["udpport", "VRRP is IP protocol 112 and has no port: let packet filters pass it"],
  ["serial", serial],
  ["baud", serial],
  ["watchdog", `the guard takes its place, and WatchdogSec= of systemd; ${fence}`],
  ["stonith", fence],
  ["stonith_host", fence],
  ["apiauth", "the control socket is open to root and to the group appliance"],
  ["logfacility", log],
  ["logfile", log],
  ["debugfile", log],
  ["use_logd", log],
  ["logdaemon", log],
  ["syslogmsgfmt", log],
  ["conn_logd_time", log],
  ["debug", "log_level of [director] takes its place"],
  ["debuglevel", "log_level of [director] takes its place"],
  ["hopfudge", internal],
  ["hbgenmethod", "boot identifier and sequence number keep old packets out"],
  ["msgfmt", internal],
  ["uuidfrom", internal],
  ["log_badpack", "packets that are refused are counted by reason"],
  ["max_rexmit_delay", internal],
  ["normalpoll", internal],
  ["memreserve", "the director keeps its memory locked as it needs"],
  ["rtprio", "the failover thread is SCHED_FIFO where that is permitted"],
  ["coredumps", "LimitCORE= of systemd takes its place"],
  ["coreroot", "LimitCORE= of systemd takes its place"],
  ["compression", wire],
  ["compression_threshold", wire],
  ["traditional_compression", wire],
  ["use_apphbd", library],
  ["environment", "Environment= of systemd takes its place"],
  ["env", "Environment= of systemd takes its place"],
  ["cluster", manager],
  ["enable_config_writes", manager],
  ["record_config_changes", manager],
  ["record_pengine_inputs", manager],
  ["quorum_server", 'witness = "require" with a ping in track takes its place'],
  ["tiebreaker", 'witness = "require" with a ping in track takes its place'],
  ["hbaping", "a Fibre Channel target cannot be tracked; use a script in track"],
  ["openais", internal],
  ["rds", internal],
  ["evfs", internal],
  ["include", "files are not included here: put its lines in its place"],
  ["include_dir", "files are not included here: put their lines in its place"],
]);

/** What takes the place of a directive; undefined if nobody knows the directive. */
export function reasonOf(directive: string): string | undefined {
  return reasons.get(directive);
}

/** Every directive with a reason. */
export const directivesWithoutEqual: readonly string[] = [...reasons.keys()];
