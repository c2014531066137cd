/**
 * A small tree with this project's scripts and a program of a few lines, to test the scripts
 * without touching the tree they belong to.
 *
 * @module
 */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { treeRoot } from "./source-tree.ts";
import { createTempFolder } from "./temp-folder.ts";

/** A tree that goes away with its owner. */
export interface SmallTree extends Disposable {
  readonly path: string;
  /** Writes a file, making its folder. @returns its absolute path. */
  write(name: string, text: string): string;
}

const copied = ["packaging", ".ci", "package.json", "package-lock.json", "tsconfig.json"];

/** Makes a tree with the scripts, this tree's node_modules, no peers, and the given files. */
export function createSmallTree(files: Readonly<Record<string, string>> = {}): SmallTree {
  const folder = createTempFolder();
  const { path } = folder;
  const write = (name: string, text: string): string => {
    const target = join(path, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    return target;
  };
  for (const name of copied) cpSync(treeRoot + name, join(path, name), { recursive: true });
  symlinkSync(`${treeRoot}node_modules`, join(path, "node_modules"));
  write(".ci/peers.txt", "# none\n");
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { path, write, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}
