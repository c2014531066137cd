/**
 * The second article's files, the same on both directors: with shorter times, so that a test takes
 * seconds, with `persistent`, as its first comment wants, and with addresses of a test network.
 *
 * @module
 */
import type { Host } from "./netns.ts";

/** Names of the article's four machines. */
export type ArticleHost = "loadb1" | "loadb2" | "web1" | "web2";

/** The virtual address. */
export const articleVirtual = "10.99.0.100";

/** Path of the ldirectord.cf. */
export const articleConfig = "/etc/ha.d/ldirectord.cf";

const haCf = `logfacility local0
keepalive 200ms
deadtime 5
initdead 6
bcast eth0
mcast eth0 225.0.0.1 694 1 0
auto_failback off
node loadb1
node loadb2
respawn hacluster /usr/lib/heartbeat/ipfail
apiauth ipfail gid=haclient uid=hacluster
`;

const haresources = `loadb1        \\
        ldirectord::ldirectord.cf \\
        LVSSyncDaemonSwap::master \\
        IPaddr2::${articleVirtual}/24/eth0/10.99.0.255
`;

/** Texts by their path. */
export function articleFiles(
  { loadb1, loadb2, web1, web2 }: Readonly<Record<ArticleHost, Host>>,
  method: "gate" | "masq",
): Readonly<Record<string, string>> {
  const hosts = [loadb1, loadb2].map(({ address, name }) => `${address} ${name}\n`).join("");
  return {
    "/etc/hosts": `127.0.0.1 localhost\n${hosts}`,
    "/etc/ha.d/ha.cf": haCf,
    "/etc/ha.d/haresources": haresources,
    "/etc/ha.d/authkeys": "auth 3\n3 md5 somerandomstring\n",
    [articleConfig]: `checktimeout=10
checkinterval=1
autoreload=no
logfile="local0"
quiescent=yes
virtual=${articleVirtual}:80
        real=${web1.address}:80 ${method}
        real=${web2.address}:80 ${method}
        fallback=127.0.0.1:80 ${method}
        service=http
        request="ldirector.html"
        receive="Test Page"
        scheduler=rr
        persistent=600
        protocol=tcp
        checktype=negotiate
`,
  };
}
