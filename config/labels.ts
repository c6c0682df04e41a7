const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Labels in Kubernetes' own domains that a kubelet may give itself beside those below its two prefixes. */
const KUBELET_LABELS = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "node.kubernetes.io/instance-type",
]);

/** Says why a kubelet would refuse a label of its own, or undefined if it takes it. */
export function labelProblem(key: string, value: string): string | undefined {
  return labelKeyProblem(key) ?? labelValueProblem(value) ?? reservedLabelProblem(key);
}

/** Says what is wrong with the key of a label or taint: an optional DNS prefix, a slash, a name of 63 characters. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf("/");
  const [prefix, name] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  if (prefix !== undefined && !PREFIX.test(prefix)) {
    return "the part before the slash is not a DNS name in lower case";
  }
  return NAME.test(name)
    ? undefined
    : "the name is not 1 to 63 letters, digits, '-', '_' and '.' between alphanumerics";
}

/** Says what is wrong with the value of a label or taint. */
export function labelValueProblem(value: string): string | undefined {
  return value === "" || NAME.test(value)
    ? undefined
    : "the value is not at most 63 letters, digits, '-', '_' and '.' between alphanumerics";
}

/**
 * Says why a kubelet would not start with a label of its own: in the domains of Kubernetes it may set few
 * (kubernetes v1.32 staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go).
 */
export function reservedLabelProblem(key: string): string | undefined {
  const prefix = key.slice(0, Math.max(0, key.indexOf("/")));
  const below = (domain: string) => prefix === domain || prefix.endsWith(`.${domain}`);
  const reserved = below("kubernetes.io") || below("k8s.io");
  const free = below("node.kubernetes.io") || below("kubelet.kubernetes.io") || KUBELET_LABELS.has(key);
  return reserved && !free ? `a kubelet refuses to start with labels of its own in ${prefix}` : undefined;
}
