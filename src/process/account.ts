/**
 * User accounts and groups by name, as passwd(5) and group(5) list them.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** Whom a program runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The account called `name` in the text of a passwd(5) file; undefined if there is none. Pure. */
export function findAccount(passwdText: string, name: string): Account | undefined {
  for (const line of passwdText.split("\n")) {
    const [login, , uidText, gidText, , home] = line.split(":");
    if (login !== name) continue;
    if (!/^\d+$/.test(uidText ?? "") || !/^\d+$/.test(gidText ?? "")) return undefined;
    return { uid: Number(uidText), gid: Number(gidText), home: home ?? "/" };
  }
  return undefined;
}

/** The local account called `name`; undefined if there is none. Accounts of LDAP are not seen. */
export function readAccount(name: string): Account | undefined {
  try {
    return findAccount(readFileSync("/etc/passwd", "utf8"), name);
  } catch {
    return undefined;
  }
}

/** The id of the group called `name` in the text of a group(5) file. Pure. */
export function findGroupId(groupText: string, name: string): number | undefined {
  for (const line of groupText.split("\n")) {
    const [group, , idText] = line.split(":");
    if (group === name && /^\d+$/.test(idText ?? "")) return Number(idText);
  }
  return undefined;
}

/** The id of the local group called `name`; undefined if there is none. */
export function readGroupId(name: string): number | undefined {
  try {
    return findGroupId(readFileSync("/etc/group", "utf8"), name);
  } catch {
    return undefined;
  }
}
