/**
 * What Prometheus gets, made from the director's figures. Names, labels and units are listed in
 * docs/status.md and do not change. Pure.
 *
 * @module
 */

import { formatEndpoint } from "../net/address.ts";
import { failoverFamilies } from "./failover.ts";
import { formatLabel, formatLabels, formatMetrics, histogramSamples } from "./metric-text.ts";
import type { MetricFamily, MetricType } from "./metric-text.ts";
import type {
  CheckMetrics,
  Figures,
  ServerFigures,
  ServiceFigures,
  StatusSource,
} from "./source.ts";

function toNumber(condition: boolean): number {
  return condition ? 1 : 0;
}

/** Seconds since 1970 of an RFC 3339 time. */
function toSeconds(time: string): number {
  return Date.parse(time) / 1000;
}

/** Name, type, help and value of a metric with one sample for each thing of type `T`. */
type Column<T> = readonly [
  name: string,
  type: MetricType,
  help: string,
  value: (subject: T) => number,
];

const serviceColumns: readonly Column<ServiceFigures>[] = [
  [
    "appliance_service_up",
    "gauge",
    "1 while the service has its quorum",
    ({ state }) => toNumber(state === "up"),
  ],
  [
    "appliance_service_fallback_active",
    "gauge",
    "1 while the fallback serves",
    ({ fallback }) => toNumber(fallback?.active === true),
  ],
  [
    "appliance_service_connections_total",
    "counter",
    "Client connections accepted, including those refused afterwards",
    ({ connections }) => connections,
  ],
  [
    "appliance_service_active_connections",
    "gauge",
    "Client connections at the moment",
    ({ activeConnections }) => activeConnections,
  ],
  [
    "appliance_service_received_bytes_total",
    "counter",
    "Bytes received from clients",
    ({ bytesIn }) => bytesIn,
  ],
  [
    "appliance_service_sent_bytes_total",
    "counter",
    "Bytes sent to clients",
    ({ bytesOut }) => bytesOut,
  ],
  [
    "appliance_service_received_packets_total",
    "counter",
    "Packets received from clients",
    ({ packetsIn }) => packetsIn,
  ],
  [
    "appliance_service_sent_packets_total",
    "counter",
    "Packets sent to clients",
    ({ packetsOut }) => packetsOut,
  ],
];

const serverColumns: readonly Column<ServerFigures>[] = [
  [
    "appliance_real_server_up",
    "gauge",
    "1 while the health checks of the real server succeed",
    ({ health }) => toNumber(health === "up"),
  ],
  [
    "appliance_real_server_weight",
    "gauge",
    "Weight in use, 0 while it gets nothing new",
    ({ effectiveWeight }) => effectiveWeight,
  ],
  [
    "appliance_real_server_active_connections",
    "gauge",
    "Connections to the real server at the moment",
    ({ activeConnections }) => activeConnections,
  ],
  [
    "appliance_real_server_inactive_connections",
    "gauge",
    "Connections to the real server of which one half is closed",
    ({ inactiveConnections }) => inactiveConnections,
  ],
  [
    "appliance_real_server_connections_total",
    "counter",
    "Connections made to the real server",
    ({ connections }) => connections,
  ],
  [
    "appliance_real_server_connect_failures_total",
    "counter",
    "Connections to the real server that could not be made",
    ({ connectFailures }) => connectFailures,
  ],
  [
    "appliance_real_server_received_bytes_total",
    "counter",
    "Bytes from clients to the real server",
    ({ bytesIn }) => bytesIn,
  ],
  [
    "appliance_real_server_sent_bytes_total",
    "counter",
    "Bytes from the real server to clients",
    ({ bytesOut }) => bytesOut,
  ],
  [
    "appliance_real_server_persistence_entries",
    "gauge",
    "Clients bound to the real server by persistence",
    ({ persistentEntries }) => persistentEntries,
  ],
];

interface Subject<T> {
  /** Formatted: the same for every metric of the subject. */
  readonly labels: string;
  readonly subject: T;
}

function columnFamilies<T>(
  columns: readonly Column<T>[],
  subjects: readonly Subject<T>[],
): readonly MetricFamily[] {
  return columns.map(([name, type, help, value]) => ({
    name,
    type,
    help,
    samples(emit) {
      for (const { labels, subject } of subjects) emit(labels, value(subject));
    },
  }));
}

function one(name: string, help: string, value: number): MetricFamily {
  return { name, type: "gauge", help, samples: (emit) => emit("", value) };
}

function directorFamilies(figures: Figures): readonly MetricFamily[] {
  const { program, configuration } = figures;
  const build = formatLabels(
    formatLabel("version", program.version),
    formatLabel("commit", program.commit),
  );
  return [
    {
      name: "appliance_build_info",
      type: "gauge",
      help: "1, with version and commit of the program",
      samples: (emit) => emit(build, 1),
    },
    one(
      "appliance_start_time_seconds",
      "When the director started, in seconds since 1970",
      toSeconds(figures.startedAt),
    ),
    one("appliance_ready", "1 while /readyz says yes", toNumber(figures.ready)),
    one(
      "appliance_config_last_reload_successful",
      "1 if the last configuration read was put in force",
      toNumber(configuration.lastReloadSuccessful),
    ),
    one(
      "appliance_config_loaded_timestamp_seconds",
      "When the configuration in force was read, in seconds since 1970",
      toSeconds(configuration.loadedAt),
    ),
    one("appliance_proxy_workers", "Threads of the proxy engine", figures.proxy.workers),
  ];
}

/** Labels of a service, kept for its metrics that have a second label. */
interface ServiceSubject extends Subject<ServiceFigures> {
  /** Without braces. */
  readonly label: string;
}

function closedSamples(subjects: readonly ServiceSubject[]): MetricFamily["samples"] {
  // Some twenty causes, told for each service.
  const causeLabels = new Map<string, string>();
  const labelOf = (cause: string): string => {
    const label = causeLabels.get(cause) ?? formatLabel("cause", cause);
    causeLabels.set(cause, label);
    return label;
  };
  return (emit) => {
    for (const { label, subject } of subjects) {
      for (const cause in subject.closed) {
        emit(formatLabels(label, labelOf(cause)), subject.closed[cause]!);
      }
    }
  };
}

/** Connections of each engine, as its table has them. */
function tableSamples(services: readonly ServiceFigures[]): MetricFamily["samples"] {
  const entries = new Map<string, number>();
  for (const { engine, activeConnections } of services) {
    entries.set(engine, (entries.get(engine) ?? 0) + activeConnections);
  }
  return (emit) => {
    for (const [engine, value] of entries) emit(formatLabels(formatLabel("engine", engine)), value);
  };
}

function droppedFamily(dropped: Figures["droppedPackets"] = []): MetricFamily {
  return {
    name: "appliance_packets_dropped_total",
    type: "counter",
    help: "Packets of services that an engine of the kernel dropped, by reason",
    samples(emit) {
      for (const { engine, reason, count } of dropped) {
        emit(formatLabels(formatLabel("engine", engine), formatLabel("reason", reason)), count);
      }
    },
  };
}

function serviceFamilies(services: readonly ServiceFigures[]): readonly MetricFamily[] {
  const subjects = services.map((subject): ServiceSubject => {
    const label = formatLabel("service", subject.name);
    return { label, labels: formatLabels(label), subject };
  });
  return [
    {
      name: "appliance_service_engine",
      type: "gauge",
      help: "1 for the engine that carries the service",
      samples(emit) {
        for (const { label, subject } of subjects) {
          emit(formatLabels(label, formatLabel("engine", subject.engine)), 1);
        }
      },
    },
    ...columnFamilies(serviceColumns, subjects),
    {
      name: "appliance_connections_closed_total",
      type: "counter",
      help: "Client connections ended or refused, by cause",
      samples: closedSamples(subjects),
    },
    {
      name: "appliance_connection_table_entries",
      type: "gauge",
      help: "Connections and flows at the moment, by engine",
      samples: tableSamples(services),
    },
  ];
}

/**
 * Labels of the real servers of one service. Two names may have one address; since a series must
 * not come twice, the second is labelled with its name.
 */
function serverSubjects({ name, realServers }: ServiceFigures): Subject<ServerFigures>[] {
  const service = formatLabel("service", name);
  const used = new Set<string>();
  return realServers.map((subject) => {
    const { key, host, port } = subject;
    const label = used.has(key) ? formatEndpoint({ address: host, port }) : key;
    used.add(label);
    return { labels: formatLabels(service, formatLabel("real_server", label)), subject };
  });
}

function serverFamilies(services: readonly ServiceFigures[]): readonly MetricFamily[] {
  return columnFamilies(serverColumns, services.flatMap(serverSubjects));
}

function checkFamilies(checks: CheckMetrics): readonly MetricFamily[] {
  const { bucketSeconds: boundsSeconds, count } = checks;
  return [
    {
      name: "appliance_check_duration_seconds",
      type: "histogram",
      help: "How long health checks took",
      samples: histogramSamples({
        boundsSeconds,
        counts: checks.bucketCounts,
        sumSeconds: checks.sumSeconds,
        count,
      }),
    },
    {
      name: "appliance_check_lateness_seconds",
      type: "histogram",
      help: "How much later than planned health checks started",
      samples: histogramSamples({
        boundsSeconds,
        counts: checks.latenessCounts,
        sumSeconds: checks.latenessSumSeconds,
        count,
      }),
    },
    {
      name: "appliance_check_failures_total",
      type: "counter",
      help: "Health checks that failed, by reason",
      samples(emit) {
        for (const [reason, value] of Object.entries(checks.failures)) {
          emit(formatLabels(formatLabel("reason", reason)), value);
        }
      },
    },
  ];
}

/** The text of `GET /metrics`. */
export function renderMetrics(source: Pick<StatusSource, "figures" | "checkMetrics">): string {
  const figures = source.figures();
  return formatMetrics([
    ...directorFamilies(figures),
    ...serviceFamilies(figures.services),
    droppedFamily(figures.droppedPackets),
    ...serverFamilies(figures.services),
    ...failoverFamilies(figures.failover),
    ...checkFamilies(source.checkMetrics()),
  ]);
}
