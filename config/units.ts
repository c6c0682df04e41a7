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

const POWERS = ["k", "M", "G", "T", "P", "E"] as const;

/**
 * The MiB, rounded up, of any quantity of bytes that Kubernetes reads: plain, with an exponent, or with a decimal or binary
 * unit (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity). undefined for what is none.
 */
export function quantityMib(quantity: unknown): number | undefined {
  const match = /^([0-9]+\.?[0-9]*|\.[0-9]+)(?:(m)|([kMGTPE])|([KMGTPE]i)|[eE]([+-]?[0-9]+))?$/.exec(String(quantity));
  if (!match) {
    return undefined;
  }
  const [, number, milli, decimal, binary, exponent] = match as (string | undefined)[];
  const power = POWERS.indexOf((decimal ?? binary?.charAt(0).replace("K", "k") ?? "") as (typeof POWERS)[number]) + 1;
  const unit = milli ? 1 / 1000 : exponent ? 10 ** Number(exponent) : (binary ? 1024 : 1000) ** power;
  return Math.ceil((Number(number) * unit) / 2 ** 20);
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
