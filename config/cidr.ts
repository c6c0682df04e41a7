import * as ipaddr from "ipaddr.js";

/** An IPv4 network as the closed range of its addresses, each an unsigned 32-bit number. */
export interface Ipv4Range {
  first: number;
  last: number;
}

/** An IPv4 address as an unsigned 32-bit number; undefined if it is not one in dotted form. */
export function ipv4ToNumber(address: string): number | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) {
    return undefined;
  }
  return ipaddr.IPv4.parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256 + byte, 0);
}

/** The dotted form of an unsigned 32-bit number. */
export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** The range of a network in CIDR form; undefined if it is malformed or has host bits set. */
export function parseCidr(value: string): Ipv4Range | undefined {
  const match = /^([0-9.]+)\/([0-9]{1,2})$/.exec(value);
  const first = match && ipv4ToNumber(match[1]);
  const prefix = match ? Number(match[2]) : Number.NaN;
  if (first === undefined || first === null || !(prefix <= 32)) {
    return undefined;
  }
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** Same as parseCidr, for values that the schema has already accepted. */
export function cidrRange(value: string): Ipv4Range {
  const range = parseCidr(value);
  if (!range) {
    throw new Error(`not an IPv4 network: ${value}`);
  }
  return range;
}

export function contains(range: Ipv4Range, address: string): boolean {
  const value = ipv4ToNumber(address);
  return value !== undefined && value >= range.first && value <= range.last;
}

export function overlaps(one: Ipv4Range, other: Ipv4Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** What remains of a range when one address is taken out of it: none, one or two ranges, in ascending order. */
export function without(range: Ipv4Range, address: string): Ipv4Range[] {
  const value = ipv4ToNumber(address);
  if (value === undefined || !contains(range, address)) {
    return [range];
  }
  return [
    { first: range.first, last: value - 1 },
    { first: value + 1, last: range.last },
  ].filter((part) => part.first <= part.last);
}

/** The n-th address of a network, counted from its first; for example 10 in 10.43.0.0/16 is 10.43.0.10. */
export function nthAddress(network: string, index: number): string {
  return numberToIpv4(cidrRange(network).first + index);
}

/** The number behind the slash. */
export function prefixLength(network: string): number {
  return Number(network.split("/")[1]);
}

/** Whether a network lies completely in another. */
export function within(inner: Ipv4Range, outer: Ipv4Range): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}
