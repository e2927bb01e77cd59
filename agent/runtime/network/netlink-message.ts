/**
 * Messages to the kernel's routing socket, as bytes, and its answers. Pure. All numbers are in the
 * machine's byte order, which is little endian on both architectures that Skiff runs on.
 *
 * Source: netlink(7), rtnetlink(7), and Linux include/uapi/linux/{netlink,rtnetlink,if_link}.h.
 */

export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_NEWROUTE = 24;

const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLMSG_ERROR = 2;
const HEADER_BYTES = 16;

const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 0x1;
/** No link-local address is made. */
const ADDR_GEN_MODE_NONE = 1;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;

const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;

export interface NetlinkRequest {
  readonly type: number;
  readonly isNew: boolean;
  readonly body: Buffer;
  /** For the error: what it was to do. */
  readonly what: string;
}

/** A pair, whose far end is made in the network namespace behind the file descriptor. */
export function newVeth(name: string, peer: string, netnsFd: number): NetlinkRequest {
  const far = Buffer.concat([
    linkHeader({}),
    attribute(IFLA_IFNAME, cString(peer)),
    attribute(IFLA_NET_NS_FD, u32(netnsFd)),
  ]);
  const info = Buffer.concat([
    attribute(IFLA_INFO_KIND, cString('veth')),
    attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, far)),
  ]);
  const body = [
    linkHeader({}),
    attribute(IFLA_IFNAME, cString(name)),
    attribute(IFLA_LINKINFO, info),
  ];
  return { type: RTM_NEWLINK, isNew: true, body: Buffer.concat(body), what: `make ${name}` };
}

/** Brings it up, into a bridge when one is given. */
export function linkUp(name: string, bridgeIndex?: number): NetlinkRequest {
  const body = [linkHeader({ isUp: true }), attribute(IFLA_IFNAME, cString(name))];
  if (bridgeIndex !== undefined) body.push(attribute(IFLA_MASTER, u32(bridgeIndex)));
  return { type: RTM_NEWLINK, isNew: false, body: Buffer.concat(body), what: `bring up ${name}` };
}

/**
 * No link-local IPv6 address is made when it comes up. To be sent before, and not with it: the kernel
 * looks at the flags of a message first.
 */
export function noLinkLocal(name: string): NetlinkRequest {
  const mode = attribute(IFLA_INET6_ADDR_GEN_MODE, Buffer.from([ADDR_GEN_MODE_NONE]));
  const body = Buffer.concat([
    linkHeader({}),
    attribute(IFLA_IFNAME, cString(name)),
    attribute(IFLA_AF_SPEC, attribute(AF_INET6, mode)),
  ]);
  return { type: RTM_NEWLINK, isNew: false, body, what: `keep ${name} from IPv6` };
}

/** Answered with a message of which {@link linkIndexOf} takes the index. */
export function getLink(name: string): NetlinkRequest {
  const body = Buffer.concat([linkHeader({}), attribute(IFLA_IFNAME, cString(name))]);
  return { type: RTM_GETLINK, isNew: false, body, what: `find ${name}` };
}

export function newAddress(index: number, address: string, prefix: number): NetlinkRequest {
  const bytes = addressBytes(address);
  const header = Buffer.alloc(8);
  header[0] = AF_INET;
  header[1] = prefix;
  header.writeUInt32LE(index, 4);
  const body = Buffer.concat([
    header,
    attribute(IFA_LOCAL, bytes),
    attribute(IFA_ADDRESS, bytes),
    attribute(IFA_BROADCAST, broadcastOf(bytes, prefix)),
  ]);
  return { type: RTM_NEWADDR, isNew: true, body, what: `give the address ${address}` };
}

export function newDefaultRoute(index: number, gateway: string): NetlinkRequest {
  const header = Buffer.alloc(12);
  header[0] = AF_INET;
  header[4] = RT_TABLE_MAIN;
  header[5] = RTPROT_BOOT;
  header[7] = RTN_UNICAST;
  const body = Buffer.concat([
    header,
    attribute(RTA_GATEWAY, addressBytes(gateway)),
    attribute(RTA_OIF, u32(index)),
  ]);
  return { type: RTM_NEWROUTE, isNew: true, body, what: `set the route over ${gateway}` };
}

export function encodeRequest(request: NetlinkRequest, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const creation = request.isNew ? NLM_F_CREATE | NLM_F_EXCL : 0;
  header.writeUInt32LE(HEADER_BYTES + request.body.length, 0);
  header.writeUInt16LE(request.type, 4);
  header.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | creation, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, request.body]);
}

export interface NetlinkAnswer {
  readonly type: number;
  readonly body: Buffer;
  /** Of the last message for a request: 0, or the error number. Undefined when more follow. */
  readonly errno: number | undefined;
}

/** The first message of a datagram: the kernel sends these one by one. */
export function decodeAnswer(datagram: Buffer): NetlinkAnswer {
  const length = datagram.readUInt32LE(0);
  const type = datagram.readUInt16LE(4);
  const body = datagram.subarray(HEADER_BYTES, length);
  return { type, body, errno: type === NLMSG_ERROR ? -body.readInt32LE(0) : undefined };
}

export function linkIndexOf(answer: NetlinkAnswer): number {
  return answer.body.readInt32LE(4);
}

function linkHeader({ isUp = false }: { readonly isUp?: boolean }): Buffer {
  const header = Buffer.alloc(16);
  if (isUp) {
    header.writeUInt32LE(IFF_UP, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}

/** A length and a type, then the value, filled up to a multiple of four. */
function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function addressBytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function broadcastOf(address: Buffer, prefix: number): Buffer {
  const host = 2 ** (32 - prefix) - 1;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address.readUInt32BE() - (address.readUInt32BE() % (host + 1)) + host);
  return bytes;
}
