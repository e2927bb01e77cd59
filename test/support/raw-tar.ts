/** Tar archives byte by byte, for what no tar program writes: hostile names, odd headers, sparse maps. */

import { tarEnd, tarPadding } from '../../agent/runtime/image/tar-header.ts';

export interface RawMember {
  readonly name: string;
  readonly type?: string;
  readonly linkName?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly content?: Buffer | string;
  /** When it is not that of the content. */
  readonly size?: number;
  readonly major?: number;
  readonly minor?: number;
  /** Extended records that come before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
}

export function rawTar(members: readonly RawMember[]): Buffer {
  return Buffer.concat([...members.map(rawMember), tarEnd()]);
}

export function rawMember({ pax, ...member }: RawMember): Buffer {
  const content = Buffer.from(member.content ?? '');
  const parts = [rawHeader(member), content, tarPadding(content.length)];
  if (pax === undefined) return Buffer.concat(parts);
  const records = Buffer.concat(Object.entries(pax).map(([key, value]) => paxRecord(key, value)));
  return Buffer.concat([rawMember({ name: 'pax', type: 'x', content: records }), ...parts]);
}

export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length)
    length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** `change` works on the block before its checksum is made. */
export function rawHeader(member: RawMember, change?: (block: Buffer) => void): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  };
  block.write(member.name.slice(0, 100), 0);
  octal(member.mode ?? 0o644, 100, 8);
  octal(member.uid ?? 0, 108, 8);
  octal(0, 116, 8);
  octal(member.size ?? Buffer.from(member.content ?? '').length, 124, 12);
  octal(0, 136, 12);
  block.write(member.type ?? '0', 156);
  block.write((member.linkName ?? '').slice(0, 100), 157);
  block.write('ustar\x0000', 257);
  octal(member.major ?? 0, 329, 8);
  octal(member.minor ?? 0, 337, 8);
  change?.(block);
  block.write(' '.repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
