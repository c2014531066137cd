/**
 * Rules of nftables, as `nft list ruleset` prints them (nft(8)). Pure.
 *
 * @module
 */

/** A line of a ruleset that names an address. */
export interface NamingRule {
  /** Family and name, `inet filter`. */
  readonly table: string;
  readonly rule: string;
}

/** Lines that are reported of one address; the rest is more of the same. */
const rulesMax = 5;
/** Tables of this program itself. */
const ownTable = /^\S+ appliance/;

/** Lines in foreign tables that name `address`, also as the first of a network. */
export function rulesNaming(ruleset: string, address: string): readonly NamingRule[] {
  const pattern = new RegExp(`(?<![\\w.:])${RegExp.escape(address)}(?![\\w:]|\\.\\d)`);
  const found: NamingRule[] = [];
  let table = "";
  for (const line of ruleset.split("\n")) {
    const head = /^table (\S+ \S+) \{/.exec(line);
    if (head !== null) table = head[1]!;
    else if (pattern.test(line) && !ownTable.test(table)) {
      found.push({ table, rule: line.trim() });
      if (found.length === rulesMax) return found;
    }
  }
  return found;
}

/** True if a file of nft would remove the rules of everybody when it is loaded. */
export function flushesAll(text: string): boolean {
  return /^\s*flush\s+ruleset\s*;?\s*(?:#.*)?$/m.test(text);
}
