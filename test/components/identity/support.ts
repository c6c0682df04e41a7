import type { Host } from "../../../nodes/host";
import { isSecret, type RecordedResource } from "../../../plan/record";

/** A control plane that nothing ever connects to. */
export const controlPlane: Host = {
  name: "k3s-master1",
  address: "192.0.2.1",
  user: "homelab",
  identity: { kind: "product-uuid", value: "5f0c1d7e-2b6a-4c39-9f58-7a3e61d2b0c4" },
  incarnation: "test",
  otherKey: "",
  connection: { host: "192.0.2.1", user: "homelab", hostKey: "ssh-ed25519 AAAA" },
};

/** Recorded data with its secrets opened. */
export function plainText(value: unknown): unknown {
  if (isSecret(value)) {
    return plainText(value.secret);
  }
  if (Array.isArray(value)) {
    return value.map(plainText);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plainText(child)]));
  }
  return value;
}

/** True if the first waits for the second, directly or not. A child waits for whatever its component waits for. */
export function dependsOn(
  resources: readonly RecordedResource[],
  one: RecordedResource,
  other: RecordedResource,
): boolean {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const seen = new Set<string>();
  const reach = (urn: string): boolean => {
    if (urn === other.urn) {
      return true;
    }
    const resource = byUrn.get(urn);
    if (!resource || seen.has(urn)) {
      return false;
    }
    seen.add(urn);
    return resource.dependencies.some(reach) || (resource.parent !== undefined && parentReach(resource.parent));
  };
  const parentReach = (urn: string): boolean => {
    const parent = byUrn.get(urn);
    return parent !== undefined && (parent.dependencies.some(reach) || (!!parent.parent && parentReach(parent.parent)));
  };
  return reach(one.urn) && one.urn !== other.urn;
}
