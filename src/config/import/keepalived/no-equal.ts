/**
 * Why directives of keepalived.conf have no equal here, and what to use instead. Pure data.
 *
 * @module
 */

const mail = "no mail is sent; use on_service_down, quorum_down or notify";
const announcements = "announcements have a timing of their own";
const process = "the process sets its own priority and memory";
const route = "routes and rules of the host stay with the host's own tools";
const checkSource = "checks are sent from the address that the kernel chooses";
const alwaysSo = "it is always so here";
const kernelTable = "it is a setting of the kernel's table";

const reasons: ReadonlyMap<string, string> = new Map([
  ["notification_email", mail],
  ["notification_email_from", mail],
  ["smtp_server", mail],
  ["smtp_connect_timeout", mail],
  ["smtp_helo_name", mail],
  ["smtp_alert", mail],
  ["router_id", "the director uses the name of the host"],
  ["lvs_id", "the director uses the name of the host"],
  ["nat_mask", "masq needs no network mask"],
  ["enable_script_security", `${alwaysSo}: programs that others can write are refused`],
  ["vrrp_garp_interval", announcements],
  ["vrrp_gna_interval", announcements],
  ["garp_master_delay", announcements],
  ["garp_master_repeat", announcements],
  ["garp_master_refresh", announcements],
  ["garp_master_refresh_repeat", announcements],
  ["vrrp_garp_master_delay", announcements],
  ["vrrp_garp_master_repeat", announcements],
  ["vrrp_garp_master_refresh", announcements],
  ["vrrp_garp_master_refresh_repeat", announcements],
  ["vrrp_priority", process],
  ["checker_priority", process],
  ["vrrp_no_swap", process],
  ["checker_no_swap", process],
  ["static_routes", route],
  ["static_rules", route],
  ["static_ipaddress", route],
  ["virtual_routes", route],
  ["virtual_rules", route],
  ["bindto", checkSource],
  ["bind_port", checkSource],
  ["bind_if", checkSource],
  ["fwmark", checkSource],
  ["mcast_src_ip", "advertisements come from the address of the interface"],
  ["unicast_src_ip", "advertisements come from the address of the interface"],
  ["use_vmac", "virtual addresses stay on the interface and are announced"],
  ["lvs_sync_daemon", "directors exchange their state over [peer]"],
  ["lvs_sync_daemon_interface", "directors exchange their state over [peer]"],
  ["omega", "nothing runs quorum_down at a stop"],
  ["hysteresis", "the quorum is gained and lost at the same weight"],
  ["ha_suspend", "checks go on on the backup, so that it knows who lives"],
  ["warmup", "checks are spread over their interval by themselves"],
  ["misc_dynamic", "exit status 0 is up, every other one is down; the weight stays"],
  ["digest", "pages are compared with a pattern; use receive"],
  ["virtualhost", "only http and https checks have a host name"],
  ["local_address_group", "it is of a patched version; use source"],
  ["laddr_group_name", "it is of a patched version; use source"],
  ["rise", "track has an interval and a timeout only"],
  ["fall", "track has an interval and a timeout only"],
  ["lvs_flush", kernelTable],
  ["notify_backup", "notify runs at each change and says which one it is"],
  ["notify_fault", "notify runs at each change and says which one it is"],
  ["notify_stop", "notify runs at each change and says which one it is"],
]);

/** A phrase for a message: why a keyword is left out. */
export function reasonOf(keyword: string): string {
  return reasons.get(keyword) ?? "it is unknown or has no equal here";
}
