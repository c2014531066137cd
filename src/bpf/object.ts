/**
 * Reads an object file as clang writes it for `-target bpf`: maps, programs and where they meet.
 *
 * Maps stand in the section `maps_def`, five numbers each (ffi/bpf/bpf-helpers.h); a program is a
 * section that starts with `tc`; the license has a section of its own. Only one relocation is
 * known: R_BPF_64_64, the descriptor of a map. No BTF, no CO-RE: packets need neither.
 * Format: elf(5), Documentation/bpf/llvm_reloc.rst. Pure.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";

/** A map as the program declares it. */
export interface BpfMapDeclaration {
  readonly name: string;
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entriesMax: number;
  readonly flags: number;
}

/** Where the descriptor of a map belongs: byte offset of the instruction. */
export interface BpfMapUse {
  readonly offset: number;
  readonly map: string;
}

/** A program that is not loaded yet. */
export interface BpfProgramDeclaration {
  /** Its section, `tc_ingress`. */
  readonly name: string;
  readonly instructions: Uint8Array;
  readonly uses: readonly BpfMapUse[];
}

/** What an object file holds. */
export interface BpfObject {
  readonly maps: readonly BpfMapDeclaration[];
  readonly programs: readonly BpfProgramDeclaration[];
  readonly license: string;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
  readonly info: number;
}

interface Symbol {
  readonly name: string;
  readonly section: number;
  readonly value: number;
}

const elfMagic = 0x464c_457f;
const EM_BPF = 247;
const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_REL = 9;
const R_BPF_64_64 = 1;
const sectionBytes = 64;
const symbolBytes = 24;
const relocationBytes = 16;
const mapBytes = 20;
const mapSection = "maps_def";
const licenseSection = "license";

function damaged(reason: string): ApplianceError {
  return new ApplianceError("BPF_OBJECT_INVALID", `Cannot read a bpf object: ${reason}`);
}

/** Little-endian numbers and zero-terminated names of a file, never beyond its end. */
class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    // A copy, and not the caller's Buffer: slices of that are no copies.
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  slice(offset: number, length: number): Uint8Array {
    this.requireInside(offset, length);
    return this.#bytes.slice(offset, offset + length);
  }

  u16(offset: number): number {
    this.requireInside(offset, 2);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.requireInside(offset, 4);
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): number {
    this.requireInside(offset, 8);
    return Number(this.#view.getBigUint64(offset, true));
  }

  text(offset: number): string {
    const end = this.#bytes.indexOf(0, offset);
    if (end === -1) throw damaged(`a name at byte ${offset} has no end`);
    return new TextDecoder("latin1").decode(this.#bytes.subarray(offset, end));
  }

  /** @throws {ApplianceError} if the file ends before. */
  requireInside(offset: number, length: number): void {
    if (offset + length > this.#bytes.length) throw damaged(`it ends before byte ${offset}`);
  }
}

function readSections(reader: Reader): Section[] {
  const start = reader.u64(40);
  const count = reader.u16(60);
  const raw = Array.from({ length: count }, (_, index) => start + index * sectionBytes);
  const namesAt = raw[reader.u16(62)];
  if (namesAt === undefined) throw damaged("it has no section names");
  const names = reader.u64(namesAt + 24);
  return raw.map((at) => {
    const section = {
      name: reader.text(names + reader.u32(at)),
      type: reader.u32(at + 4),
      offset: reader.u64(at + 24),
      bytes: reader.u64(at + 32),
      link: reader.u32(at + 40),
      info: reader.u32(at + 44),
    };
    reader.requireInside(section.offset, section.bytes);
    return section;
  });
}

function readSymbols(reader: Reader, sections: readonly Section[]): Symbol[] {
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  const names = table === undefined ? undefined : sections[table.link];
  if (table === undefined || names === undefined) throw damaged("it has no symbols");
  return Array.from({ length: Math.floor(table.bytes / symbolBytes) }, (_, index) => {
    const at = table.offset + index * symbolBytes;
    return {
      name: reader.text(names.offset + reader.u32(at)),
      section: reader.u16(at + 6),
      value: reader.u64(at + 8),
    };
  });
}

function readMaps(
  reader: Reader,
  sections: readonly Section[],
  symbols: readonly Symbol[],
): BpfMapDeclaration[] {
  const index = sections.findIndex(({ name }) => name === mapSection);
  const section = sections[index];
  if (section === undefined) return [];
  const named = symbols.filter((symbol) => symbol.section === index && symbol.name !== "");
  return named.map(({ name, value }) => {
    if (value + mapBytes > section.bytes) throw damaged(`map ${name} is cut off`);
    const word = (number: number): number => reader.u32(section.offset + value + number * 4);
    return {
      name,
      type: word(0),
      keyBytes: word(1),
      valueBytes: word(2),
      entriesMax: word(3),
      flags: word(4),
    };
  });
}

function readUses(reader: Reader, section: Section, symbols: readonly Symbol[]): BpfMapUse[] {
  const count = Math.floor(section.bytes / relocationBytes);
  return Array.from({ length: count }, (_, index) => {
    const at = section.offset + index * relocationBytes;
    const type = reader.u32(at + 8);
    const symbol = symbols[reader.u32(at + 12)];
    if (type !== R_BPF_64_64 || symbol === undefined) {
      throw damaged(`relocation of type ${type} is not known`);
    }
    return { offset: reader.u64(at), map: symbol.name };
  });
}

/**
 * Reads an object file.
 *
 * @throws {ApplianceError} `BPF_OBJECT_INVALID`.
 */
export function parseBpfObject(bytes: Uint8Array): BpfObject {
  const reader = new Reader(bytes);
  if (reader.u32(0) !== elfMagic || reader.u16(18) !== EM_BPF) throw damaged("it is none");
  const sections = readSections(reader);
  const symbols = readSymbols(reader, sections);
  const maps = readMaps(reader, sections, symbols);
  const known = new Set(maps.map(({ name }) => name));
  const programs = sections.flatMap((section, index) => {
    if (section.type !== SHT_PROGBITS || !section.name.startsWith("tc")) return [];
    const relocations = sections.filter(({ type, info }) => type === SHT_REL && info === index);
    const uses = relocations.flatMap((one) => readUses(reader, one, symbols));
    const stranger = uses.find(({ map }) => !known.has(map));
    if (stranger !== undefined) throw damaged(`${section.name} names ${stranger.map}, no map`);
    const instructions = reader.slice(section.offset, section.bytes);
    return [{ name: section.name, instructions, uses }];
  });
  const license = sections.find(({ name }) => name === licenseSection);
  return { maps, programs, license: license === undefined ? "" : reader.text(license.offset) };
}
