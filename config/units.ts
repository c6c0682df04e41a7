const UNITS: Readonly<Record<string, bigint>> = { Mi: 1n << 20n, Gi: 1n << 30n, Ti: 1n << 40n };

/**
 * The bytes of a size such as `24Gi`. Exact: many sizes in Ti are beyond what a double holds.
 *
 * @throws Error for what the schema's `bytes` refuses.
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

/** The MiB of a size such as `8Gi`, for arithmetic: the smallest unit there is, so always a whole number. */
export function toMib(size: string): number {
  return Number(toBytes(size) / UNITS.Mi);
}

/** The hours of a duration that the schema has accepted, such as 720h or 1h30m. */
export function durationHours(duration: string): number {
  const match = /^(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$/.exec(duration);
  if (!match || duration === "") {
    throw new Error(`not a duration: ${duration}`);
  }
  const [hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return hours + minutes / 60 + seconds / 3600;
}
