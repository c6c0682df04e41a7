/** A K3s release: the Kubernetes version it ships, and the number of its own build on top. */
export interface K3sVersion {
  major: number;
  minor: number;
  patch: number;
  /** The number after `+k3s`. */
  build: number;
}

/** How many minor versions a kubelet may be behind the API server (Kubernetes version skew policy, since 1.28). */
const MAX_KUBELET_LAG = 3;

/**
 * Reads a release tag such as `v1.32.5+k3s1`.
 *
 * @returns undefined for everything else: release candidates, missing `v`, missing build.
 */
export function parseK3sVersion(text: string): K3sVersion | undefined {
  const match = /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\+k3s([1-9]\d*)$/.exec(text);
  if (!match) {
    return undefined;
  }
  const [major, minor, patch, build] = match.slice(1).map(Number);
  return { major, minor, patch, build };
}

/** Negative if `one` is the older release, positive if it is the newer one, 0 if they are the same. */
export function compareK3sVersions(one: K3sVersion, other: K3sVersion): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch || one.build - other.build;
}

/**
 * Says why an agent of one release must not run under a server of another, or undefined if it may: an agent is never
 * of a newer minor version than its server, and at most three minors behind it.
 *
 * @param server release tag of the server.
 * @param agent release tag of the agent.
 */
export function skewProblem(server: string, agent: string): string | undefined {
  const serverVersion = parseK3sVersion(server);
  const agentVersion = parseK3sVersion(agent);
  if (!serverVersion || !agentVersion) {
    return `${serverVersion ? agent : server} is no K3s release such as v1.32.5+k3s1`;
  }
  if (serverVersion.major !== agentVersion.major) {
    return `agent ${agent} and server ${server} are of different major versions`;
  }
  const lag = serverVersion.minor - agentVersion.minor;
  if (lag < 0) {
    return `agent ${agent} is newer than its server ${server}; upgrade the server first`;
  }
  return lag > MAX_KUBELET_LAG
    ? `agent ${agent} is ${lag} minor versions behind its server ${server}; at most ${MAX_KUBELET_LAG} are supported`
    : undefined;
}

/**
 * Says why a node must not go from one release to another in place, or undefined if it may. Downgrades are not supported
 * by K3s, and a minor version is never skipped (K3s documentation, upgrades/manual). `nodes/scripts/k3s/common.sh`
 * applies the same rule to what it finds installed on the machine.
 */
export function upgradeProblem(installed: string, wanted: string): string | undefined {
  const from = parseK3sVersion(installed);
  const to = parseK3sVersion(wanted);
  if (!from || !to) {
    return `${from ? wanted : installed} is no K3s release such as v1.32.5+k3s1`;
  }
  if (compareK3sVersions(from, to) > 0) {
    return `${installed} is newer than ${wanted}; K3s cannot be downgraded`;
  }
  if (from.major !== to.major || to.minor - from.minor > 1) {
    return `from ${installed} to ${wanted} skips a minor version; go through every minor in between`;
  }
  return undefined;
}
