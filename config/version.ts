/** A release number. */
export interface Version {
  major: number;
  minor: number;
  patch: number;
}

/** Reads three numbers with or without a leading v; what follows them (`+k3s1`, `@sha256:...`) is ignored. */
export function parseVersion(text: string): Version | undefined {
  const match = /^v?([0-9]+)\.([0-9]+)\.([0-9]+)(?![0-9.])/.exec(text);
  return match ? { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) } : undefined;
}

/** Same as parseVersion, for values that the schema has already accepted. */
export function version(text: string): Version {
  const parsed = parseVersion(text);
  if (!parsed) {
    throw new Error(`not a version of three numbers: ${text}`);
  }
  return parsed;
}

/** Negative if the first is older, 0 if they are the same release, positive if it is newer. */
export function compareVersions(one: Version, other: Version): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch;
}

/** Major and minor, the line that a compatibility table speaks of; for example 1.17. */
export function line(value: Version): string {
  return `${value.major}.${value.minor}`;
}

/** Whether a line such as 1.32 lies between two others, both included. */
export function lineWithin(value: Version, first: string, last: string): boolean {
  const at = (text: string) => version(`${text}.0`);
  const own = { ...value, patch: 0 };
  return compareVersions(own, at(first)) >= 0 && compareVersions(own, at(last)) <= 0;
}

/** A kubelet may be this many minor versions behind the API server (Kubernetes' version skew policy, since 1.28). */
const MAX_KUBELET_LAG = 3;

/** Says why agents of one K3s release cannot work with a server of another, or undefined if they can. */
export function agentSkewProblem(server: string, agent: string): string | undefined {
  const [ahead, behind] = [version(server), version(agent)];
  const lag = ahead.minor - behind.minor;
  if (ahead.major !== behind.major || lag < 0) {
    return "an agent is never of a newer minor version than its server";
  }
  return lag > MAX_KUBELET_LAG ? `an agent is at most ${MAX_KUBELET_LAG} minor versions behind its server` : undefined;
}
