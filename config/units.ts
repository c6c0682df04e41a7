const mebibytesOf: Readonly<Record<string, number>> = { Mi: 1, Gi: 1024, Ti: 1024 * 1024 };

/** The MiB of a size that the schema has accepted, such as 8Gi. */
export function mebibytes(size: string): number {
  const match = /^([0-9]+)(Mi|Gi|Ti)$/.exec(size);
  if (!match) {
    throw new Error(`not a size with a binary unit: ${size}`);
  }
  return Number(match[1]) * mebibytesOf[match[2]];
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
