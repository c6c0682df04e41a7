const UNITS: Readonly<Record<string, bigint>> = { Mi: 1n << 20n, Gi: 1n << 30n, Ti: 1n << 40n };

/**
 * The bytes of a size such as `24Gi`. Exact: big sizes in Ti are beyond what a double prints without rounding.
 *
 * @throws Error for anything but a whole number with Mi, Gi or Ti.
 */
export function toBytes(size: string): bigint {
  const match = /^([1-9][0-9]*)(Mi|Gi|Ti)$/.exec(size);
  if (!match) {
    throw new Error(`not a size with a binary unit: ${size}`);
  }
  return BigInt(match[1]) * UNITS[match[2]];
}

/** The KiB of a size such as `8Gi`, the unit in which libvirt counts memory. */
export function toKib(size: string): bigint {
  return toBytes(size) / 1024n;
}
